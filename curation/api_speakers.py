"""`/api/files/{id}/speakers`: who speaks in a file, and what they are called."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from curation.facet import PERMISSION
from curation.serializers import NamesSerializer, SpeakersSerializer
from curation.speakers import speakers_of
from curation.tasks import request_names
from files.models import File
from jobs.web.api_base import HasPermission


class NamesSpeakers(HasPermission("files.view_file", "transcription.view_transcript")):  # type: ignore[misc]
    """Whoever sees files and transcripts sees who speaks; naming them changes the file."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        may_see = super().has_permission(request, view)
        return may_see and (request.method in ("GET", "HEAD", "OPTIONS") or request.user.has_perm(PERMISSION))


class Speakers(APIView):
    """Who speaks in a file. PATCH names them, in this file or in every file with the same tag."""

    permission_classes = [NamesSpeakers]

    @extend_schema(operation_id="files_speakers", responses=SpeakersSerializer)
    def get(self, request: Request, pk: int) -> Response:
        file = get_object_or_404(File, pk=pk)
        return Response(SpeakersSerializer({"speakers": speakers_of(file)}).data)

    @extend_schema(operation_id="files_speakers_name", request=NamesSerializer, responses=SpeakersSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        file = get_object_or_404(File, pk=pk)
        body = NamesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: Any = body.validated_data
        user: Any = request.user
        others = request_names(file, wanted["names"], everywhere=wanted["everywhere"], user=user)
        return Response(SpeakersSerializer({"speakers": speakers_of(file), "other_files": others}).data)
