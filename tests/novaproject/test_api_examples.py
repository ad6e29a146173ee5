"""The examples of docs/api.md, read out of it and run as they stand, against a real server and a working worker."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from knox.models import AuthToken
from pytest_django.live_server_helper import LiveServer

from files.models import File, Proxy
from jobs.execution.running import run_until_idle
from jobs.models import Batch
from tests.e2e.library import fill

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
LIMIT_S = 90


def example(language: str) -> str:
    """The one block of this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Does what is due, as `manage.py work` would."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            run_until_idle()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def place(folders: Path, live_server: LiveServer, settings: Any) -> dict[str, str]:
    """A folder of clips, and the variables that the examples read."""
    fill(folders / "videos")
    settings.IMPORT_ROOTS = [folders / "videos"]
    settings.IMPORT_SETTLE_S = 0.0
    _, token = AuthToken.objects.create(User.objects.create_superuser("ada"))
    return os.environ | {"HOST": live_server.url, "TOKEN": token, "FOLDER": str(folders / "videos")}


def run(command: list[str], place: dict[str, str]) -> str:
    done = subprocess.run(command, env=place, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_python_example_imports_makes_proxies_and_finds(place: dict[str, str], worker: None) -> None:
    told = run([sys.executable, "-c", example("python")], place)

    assert re.search(rf"^leak-hunt\.mp4 4\.0 {re.escape(place['HOST'])}/files/\d+/\?t=4", told, re.MULTILINE), told
    assert Proxy.objects.count() == 2
    assert "analysing costs at most 0" in told
    assert Batch.objects.filter(action="nova").count() == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_the_curl_examples_run(place: dict[str, str]) -> None:
    told = run(["bash", "-eu", "-c", example("sh")], place)

    assert File.objects.get().name == "leak-hunt.mp4"
    assert Batch.objects.filter(action="transcribe").count() == 1
    assert Batch.objects.filter(action="nova").count() == 1
    assert '"count"' in told
    assert re.search(r'"usd_high": ?0\.\d*[1-9]', told), told
