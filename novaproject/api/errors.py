"""The one place where an error becomes an HTTP answer."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found
from rest_framework import status
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from jobs.errors import WorkError

BUSY = "The database is busy with other work. Nothing was done; try again in a few seconds."
#: Seconds after which a program should ask again.
RETRY_AFTER_S = "5"


def is_busy(error: OperationalError) -> bool:
    """Whether somebody else held the database for longer than our patience with it."""
    return "locked" in str(error) or "busy" in str(error)


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own bodies; errors of our floors have `detail` and `code`, and as a 400 the field too, as DRF's have."""
    if isinstance(exc, WorkError):
        detail = f"{exc} {exc.remedy}".strip()
        body: dict[str, Any] = {"detail": detail, "code": exc.code}
        if exc.status == status.HTTP_400_BAD_REQUEST:
            body[exc.field or api_settings.NON_FIELD_ERRORS_KEY] = [detail]
        return Response(body, status=exc.status)
    if isinstance(exc, OperationalError) and is_busy(exc):
        return Response({"detail": BUSY, "code": "busy"}, status=503, headers={"Retry-After": RETRY_AFTER_S})
    if isinstance(exc, RecursionError):
        return Response({"detail": "This body is nested too deeply.", "code": "too_deep"}, status=400)
    if isinstance(exc, OverflowError):  # SQLite's integers have 64 bits
        return Response({"detail": "A number in this request is too large.", "code": "too_large"}, status=400)
    answer = exception_handler(exc, context)
    said = answer.data.get("detail") if answer is not None and isinstance(answer.data, dict) else None
    if answer is not None and isinstance(said, ErrorDetail):  # of DRF's own: it has a code, and keeps it to itself
        answer.data["code"] = said.code
    return answer


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Programs get JSON for an address that is none, people the page."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "There is nothing at this address.", "code": "not_found"}, status=404)
    return page_not_found(request, exception)
