"""Uploads over a real connection."""

import http.client
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from knox.models import AuthToken
from pytest_django.live_server_helper import LiveServer

from files.models import File

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'


@pytest.fixture
def token(admin_user: Any) -> str:
    return str(AuthToken.objects.create(admin_user)[1])


def start_upload(live_server: LiveServer, token: str, length: int) -> http.client.HTTPConnection:
    server = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port, timeout=20)
    server.putrequest("POST", "/api/files/upload")
    server.putheader("Authorization", f"Token {token}")
    server.putheader("Content-Type", "multipart/form-data; boundary=B")
    server.putheader("Content-Length", str(length))
    server.endheaders()
    return server


def residue(folders: Path) -> list[Path]:
    return [path for path in (folders / "uploads").rglob("*") if path.is_file()]


def test_a_lost_connection_leaves_nothing_behind(folders: Path, live_server: LiveServer, token: str) -> None:
    server = start_upload(live_server, token, 50_000_000)
    server.send(HEAD + bytes(5_000_000))
    _wait_until(lambda: bool(residue(folders)))

    assert server.sock
    server.sock.shutdown(socket.SHUT_RDWR)
    server.close()

    _wait_until(lambda: not residue(folders))
    assert not File.everything.exists()


def test_an_upload_without_a_token_is_refused_before_its_bytes(folders: Path, live_server: LiveServer) -> None:
    server = start_upload(live_server, "wrong", 50_000_000)
    server.send(HEAD)

    assert server.getresponse().status == 401
    assert residue(folders) == []
    server.close()


def _wait_until(is_so: Any, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
