"""`manage.py` as a shell uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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
