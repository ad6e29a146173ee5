"""The log of the processes that run for long: one file a day, for its owner only, and for as long as wanted."""

import json
import logging
import os
import re
import socket
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from jobs.workers.ticks import ticks
from novaproject import serving
from novaproject.logs import retention
from novaproject.logs.lines import DayFile, PlainFormatter

CHECKOUT = Path(__file__).resolve().parents[2]
CANARY = "5eed" * 16
WRITES = f"""
import logging, sys
from pathlib import Path
from novaproject.logs.lines import DayFile, PlainFormatter
handler = DayFile(Path(sys.argv[1])); handler.setFormatter(PlainFormatter())
log = logging.getLogger("x"); log.addHandler(handler); log.propagate = False
for number in range(300): log.warning("%s %s Token {CANARY} end", sys.argv[2] * 300, number)
"""
SAYS = """
import logging, manage
try: manage.main()
except SystemExit: logging.getLogger("x").warning("something")
"""


def test_processes_share_the_file_of_the_day_and_hide_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    command = [sys.executable, "-c", WRITES, str(folder)]

    writers = [subprocess.Popen([*command, name], cwd=CHECKOUT) for name in "ab"]

    assert [writer.wait(30) for writer in writers] == [0, 0]
    (path,) = folder.iterdir()
    assert re.fullmatch(r"novaproject-\d{4}-\d\d-\d\d\.log", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 600
    assert all(re.fullmatch(r"(a{300}|b{300}) \d+ Token \[hidden\] end", line) for line in lines)


def test_a_new_day_has_a_new_file_and_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    handler = DayFile(folder)
    handler.setFormatter(PlainFormatter())
    today = logging.LogRecord("x", logging.INFO, __file__, 1, "today \ud800", (), None)
    later = logging.LogRecord("x", logging.INFO, __file__, 1, "later", (), None)
    later.created += timedelta(days=1).total_seconds()

    for record in (today, later, today):
        handler.handle(record)
    handler.close()
    nowhere = tmp_path / "a file"
    nowhere.touch()
    DayFile(nowhere).handle(today)

    assert [len(path.read_text().splitlines()) for path in sorted(folder.iterdir())] == [2, 1]


def test_old_files_are_forgotten_and_nothing_else(folders: Path, settings: Settings) -> None:
    settings.LOG_DIR = folders / "data" / "logs"
    settings.LOG_DIR.mkdir()
    days = [timezone.localdate() - timedelta(days=number) for number in (0, 30, 31, 400)]
    names = [f"novaproject-{day}.log" for day in days]
    for name in [*names, "novaproject-notes.log", "other-2001-01-01.log"]:
        (settings.LOG_DIR / name).touch()

    settings.LOG_KEEP_DAYS = 0
    assert retention.forget_old() == 0
    settings.LOG_KEEP_DAYS = 30
    next(tick for tick in ticks() if tick.name == "old log files").run()

    left = {path.name for path in settings.LOG_DIR.iterdir()}
    assert left == {*names[:2], "novaproject-notes.log", "other-2001-01-01.log"}


def _environment(place: Path, **more: str) -> dict[str, str]:
    folders = {"DATA_DIR": "data", "UPLOAD_DIR": "uploads", "PROXY_DIR": "proxy_video"}
    places = {name: str(place / folder) for name, folder in folders.items()}
    ours = {"PATH": os.environ["PATH"], "NOVAPROJECT_ENV_FILE": "", "SECRET_KEY": "x" * 60}
    return ours | places | {"LOG_KEEP_DAYS": "30"} | more


@pytest.mark.parametrize(("command", "keep_days", "files"), [("work", "30", 1), ("work", "0", 0), ("check", "30", 0)])
def test_only_what_runs_for_long_writes_the_file(tmp_path: Path, command: str, keep_days: str, files: int) -> None:
    called = [sys.executable, "-c", SAYS, command, "--version"]

    done = subprocess.run(
        called, check=True, cwd=CHECKOUT, env=_environment(tmp_path, LOG_KEEP_DAYS=keep_days), capture_output=True
    )

    assert b"something" in done.stderr
    written = [path.read_bytes() for path in (tmp_path / "data").glob("logs/*")]
    assert written == [done.stderr] * files


def test_the_web_server_logs_as_all_others_and_hides_what_it_quotes(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "data" / "static").mkdir(parents=True)  # whitenoise warns without it
    environment = _environment(tmp_path, LOG_FORMAT="json", NOVAPROJECT_KEEPS_LOG="1")
    command = serving.commands("127.0.0.1", port)["web"]
    web = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 30
        while serving.is_free("127.0.0.1", port):
            assert time.monotonic() < until
            time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", port)) as asking:
            asking.sendall(f"GET /?token={CANARY} HTTP/1.1\r\nHost: x\r\nAuthorization Token {CANARY}\r\n\r\n".encode())
            assert b"400" in asking.recv(1000)
        with socket.create_connection(("127.0.0.1", port)) as asking:
            asking.sendall(f"GET /api/none?token={CANARY} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert b"404" in asking.recv(1000)
    finally:
        for process in psutil.Process(web.pid).children(recursive=True):
            process.terminate()
        web.terminate()
        _, said = web.communicate(timeout=15)

    lines = [json.loads(line) for line in said.splitlines()]
    assert any(line["logger"] == "django.request" and "Not Found" in line["message"] for line in lines)
    assert CANARY not in said
    (path,) = (tmp_path / "data" / "logs").iterdir()
    assert path.read_text(encoding="utf-8") == said
