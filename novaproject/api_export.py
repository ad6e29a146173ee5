"""`POST /api/export`: everything that the library knows, written in the background and fetched."""

from typing import Any

from django.http import FileResponse, Http404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.api_media import AnyAccept
from jobs.serializers import JobSerializer
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import StrictFields
from novaproject.backups.export_tasks import path_of, permissions, request_export


class SeesEverything(BasePermission):
    """An export shows every row: whoever asks for it may see them all."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.is_authenticated and request.user.has_perms(permissions())


class ExportSerializer(StrictFields, serializers.Serializer[Any]):
    """Nothing to choose: an export has everything but vectors and accounts."""


class LibraryExportView(CostlyView):
    """Write everything that the library knows as JSON lines, in the background; the job has `download` then."""

    permission_classes = [SeesEverything]

    @extend_schema(operation_id="export", request=ExportSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        ExportSerializer(data=request.data).is_valid(raise_exception=True)
        user: Any = request.user
        return Response(JobSerializer(request_export(created_by=user)).data, status=202)


class ExportDownload(APIView):
    """What the job of an export wrote. It is kept for a week."""

    permission_classes = [SeesEverything]
    content_negotiation_class = AnyAccept

    @extend_schema(operation_id="export_download", responses={(200, "application/jsonl"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> FileResponse:
        try:
            written = path_of(pk).open("rb")
        except FileNotFoundError as error:
            raise Http404("There is no such export any more.") from error
        answer = FileResponse(written, content_type="application/jsonl")
        answer["Content-Disposition"] = content_disposition_header(True, f"library-{pk}.jsonl") or ""
        return answer
