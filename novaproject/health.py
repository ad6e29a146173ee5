"""`GET /api/health`: cheap local checks, for a supervisor; what they found is told to those who are logged in."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _folders() -> bool:
    return all(folder.is_dir() for folder in (settings.DATA_DIR, settings.UPLOAD_DIR, settings.PROXY_DIR))


CHECKS: dict[str, Callable[[], bool]] = {"database": _database, "folders": _folders}

Health = inline_serializer(
    "Health",
    {
        "status": serializers.ChoiceField(["ok", "fail"]),
        "version": serializers.CharField(),
        "checks": serializers.DictField(child=serializers.ChoiceField(["ok", "fail"])),
    },
)


class HealthView(APIView):
    """Whether this process can do its work. The only address that needs no login."""

    permission_classes = [AllowAny]

    @extend_schema(
        responses={200: Health, 503: Health},
        examples=[
            OpenApiExample("ok", {"status": "ok", "version": "0.1.0", "checks": {"database": "ok", "folders": "ok"}})
        ],
    )
    def get(self, request: Request) -> Response:
        found = {name: "ok" if check() else "fail" for name, check in CHECKS.items()}
        status = "ok" if all(value == "ok" for value in found.values()) else "fail"
        body = {"status": status, "version": settings.VERSION, "checks": found}
        return Response(body, status=200 if status == "ok" else 503)
