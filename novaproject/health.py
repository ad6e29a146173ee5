"""`GET /api/health`: cheap local checks, for a supervisor; with `details`, what the doctor says, for a login."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.db import DatabaseError, connection
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nova.facet import PERMISSION
from novaproject.setup import doctor


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


class DetailSerializer(serializers.Serializer[Any]):
    """What `manage.py doctor` says of one thing."""

    name = serializers.CharField()
    level = serializers.CharField(help_text=f"One of {', '.join(level.value for level in doctor.Level)}.")
    text = serializers.CharField()
    remedy = serializers.CharField(allow_blank=True)
    group = serializers.CharField()


class AskedSerializer(serializers.Serializer[Any]):
    details = serializers.BooleanField(
        default=False, help_text="Also all that the command `doctor` says. Needs a login."
    )
    aws = serializers.BooleanField(default=False, help_text="With the details: ask AWS too.")


Health = inline_serializer(
    "Health",
    {
        "status": serializers.ChoiceField(["ok", "fail"]),
        "version": serializers.CharField(),
        "checks": serializers.DictField(child=serializers.ChoiceField(["ok", "fail"])),
        "details": DetailSerializer(many=True, required=False),
    },
)


LOGIN = OpenApiResponse(description="The details need a login that may see files; AWS, one that may use Nova.")


class HealthView(APIView):
    """Whether this process can do its work. The only address that needs no login, but for the details."""

    query_parameters = ("details", "aws")

    permission_classes = [AllowAny]

    @extend_schema(
        parameters=[AskedSerializer],
        responses={200: Health, 401: LOGIN, 403: LOGIN, 503: Health},
        examples=[
            OpenApiExample("ok", {"status": "ok", "version": "0.1.0", "checks": {"database": "ok", "folders": "ok"}})
        ],
    )
    def get(self, request: Request) -> Response:
        results = {name: "ok" if check() else "fail" for name, check in CHECKS.items()}
        status = "ok" if all(value == "ok" for value in results.values()) else "fail"
        body: dict[str, Any] = {"status": status, "version": settings.VERSION, "checks": results}
        asked = AskedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        if asked.validated_data["details"]:
            ask_aws = asked.validated_data["aws"]
            needed = ["files.view_file", *([PERMISSION] if ask_aws else [])]
            if not cast("Any", request.user).has_perms(needed):
                self.permission_denied(request)
            body["details"] = DetailSerializer(doctor.checks(ask_aws=ask_aws), many=True).data
        return Response(body, status=200 if status == "ok" else 503)
