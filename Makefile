# `make run` starts the library, `make test` passes the tests. Both set up what they need.
VENV ?= .venv
PY := $(VENV)/bin/python
CLEAN := NOVAPROJECT_ENV_FILE= SECRET_KEY=check

.PHONY: check
check:
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/ruff format --quiet --check .
	$(CLEAN) $(VENV)/bin/lint-imports --no-cache >/dev/null || $(CLEAN) $(VENV)/bin/lint-imports --no-cache
	$(CLEAN) $(VENV)/bin/mypy --no-error-summary .
	$(CLEAN) $(PY) manage.py makemigrations --check --dry-run
