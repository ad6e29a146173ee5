"""What the library takes while nobody uses it: processes, memory (PSS) and processor time, before and after some work.

It starts `manage.py serve` on an empty library in a folder of its own, waits until nothing happens, and measures. Then
it imports the demonstration clips, waits until the workers have ended, opens pages, and measures again. `MINUTES`
(default 1) is how long the processor time of an idle library is watched.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import Request, urlopen

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]
MOST_PROCESSES, MOST_IDLE_MB, MOST_IDLE_CPU_S = 6, 300, 20
PAGES = ("/api/health", "/api/files", "/api/jobs", "/api/search?q=lake", "/api/nova/models", "/api/proxies")
PATIENCE_S = 900


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        print(f"    {sizes[process.pid]:7.1f} MB  {' '.join(process.cmdline()[1:5])[:90]}")
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


def main() -> None:
    """Print a table and one JSON line."""
    with tempfile.TemporaryDirectory(prefix="novaproject-memory-") as folder:
        places = {name: f"{folder}/{name}" for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")}
        port = free_port()
        ours = {
            "NOVAPROJECT_ENV_FILE": "",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PORT": str(port),
            "JOB_IDLE_SECONDS": "10",
            "DJANGO_SETTINGS_MODULE": "novaproject.settings",
            "DJANGO_SUPERUSER_PASSWORD": secrets.token_urlsafe(12),
        }
        environment = os.environ | places | ours

        def manage(*arguments: str) -> str:
            command = [sys.executable, "manage.py", *arguments]
            done = subprocess.run(command, check=True, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
            return done.stdout

        manage("migrate", "--verbosity", "0")
        manage("collectstatic", "--noinput", "--verbosity", "0")
        manage("createsuperuser", "--noinput", "--username", "bench", "--email", "b@example.org")
        token = manage("api_token", "bench").split()[-1]
        log = Path(folder) / "log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [sys.executable, "manage.py", "serve"], cwd=CHECKOUT, env=environment, stdout=out, stderr=out
            )
        try:
            while not _answers(port):
                if server.poll() is not None:
                    raise RuntimeError(log.read_text())
                time.sleep(0.2)
            wait_until_idle(server.pid)
            idle = measured(server.pid, "idle")
            before = cpu_s(family(server.pid))
            minutes = float(os.environ.get("MINUTES", "1"))
            time.sleep(minutes * 60)
            hour_s = (cpu_s(family(server.pid)) - before) * 60 / minutes
            print(f"an idle hour: {hour_s:.1f} s of processor time")
            manage("set_up")  # imports the demonstration clips
            time.sleep(5)
            peak = measured(server.pid, "at work")
            wait_until_idle(server.pid)
            for path in PAGES:
                request = Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Token {token}"})
                urlopen(request, timeout=60).read()
            time.sleep(360)  # the model that embeds questions goes after five minutes
            after = measured(server.pid, "idle again")
        finally:
            server.terminate()
            server.wait(20)
    ratios = {
        "idle_mb": idle["mb"],
        "idle_processes": idle["processes"],
        "idle_hour_cpu_s": round(hour_s, 1),
        "work_mb": peak["mb"],
        "after_mb": after["mb"],
    }
    is_ok = idle["processes"] <= MOST_PROCESSES and max(idle["mb"], after["mb"]) <= MOST_IDLE_MB
    is_ok = is_ok and hour_s <= MOST_IDLE_CPU_S
    print(json.dumps({"bench": "memory", "ok": is_ok, "ratios": ratios, "cores": os.cpu_count(), "n": 1}))


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2) as response:
            return int(response.status) == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
