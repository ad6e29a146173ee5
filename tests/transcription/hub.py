"""A stand-in for the hub that weights come from: the two addresses that are asked, over real HTTP."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Hub(ThreadingHTTPServer):
    """Serves one folder as the repository of every model."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.asked: list[str] = []
        self.ranges: list[str] = []  # what was asked to go on where it broke off
        self.damaged = ""  # the name of a file that arrives with one byte changed
        self.listed: list[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def listing(self) -> bytes:
        names = self.files if self.listed is None else self.listed
        return json.dumps([_row(name, self.files[name]) for name in names]).encode()


def _row(name: str, content: bytes) -> dict[str, object]:
    """Large files are listed with their SHA-256, small ones with git's SHA-1."""
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    row: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": git}
    if name == "model.bin":
        row["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return row


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        name = self.path.rsplit("/", 1)[-1]
        if self.path.startswith("/api/models/"):
            self._answer(self.server.listing())
        elif name in self.server.files:
            content = self.server.files[name]
            content = b"\x00" + content[1:] if name == self.server.damaged else content
            asked = self.headers.get("Range", "")
            if asked:
                self.server.ranges.append(asked)
                self._answer(content[int(asked.removeprefix("bytes=").removesuffix("-")) :], 206)
            else:
                self._answer(content)
        else:
            self.send_error(404)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.files[self.path.rsplit("/", 1)[-1]])))
        self.end_headers()

    def _answer(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return None


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    hub = Hub(folder)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
