"""What every request passes."""

import ipaddress
import re
import uuid
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequired
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from jobs.tracing import request_id
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
