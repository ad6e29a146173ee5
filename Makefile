# `make run` starts the library, `make test` passes the tests. Both set up what they need.
VENV ?= .venv
PY := $(VENV)/bin/python
export NOVAPROJECT_ENV_FILE_FOR_TESTS :=

.PHONY: check
check:
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/ruff format --quiet --check .
	NOVAPROJECT_ENV_FILE= SECRET_KEY=check $(VENV)/bin/lint-imports --no-cache
	NOVAPROJECT_ENV_FILE= SECRET_KEY=check $(VENV)/bin/mypy --no-error-summary .
	NOVAPROJECT_ENV_FILE= SECRET_KEY=check $(PY) manage.py makemigrations --check --dry-run
