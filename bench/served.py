"""A library of one's own under `manage.py serve`, for benches that look at it from outside."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]
PATIENCE_S = 900


def environment_in(folder: str) -> dict[str, str]:
    """The settings of a library that lies in this folder, and nothing of a person's own."""
    return {
        **{name: f"{folder}/{name}" for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")},
        "NOVAPROJECT_ENV_FILE": "",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_SETTINGS_MODULE": "novaproject.settings",
        "DJANGO_SUPERUSER_PASSWORD": secrets.token_urlsafe(12),
    }


@dataclass
class Served:
    """The running server: whom to ask, and as whom."""

    environment: dict[str, str]
    port: int
    token: str = ""
    pid: int = 0

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, check=True, cwd=CHECKOUT, env=self.environment, capture_output=True, text=True)
        return done.stdout

    def set_up_here(self) -> None:
        """Django of this library in this process too, to make rows."""
        os.environ.update(self.environment)
        import django

        django.setup()

    def ask(self, path: str, patience_s: float = 60.0) -> tuple[int, float, bytes]:
        """Status (0 = no answer), seconds and body of an address."""
        request = Request(f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Token {self.token}"})
        began = time.perf_counter()
        try:
            with urlopen(request, timeout=patience_s) as response:
                return int(response.status), time.perf_counter() - began, response.read()
        except HTTPError as error:
            return error.code, time.perf_counter() - began, b""
        except OSError:
            return 0, time.perf_counter() - began, b""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: str, **settings: str) -> Iterator[Served]:
    """Serve the library in this folder, which is made where there is none."""
    port = free_port()
    library = Served(os.environ | environment_in(folder) | {"PORT": str(port)} | settings, port)
    library.manage("migrate", "--verbosity", "0")
    library.manage("collectstatic", "--noinput", "--verbosity", "0")
    library.manage("createsuperuser", "--noinput", "--username", "bench-user", "--email", "b@example.org")
    library.token = library.manage("api_token", "bench-user").split()[-1]
    log = Path(folder) / "serve.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=CHECKOUT, env=library.environment, stdout=out, stderr=out
        )
    library.pid = server.pid
    try:
        while library.ask("/api/health", 2)[0] != 200:
            if server.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.2)
        yield library
    finally:
        server.terminate()
        server.wait(20)


def family(pid: int) -> list[psutil.Process]:
    """The server and all that it started."""
    server = psutil.Process(pid)
    return [server, *server.children(recursive=True)]


def pss_mb(process: psutil.Process) -> float:
    """Megabytes of a process, what is shared divided among those who share it; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except (OSError, psutil.Error):
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def cpu_s(processes: list[psutil.Process]) -> float:
    """Processor seconds that these have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes if process.is_running())


def measured(pid: int, label: str) -> dict[str, float]:
    """Processes and memory now, printed."""
    processes = family(pid)
    sizes = {process.pid: pss_mb(process) for process in processes}
    for process in processes:
        try:
            print(f"    {sizes[process.pid]:7.1f} MB  {' '.join(process.cmdline()[1:5])[:90]}")
        except psutil.Error:
            print("    a process that has just ended")
    total = sum(sizes.values())
    print(f"{label}: {len(processes)} processes, {total:.0f} MB")
    return {"processes": len(processes), "mb": round(total, 1)}


def wait_until_idle(pid: int) -> None:
    """Return when no worker lives any more: the server, its web server and the supervisor are left."""
    until, quiet = time.monotonic() + PATIENCE_S, 0
    while quiet < 5:
        quiet = quiet + 1 if len(family(pid)) <= 3 else 0
        if time.monotonic() > until:
            raise RuntimeError(f"Still at work after {PATIENCE_S} s.")
        time.sleep(1)
