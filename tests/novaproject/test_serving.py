"""Web server and workers side by side: what dies comes back, and Ctrl-C leaves nothing."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from novaproject.serving import is_free

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = """
import django; django.setup()
from novaproject.serving import serve_until_stopped
import sys
nap = "import time; time.sleep(600)"
sleeper = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {nap!r}])"]
serve_until_stopped({"web": sleeper, "work": sleeper}, every_s=0.05)
"""


def _wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def server() -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=CHECKOUT, env=environment)
    family = psutil.Process(process.pid)
    _wait_until(lambda: len(family.children(recursive=True)) == 4)
    everyone = family.children(recursive=True)
    yield process
    if process.poll() is None:
        everyone += family.children(recursive=True)
    for child in everyone:  # the naps outlive a kill of the supervisor
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    everyone = psutil.Process(server.pid).children(recursive=True)

    server.send_signal(number)

    assert server.wait(timeout=10) == 0
    _, left = psutil.wait_procs(everyone, timeout=5)
    assert left == []


def test_a_killed_part_is_started_again_and_its_children_are_not_left(server: subprocess.Popen[bytes]) -> None:
    family = psutil.Process(server.pid)
    victim = family.children()[0]
    orphans = victim.children()

    victim.kill()

    _wait_until(lambda: victim.pid not in {child.pid for child in family.children()})
    _wait_until(lambda: len(family.children(recursive=True)) == 4)
    _, left = psutil.wait_procs(orphans, timeout=5)
    assert left == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_nothing_survives_a_kill_of_the_supervisor(server: subprocess.Popen[bytes]) -> None:
    parts = psutil.Process(server.pid).children()

    server.kill()

    _, left = psutil.wait_procs(parts, timeout=10)
    assert left == []


def test_a_port_in_use_is_seen() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        assert not is_free("127.0.0.1", taken.getsockname()[1])
