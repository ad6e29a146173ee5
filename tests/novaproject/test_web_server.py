"""The web server: whoever is slow keeps nobody else waiting, and no body is read from whom it will not be taken."""

import io
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from knox.models import AuthToken
from pytest_django import Settings

from novaproject.web.limits import Limits
from novaproject.web.server import Channel, Server
from novaproject.wsgi import application

FILE_BYTES = 30_000_000
POST_HI = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"


class BigFile(io.BytesIO):
    """Something that takes long to be sent."""

    closed_files = 0

    def close(self) -> None:
        BigFile.closed_files += 1
        super().close()


def small_app(environ: dict[str, Any], start_response: Any) -> Any:
    """A page, or a file by the server's own hand, or one that a thread reads."""
    if environ["PATH_INFO"].startswith("/file"):
        start_response("200 OK", [("Content-Length", str(FILE_BYTES))])
        file = BigFile(bytes(FILE_BYTES))
        if environ["PATH_INFO"] == "/file":
            return environ["wsgi.file_wrapper"](file, 65_536)
        return iter(lambda: file.read(65_536), b"")
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(app: Any = small_app, limits: Limits | None = None) -> Iterator[Server]:
    """The server in a thread of its own, on a free port."""
    server, done = Server(app, ("127.0.0.1", 0), limits), threading.Event()

    def loop() -> None:
        while not done.is_set():
            server.asyncore.loop(timeout=0.05, map=server._map, use_poll=True, count=1)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield server
    finally:
        done.set()
        server.pull_trigger()
        thread.join()
        server.stop()
        server.asyncore.close_all(server._map)


def connect(server: Server, data: bytes, *, source: str = "127.0.0.1") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", int(server.effective_port)), 20, (source, 0))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(data)
    return client


