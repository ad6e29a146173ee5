"""Which web server still answers while others hang: the trial behind docs/decisions/0013-web-server.md.

Run with the servers to try installed: `python -m bench.web_servers`. Each serves the same WSGI app: `/page` (a page),
`/file` (40 MB), and a POST. Then 50 clients send a header a byte at a time, 20 send a body so, and 20 stop reading
`/file`; a page is asked for meanwhile.
"""

import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SLOW_HEADERS, SLOW_BODIES, STALLED = 50, 20, 20
FILE_BYTES = 40_000_000
PAGES = 40
PATIENCE_S = 5.0


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A page, a file, or what becomes of a body."""
    if environ["PATH_INFO"] == "/file":
        path = Path(os.environ["TRIAL_FILE"])
        start_response("200 OK", [("Content-Length", str(path.stat().st_size))])
        wrapper = environ.get("wsgi.file_wrapper")
        file = path.open("rb")
        return wrapper(file, 262_144) if wrapper else iter(lambda: file.read(262_144), b"")
    read = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    time.sleep(0.002)
    body = f"page {read}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def asgi() -> Any:
    """The same behind uvicorn."""
    from a2wsgi import WSGIMiddleware  # type: ignore[import-not-found,unused-ignore]

    return WSGIMiddleware(app, workers=16)


def commands(port: int) -> dict[str, list[str]]:
    """The servers that are installed, each with sixteen threads or what comes nearest."""
    every = {
        "gunicorn gthread 2x8": f"-m gunicorn bench.web_servers:app -k gthread -w 2 --threads 8 -b 127.0.0.1:{port}",
        "granian wsgi 1x16": f"-m granian bench.web_servers:app --interface wsgi --blocking-threads 16 --port {port}",
        "uvicorn a2wsgi 16": f"-m uvicorn bench.web_servers:asgi --factory --port {port} --log-level error",
        "waitress 8": f"-m waitress --threads=8 --listen=127.0.0.1:{port} bench.web_servers:app",
    }
    return {
        name: [sys.executable, *line.split()]
        for name, line in every.items()
        if importlib.util.find_spec(line.split()[1])
    }


def page_s(port: int) -> float:
    """Seconds until a page has come; infinite where it does not within five."""
    began = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
            client.sendall(b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while client.recv(65536):
                pass
    except OSError:
        return float("inf")
    return time.perf_counter() - began


def hanging(port: int) -> list[socket.socket]:
    """Clients that take their time."""
    clients = []
    for count, opening in (
        (SLOW_HEADERS, b"GET /page HTTP/1.1\r\nHost: a\r\nX-Slow: "),
        (SLOW_BODIES, b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nslow"),
        (STALLED, b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n"),
    ):
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(opening)
            clients.append(client)
    return clients


def trial(command: list[str], port: int, environment: dict[str, str]) -> tuple[float, float, int]:
    """Milliseconds of a page when idle and when others hang, and how many of the latter never came."""
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while page_s(port) == float("inf"):
            time.sleep(0.2)
        idle = [page_s(port) for _ in range(PAGES)]
        clients = hanging(port)
        time.sleep(1.0)
        busy: list[float] = []
        while len(busy) < PAGES and busy.count(float("inf")) < 3:
            busy.append(page_s(port))
        for client in clients:
            client.close()
    finally:
        server.kill()
        server.wait()
    return statistics.median(idle) * 1000, statistics.median(busy) * 1000, busy.count(float("inf"))


def main() -> None:
    """Print a table and one JSON line."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(bytes(FILE_BYTES))
        environment = os.environ | {"TRIAL_FILE": str(file)}
        for at, (name, command) in enumerate(commands(0).items()):
            port = 18700 + at
            idle, busy, lost = trial(
                [
                    part.replace("0.1:0", f"0.1:{port}") if "0.1:" in part else (str(port) if part == "0" else part)
                    for part in command
                ],
                port,
                environment,
            )
            results[name] = {"idle_ms": round(idle, 1), "busy_ms": round(busy, 1), "never_came": lost}
            print(f"{name:24} idle {idle:7.1f} ms   while others hang {busy:9.1f} ms   never came {lost}")
    print(json.dumps({"bench": "web_servers", "ok": True, "ratios": results, "cores": os.cpu_count(), "n": PAGES}))


if __name__ == "__main__":
    main()
