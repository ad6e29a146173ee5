"""waitress, with limits: one thread moves all bytes, so that no client's slowness holds one of those that answer.

waitress reads whole requests and sends answers by an event loop already; what it leaves open is how long a client may
take over it. Files are sent by the loop itself (`wsgi.file_wrapper`), or by threads of their own where a drive may be
slow. Source of what is overridden: waitress 3.0.2.
"""

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from novaproject import upload_gate as gate
from novaproject.web.limits import Limits

#: Bytes sent to one client before the others have their turn.
TURN_BYTES = 4 * 1024 * 1024
#: What is read and thrown away of a refused body, and for how long, so that its sender reads the answer first.
DISCARDED_BYTES = 64 * 1024 * 1024
DISCARDED_S = 5.0
#: So often the server's `tidy` is called.
TIDY_S = 30.0
REASONS = {401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable", 507: "Insufficient Storage"}


class RefusedBodyError(Error):  # type: ignore[misc]
    """The answer to a body that is not read: JSON, as the API's errors are, or plain text."""

    def __init__(self, refusal: gate.BodyRefusal, *, is_api: bool) -> None:
        super().__init__(refusal.detail)
        self.code, self.reason = refusal.status, REASONS[refusal.status]
        self.refusal, self.is_api = refusal, is_api

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status, headers and body, as waitress asks for them."""
        headers = [("Retry-After", "5")] if self.code == 503 else []
        headers += [("WWW-Authenticate", "Token")] if self.code == 401 else []
        if self.is_api:
            body = json.dumps({"detail": self.refusal.detail, "code": self.refusal.code})
            kind = "application/json"
        else:
            body, kind = self.refusal.detail + "\n", "text/plain; charset=utf-8"
        return f"{self.code} {self.reason}", [("Content-Type", kind), *headers], body.encode()


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request, which may have a large body only where files are taken."""

    adj: Any
    takes_upload = False
    #: Whether its sender may upload; None = not asked yet.
    is_allowed: bool | None = None

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        self.takes_upload = self.command == "POST" and gate.takes_upload(self.path)
        if self.takes_upload:
            self.adj = self.adj.for_uploads


class UploadQuestion:
    """Asks in one of the answering threads whether an upload may come."""

    def __init__(self, channel: "Channel", request: Parser) -> None:
        self.channel, self.request = channel, request
        self.refusal: gate.BodyRefusal | None = None

    def service(self) -> None:
        """Run by waitress in a thread."""
        try:
            self.refusal = gate.refusal_of(self.request.path, self.request.headers, self.request.content_length)
        except Exception:
            self.refusal = gate.BodyRefusal(status=503, code="error", detail="Something failed. Try again later.")
            raise
        finally:
            self.request.is_allowed = self.refusal is None
            self.channel.server.pull_trigger()

    def cancel(self) -> None:
        """The server ends."""
        self.channel.cancel()


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection, which ends when its client takes too long."""

    parser_class = Parser
    request: Parser | None
    close_when_flushed: bool
    last_activity: float
    creation_time: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.since_s = time.monotonic()
        self.question: UploadQuestion | None = None
        self.turn_bytes = 0
        self.discarded_bytes = -1  # 0 or more: it was refused, and what still comes is thrown away
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> bool:
        """Take in what came. Runs in the loop's thread."""
        if self.request is None:
            self.since_s = time.monotonic()
        is_head_new = self.request is None or not self.request.headers_finished
        taken: bool = super().received(data)
        request = self.request
        if request is not None and request.headers_finished and is_head_new:
            self.since_s = time.monotonic()
            if request.takes_upload:
                self.question = UploadQuestion(self, request)
                self.server.add_task(self.question)
        return taken

    def send_continue(self) -> None:
        """Say that the body may come, but for an upload only when that is known."""
        if self.request is not None and (self.request.is_allowed or not self.request.takes_upload):
            super().send_continue()

    def readable(self) -> bool:
        """Whether the loop should read more. Asked in each of its turns."""
        if self.question is not None:
            request = self.question.request
            if request.is_allowed is None:
                return False
            refusal, self.question = self.question.refusal, None
            if refusal is not None:
                self._refuse(request, refusal)
            elif request.expect_continue and not self.sent_continue:
                self.send_continue()
        return self.discarded_bytes >= 0 or super().readable()

    def _refuse(self, request: Parser, refusal: gate.BodyRefusal) -> None:
        request.error = RefusedBodyError(refusal, is_api=request.path.startswith("/api/"))
        request.completed = True
        self.discarded_bytes, self.since_s = 0, time.monotonic()
        with self.requests_lock:
            self.request = None
            self.requests.append(request)
            self.server.add_task(self)

    def handle_read(self) -> None:
        """Read what is there, or throw it away where the body was refused."""
        if self.discarded_bytes < 0:
            super().handle_read()
            return
        try:
            data = self.recv(65_536)
        except OSError:
            data = b""
        self.discarded_bytes += len(data)
        if not data or self.discarded_bytes > DISCARDED_BYTES:
            self.handle_close()

    def handle_write(self) -> None:
        """Send what can be sent now; the others have their turn after it."""
        self.turn_bytes = 0
        if self.discarded_bytes >= 0 and self.close_when_flushed and not self.total_outbufs_len:
            # To close at once would reset the connection, and the answer with it.
            self.close_when_flushed = False
            with suppress(OSError):  # it is gone already
                self.socket.shutdown(socket.SHUT_WR)
            return
        super().handle_write()

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 - waitress's own
        """Send some of it; 0 when this client's turn is over, or its line is full."""
        if self.turn_bytes >= TURN_BYTES:
            return 0
        sent: int = super().send(data, do_close=do_close)
        self.turn_bytes += sent
        return sent

    def is_overdue(self, limits: Limits, now_s: float, idle_s: float) -> bool:
        """Whether its client takes too long. `idle_s` seconds ago a byte went either way for the last time."""
        if self.discarded_bytes >= 0:
            return now_s - self.since_s > DISCARDED_S
        if self.total_outbufs_len:
            return idle_s > limits.stalled_s
        if self.requests or self.question is not None:
            return False
        taken_s = now_s - self.since_s
        if self.request is None:
            return idle_s > (limits.idle_s if self.has_asked else limits.head_s)
        if not self.request.headers_finished:
            return taken_s > limits.head_s
        return limits.is_body_too_slow(taken_s, self.request.body_bytes_received)

    @property
    def has_asked(self) -> bool:
        """Whether a request came on this connection."""
        return self.last_activity > self.creation_time


class Server(TcpWSGIServer):  # type: ignore[misc]
    """The server with its limits."""

    def __init__(
        self,
        application: Any,
        address: tuple[str, int],
        limits: Limits | None = None,
        *,
        tidy: Callable[[], object] = lambda: None,
    ) -> None:
        self.tidy, self.tidied_s = tidy, time.monotonic()
        self.limits = limits or Limits()
        self.stream_threads = ThreadedTaskDispatcher()
        self.stream_threads.set_thread_count(self.limits.streams)
        host, port = address
        common: dict[str, Any] = {
            "listen": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "threads": self.limits.pages,
            "ident": None,
            "connection_limit": self.limits.in_all,
            "cleanup_interval": 1,
            "asyncore_use_poll": True,
            "max_request_header_size": self.limits.head_bytes,
            # A thread that reads for a slow client waits before its bytes would have to lie on the disk.
            "outbuf_high_watermark": 1 << 20,
            "outbuf_overflow": 1 << 23,
            # TRUST_FORWARDED tells Django whether to believe a proxy's headers.
            "clear_untrusted_proxy_headers": False,
        }
        adjustments = Adjustments(
            **common, max_request_body_size=self.limits.body_bytes, inbuf_overflow=self.limits.body_bytes
        )
        adjustments.for_uploads = Adjustments(**common, max_request_body_size=1 << 62)
        super().__init__(application, adj=adjustments)

    def channel_class(
        self, server: "Server", sock: socket.socket, addr: tuple[str, int], adj: Any, map: Any = None
    ) -> None:
        """Begin a connection, unless its client has too many."""
        most = self.limits.per_client
        if most and sum(channel.addr[0] == addr[0] for channel in self.active_channels.values()) >= most:
            sock.close()
            return
        Channel(server, sock, addr, adj, map=map)

    def add_task(self, task: Any) -> None:
        """Let a thread answer this: bytes of files have threads of their own."""
        is_stream = isinstance(task, Channel) and getattr(task.requests[0], "path", "").endswith("/stream")
        (self.stream_threads if is_stream else self.task_dispatcher).add_task(task)

    def maintenance(self, now: float) -> None:
        """End the connections of clients that take too long. Called by the loop about once a second."""
        now_s = time.monotonic()
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(self.limits, now_s, now - channel.last_activity):
                channel.handle_close()
        if now_s - self.tidied_s > TIDY_S:
            self.tidied_s = now_s
            self.tidy()

    def stop(self) -> None:
        """End the threads: what is being answered gets five seconds."""
        self.task_dispatcher.shutdown()
        self.stream_threads.shutdown(timeout=1)
        self.close()