def answer(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    chunks = []
    with client:
        while chunk := client.recv(65_536):
            chunks.append(chunk)
    return b"".join(chunks)


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def only_channel(server: Server) -> Channel:
    (channel,) = server.active_channels.values()
    assert isinstance(channel, Channel)
    return channel


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="other systems have one loopback address")
def test_a_page_comes_while_others_hang_in_every_way() -> None:
    hanging = [
        *[b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "] * 50,
        *[b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nslow"] * 20,
        *[b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n"] * 20,
        *[b"GET /files/7/stream HTTP/1.1\r\nHost: a\r\n\r\n"] * 20,
    ]
    with serving() as server:
        clients = [connect(server, data, source="127.0.0.2") for data in hanging]
        until(lambda: len(server.active_channels) == len(hanging))

        page = answer(connect(server, POST_HI))

        for client in clients:
            client.close()
    assert page.endswith(b"hi")


@pytest.mark.parametrize(
    ("sent", "last_good_s", "too_late_s"),
    [
        (b"", 9, 11),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", 9, 11),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000, 24, 26),
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(sent: bytes, last_good_s: float, too_late_s: float) -> None:
    with serving() as server:
        client = connect(server, sent)
        until(lambda: server.active_channels and (not sent or only_channel(server).request is not None))
        channel, limits = only_channel(server), Limits()

        assert not channel.is_overdue(limits, channel.since_s + last_good_s, last_good_s)
        assert channel.is_overdue(limits, channel.since_s + too_late_s, too_late_s)

        client.close()


@pytest.mark.parametrize("address", ["/file", "/files/7/stream"])
def test_a_player_that_stops_reading_is_let_go_and_its_file_closed(address: str) -> None:
    BigFile.closed_files = 0
    with serving(limits=Limits(stalled_s=60)) as server:
        client = connect(server, f"GET {address} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        until(lambda: server.active_channels and only_channel(server).total_outbufs_len)
        channel = only_channel(server)
        assert not channel.is_overdue(server.limits, channel.since_s + 1000, 59)

        server.maintenance(time.time() + 61)

        until(lambda: not server.active_channels)
        client.close()
    if address == "/file":
        assert BigFile.closed_files == 1


def test_one_client_has_so_many_connections_and_no_more() -> None:
    with serving(limits=Limits(per_client=2)) as server:
        first, second = (connect(server, b"") for _ in range(2))
        until(lambda: len(server.active_channels) == 2)

        third = connect(server, b"")
        assert answer(third) == b""

        first.close()
        until(lambda: len(server.active_channels) == 1)
        again = connect(server, POST_HI)
        assert answer(again).endswith(b"hi")
        second.close()


def test_a_whole_file_arrives_and_the_connection_serves_on() -> None:
    with serving() as server:
        client = connect(server, b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        got = 0
        while got < FILE_BYTES:
            got += len(client.recv(1 << 20))
        client.sendall(POST_HI)

        assert answer(client).endswith(b"hi")


def head(size: int, token: str = "", address: str = "/api/files/upload", more: str = "") -> bytes:
    login = f"Authorization: Token {token}\r\n" if token else ""
    kind = "Content-Type: multipart/form-data; boundary=B\r\n"
    return f"POST {address} HTTP/1.1\r\nHost: localhost\r\n{login}{kind}{more}Content-Length: {size}\r\n\r\n".encode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("who", "size", "status"),
    [("nobody", 5_000_000, 401), ("a stranger", 5_000_000, 401), ("a reader", 5_000_000, 403), ("ada", 1 << 60, 507)],
)
def test_an_upload_that_will_not_be_taken_is_refused_unread(who: str, size: int, status: int, folders: Path) -> None:
    tokens = {
        "nobody": "",
        "a stranger": "0123456789",
        "a reader": AuthToken.objects.create(User.objects.create_user("reader"))[1],
        "ada": AuthToken.objects.create(User.objects.create_superuser("ada"))[1],
    }
    with serving(application) as server:
        said = answer(connect(server, head(size, tokens[who])))

    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert {"detail", "code"} <= json.loads(said.partition(b"\r\n\r\n")[2]).keys()


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_is_taken_is_asked_for_and_read(folders: Path) -> None:
    _, token = AuthToken.objects.create(User.objects.create_superuser("ada"))
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nno media\r\n--B--\r\n'
    with serving(application) as server:
        client = connect(server, head(len(body), token, more="Expect: 100-continue\r\nConnection: close\r\n"))
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(body)

        said = answer(client)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"a.txt" in said


def test_a_body_that_is_too_large_where_no_file_is_taken_is_refused_unread() -> None:
    with serving() as server:
        assert answer(connect(server, head(3_000_000, address="/login/"))).startswith(b"HTTP/1.1 413 ")


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "status"), [("/login/", 200), ("/api/files/upload", 401), ("/upload/", 401)])
def test_nothing_is_written_for_strangers(
    client: Client, address: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr("tempfile.NamedTemporaryFile", lambda **names: written.append(str(names)))
    strict = Client(enforce_csrf_checks=address != "/login/")

    said = strict.post(address, {"username": "x", "file": SimpleUploadedFile("a.mp4", b"x" * 100_000)})

    assert (said.status_code, written) == (status, [])


def busy(request: HttpRequest) -> HttpResponse:
    raise OperationalError("database is locked")


urlpatterns = [path("busy/", busy), path("api/busy", busy)]


@pytest.mark.parametrize("address", ["/busy/", "/api/busy"])
@pytest.mark.django_db
def test_a_busy_database_is_said_with_503(address: str, admin_client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.novaproject.test_web_server"

    said = admin_client.get(address)

    assert (said.status_code, said["Retry-After"]) == (503, "5")
    assert "database is busy" in said.content.decode()
    assert (said["Content-Type"] == "application/json") == address.startswith("/api/")


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite("one writer makes all others wait")
def test_a_write_of_the_api_that_waited_in_vain_is_said_with_503(admin_client: Client) -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    try:
        said = admin_client.post("/api/queues/fast/pause")
    finally:
        other.execute("ROLLBACK")
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 20000")

    assert (said.status_code, said.json()["code"], said["Retry-After"]) == (503, "busy", "5")


@pytest.mark.django_db
def test_json_that_is_nested_too_deeply_is_refused(admin_client: Client) -> None:
    body = '{"filter": ' + "[" * 200_000 + "]" * 200_000 + "}"

    said = admin_client.post("/api/estimate", body, "application/json")

    assert (said.status_code, said.json()["code"]) == (400, "too_deep")
