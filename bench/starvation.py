"""Whether others can keep the library from answering: a search on the real server, alone and while 70 clients hang.

Fifty are slow: with the head of their request, with its body, or in reading an answer. Twenty more are players that
stopped reading. Each comes from an address of its own (127.0.0.0/8), since one address has so many connections only.
The goal is at most twice the idle time.
"""

import json
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.served import Served, served
from bench.size import fill

SLOW, STREAMS = 50, 20
MOST = 2.0
SEARCHES = 60
FILES = 2000
QUESTION = "/api/search?q=tide&mode=keyword"
CLIP_BYTES = 40_000_000


def openings(library: Served, stream: str) -> Iterator[bytes]:
    """The first bytes of each client that then hangs."""
    login = f"Host: 127.0.0.1:{library.port}\r\nAuthorization: Token {library.token}\r\n"
    body = "POST /api/estimate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n"
    kinds = (
        "GET /api/files HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        f"{body}{login}\r\n{{",
        f"GET /api/files?page_size=500 HTTP/1.1\r\n{login}\r\n",
    )
    for number in range(SLOW):
        yield kinds[number % len(kinds)].encode()
    for _ in range(STREAMS):
        yield f"GET {stream} HTTP/1.1\r\n{login}\r\n".encode()


@contextmanager
def hanging(library: Served, stream: str) -> Iterator[None]:
    """So many clients that never come to an end."""
    clients = []
    for number, opening in enumerate(openings(library, stream)):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
        client.connect(("127.0.0.1", library.port))
        client.sendall(opening)
        clients.append(client)
    try:
        yield
    finally:
        for client in clients:
            client.close()


def median_ms(library: Served) -> float:
    """Milliseconds of a search; infinite where one does not come."""
    answers = [library.ask(QUESTION, 10.0) for _ in range(SEARCHES)]
    if any(status != 200 for status, _, _ in answers):
        return float("inf")
    return statistics.median(seconds for _, seconds, _ in answers) * 1000


def main() -> None:
    """Print a table and one JSON line."""
    with tempfile.TemporaryDirectory(prefix="novaproject-starvation-") as folder, served(folder) as library:
        os.environ.update({name: library.environment[name] for name in library.environment})
        import django

        django.setup()
        from files.models import File, Root

        fill(range(1, FILES + 1))
        originals = Path(folder) / "originals"
        originals.mkdir()
        (originals / "clip.mp4").write_bytes(bytes(CLIP_BYTES))
        root = Root.objects.create(path=str(originals), name="originals")
        clip = File.objects.create(
            root=root, path="clip.mp4", name="clip.mp4", media_type="video", size_bytes=CLIP_BYTES
        )
        stream = f"/api/files/{clip.pk}/stream"
        library.ask(QUESTION)
        idle, busy = [], []
        for _ in range(3):
            idle.append(median_ms(library))
            with hanging(library, stream):
                time.sleep(1.0)
                busy.append(median_ms(library))
            time.sleep(1.0)
    alone, among = statistics.median(idle), statistics.median(busy)
    ratio = round(among / alone, 2)
    print(f"a search alone {alone:.1f} ms; while {SLOW} clients and {STREAMS} streams hang {among:.1f} ms: {ratio}")
    ratios = {"busy_to_idle": ratio}
    print(
        json.dumps({"bench": "starvation", "ok": ratio <= MOST, "ratios": ratios, "cores": os.cpu_count(), "n": SLOW})
    )


if __name__ == "__main__":
    main()
