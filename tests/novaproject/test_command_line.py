"""`manage.py` as a shell uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from novaproject.management.command_help import FLOORS, CommandLine

CHECKOUT = Path(__file__).resolve().parents[2]


def test_a_reader_who_has_enough_gets_no_traceback(tmp_path: Path) -> None:
    """`manage.py … | head -1`."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "help"],
            cwd=CHECKOUT,
            env={"PATH": "/usr/bin:/bin", "SECRET_KEY": "x", "NOVAPROJECT_ENV_FILE": "", "DATA_DIR": str(tmp_path)},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)

    assert done.stderr == ""
    assert done.returncode == 128 + signal.SIGPIPE


def test_commands_load_no_library_that_they_do_not_use(tmp_path: Path) -> None:
    """Each of these takes a tenth of a second and megabytes of every process."""
    shown = "import django, sys; django.setup(); import novaproject.urls; print(*sorted(sys.modules))"
    places = {name: str(tmp_path / name) for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")}
    environment = {"PATH": "/usr/bin:/bin", "SECRET_KEY": "x", "NOVAPROJECT_ENV_FILE": ""}
    environment["DJANGO_SETTINGS_MODULE"] = "novaproject.settings"

    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=CHECKOUT,
        env=environment | places,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(done.stdout.split())
    heavy = {"boto3", "s3transfer", "faiss", "ctranslate2", "tokenizers", "onnxruntime", "faster_whisper", "torch"}
    assert heavy & loaded == set()


def test_help_shows_our_commands_first_each_once_and_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    CommandLine(["manage.py", "help"]).execute()

    shown = capsys.readouterr().out
    ours, django = shown.split("Of Django and its libraries")
    names = [line.split()[0] for line in ours.splitlines() if line.startswith("  ")]
    assert sorted(names) == sorted(name for name, app in get_commands().items() if app in FLOORS)
    assert "  import_directory  Take a folder into the library" in ours
    assert "Others of ours" not in ours
    assert "migrate" in django
