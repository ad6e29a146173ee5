"""Keeps the web server and the workers running side by side.

Each part is a process group of its own, so that ending it ends its children; a part that dies is started again; and
on Linux the parts die with this process, also when it is killed. `manage.py serve` becomes `python -m
novaproject.serving`, which knows no Django: a process that only waits needs ten megabytes, not ninety.
"""

import json
import logging
import logging.config
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from jobs import child_processes

logger = logging.getLogger(__name__)

#: Ctrl-C must have ended all within 10 seconds; what has not gone by then is killed.
STOP_SECONDS = 8.0
#: A part that dies at once is started again after this pause, so that a broken one does not spin.
RESTART_PAUSE_S = 1.0


def is_free(host: str, port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def commands(host: str, port: int) -> dict[str, list[str]]:
    """The parts of the library, as argument lists, to be run in the project's folder."""
    return {
        "web": [sys.executable, "-m", "novaproject.web.run", host, str(port)],
        "work": [sys.executable, "manage.py", "work"],
    }


def become_server(command_lines: dict[str, list[str]], folder: Path, log: dict[str, Any]) -> NoReturn:
    """Go on as a process without Django that keeps these commands running in this folder; `log` is its LOGGING."""
    plan = json.dumps({"commands": command_lines, "log": log}, default=str)
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, "-m", "novaproject.serving", plan])  # noqa: S606 - no shell


@dataclass
class ServerProcess:
    """One process that is kept running."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = field(default=0.0)

    def ensure_running(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            logger.warning("%s ended with status %s; starting it again", self.name, self.process.returncode)
            self.signal_group(signal.SIGKILL)  # its children, where it left any
            if time.monotonic() - self.started_at < RESTART_PAUSE_S:
                time.sleep(RESTART_PAUSE_S)
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=child_processes.dying_with_parent(signal.SIGTERM),  # noqa: PLW1509  (a single prctl call)
        )

    def signal_group(self, number: int) -> None:
        if self.process is not None:
            child_processes.signal_group(self.process.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether the process is gone within this time."""
        if self.process is None:
            return True
        try:
            self.process.wait(timeout=max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True


def stop(parts: Sequence[ServerProcess], seconds: float = STOP_SECONDS) -> None:
    """End all parts: politely first, then for good."""
    deadline = time.monotonic() + seconds
    for part in parts:
        if part.process is not None and part.process.poll() is None:
            part.process.send_signal(signal.SIGTERM)
    for part in parts:
        part.wait(deadline - time.monotonic())
    for part in parts:
        part.signal_group(signal.SIGKILL)
        part.wait(1.0)


def serve_until_stopped(
    command_lines: dict[str, list[str]], *, every_s: float = 0.5, on_tick: Callable[[], None] | None = None
) -> None:
    """Keep all parts running until SIGINT or SIGTERM."""
    asked_to_stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        asked_to_stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    parts = [ServerProcess(name, command) for name, command in command_lines.items()]
    try:
        while not asked_to_stop.wait(every_s):
            for part in parts:
                part.ensure_running()
            if on_tick:
                on_tick()
    finally:
        stop(parts)


def main(plan: str) -> None:
    """What `become_server` begins."""
    given = json.loads(plan)
    logging.config.dictConfig(given["log"])
    serve_until_stopped(given["commands"])


if __name__ == "__main__":
    main(sys.argv[1])
