"""The one place where an error becomes an HTTP answer."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from jobs.errors import WorkError


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own bodies, and `{"detail": …}` for the errors of our floors."""
    if isinstance(exc, WorkError):
        detail = f"{exc} {exc.remedy}".strip()
        return Response({"detail": detail, "code": exc.code}, status=exc.status)
    return exception_handler(exc, context)
