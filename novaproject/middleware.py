"""What every request passes."""

import ipaddress
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequired
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from jobs.tracing import request_id
from novaproject import upload_gate
from novaproject.api.errors import BUSY, RETRY_AFTER_S, is_busy
from novaproject.logs.lines import REQUEST_ID


class ApiTrailingSlashMiddleware:
    """Answer `/api/files/` as `/api/files`, so that the schema has each path once and either spelling works."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith("/api/") and path.endswith("/") and path != "/api/":
            request.path_info = path.rstrip("/")
            request.path = request.path.rstrip("/")
        return self.get_response(request)


class RequestIdMiddleware:
    """Give each request an id, the proxy's own if it sends a plain one; it is in the answer and in the log."""

    PLAIN = re.compile(r"[A-Za-z0-9._-]{8,64}")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        name = sent if self.PLAIN.fullmatch(sent) else uuid.uuid4().hex[:16]
        request.META[REQUEST_ID] = name  # Django logs refusals when all middleware is left
        token = request_id.set(name)
        try:
            answer = self.get_response(request)
        finally:
            request_id.reset(token)
        answer["X-Request-ID"] = name
        return answer


class BusyDatabaseMiddleware:
    """Answer 503 where the database was held by others for longer than a request waits; the API says so as JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Called by Django for what a view raises."""
        if not (isinstance(exception, OperationalError) and is_busy(exception)):
            return None
        headers = {"Retry-After": RETRY_AFTER_S}
        if request.path_info.startswith("/api/"):
            return JsonResponse({"detail": BUSY, "code": "busy"}, status=503, headers=headers)
        return HttpResponse(BUSY, status=503, headers=headers, content_type="text/plain; charset=utf-8")


class NoFiles(FileUploadHandler):
    """Reads what a form calls files and keeps none of it."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


class UploadGateMiddleware:
    """Let files in where they are taken, from those who may send them, before anything (CSRF, a view) reads a body.

    The web server asks the same when it has the head of a request; here it holds for every server.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or not upload_gate.takes_upload(request.path_info):
            request.upload_handlers = [NoFiles(request)]
            return self.get_response(request)
        headers = {name.removeprefix("HTTP_"): str(value) for name, value in request.META.items()}
        size = headers.get("CONTENT_LENGTH", "")
        refusal = upload_gate.refusal_of(request.path_info, headers, int(size) if size.isdigit() else 0)
        if refusal is None:
            return self.get_response(request)
        if request.path_info.startswith("/api/"):
            answer: HttpResponse = JsonResponse({"detail": refusal.detail, "code": refusal.code}, status=refusal.status)
        else:
            answer = HttpResponse(refusal.detail, status=refusal.status, content_type="text/plain; charset=utf-8")
        if refusal.status == 401:
            answer["WWW-Authenticate"] = "Token"
        return answer


class ForwardedForMiddleware:
    """Behind a trusted proxy, know people by the address that it saw: guessed passwords lock out the guesser alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUST_FORWARDED:
            # The last address is the proxy's own word; anybody may have written those before it.
            seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            with suppress(ValueError):
                request.META["REMOTE_ADDR"] = str(ipaddress.ip_address(seen))
        return self.get_response(request)


class LoginRequiredMiddleware(DjangoLoginRequired):
    """Send anonymous visitors of pages to the login; the API answers 401 by itself."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: object,
        view_kwargs: object,
    ) -> HttpResponseBase | None:
        if request.path_info.startswith("/api/"):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)  # type: ignore[arg-type]
