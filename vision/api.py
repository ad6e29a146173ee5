"""`/api/files/{id}/frames` and `/api/duplicates`: frames, their stills, and files that show the same."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.api_media import PICTURE_MAX_AGE_S, AnyAccept
from files.models import File
from jobs.serializers import JobSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import takes_nothing
from vision.frames import choosing
from vision.models import DuplicateGroup, Frame
from vision.serializers import DuplicateGroupSerializer, FrameSerializer
from vision.tasks import request_duplicates


class FrameList(generics.ListAPIView[Frame]):
    """The frames of a file that are worth looking at, in order."""

    serializer_class = FrameSerializer
    queryset = Frame.objects.all()

    def get_queryset(self) -> QuerySet[Frame]:
        if getattr(self, "swagger_fake_view", False):
            return Frame.objects.none()
        file = get_object_or_404(File, pk=self.kwargs["pk"])
        return Frame.objects.filter(file=file)


class FrameStill(APIView):
    """A small JPEG of one frame."""

    permission_classes = [HasPermission("files.view_file", "vision.view_frame")]
    content_negotiation_class: type[BaseContentNegotiation] = AnyAccept

    @extend_schema(operation_id="files_frame", responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int, n: int) -> HttpResponse:
        """The still that was kept, or one cut from the proxy. `409` where neither is there."""
        file = get_object_or_404(File, pk=pk)
        frame = get_object_or_404(Frame, file=file, n=n)
        answer = HttpResponse(choosing.still(file, frame), content_type="image/jpeg")
        answer["X-Content-Type-Options"] = "nosniff"
        patch_cache_control(answer, private=True, max_age=PICTURE_MAX_AGE_S)
        return answer


class DuplicateList(generics.ListAPIView[DuplicateGroup]):
    """Groups of files that show the same: same bytes, another coding, cut, burst."""

    serializer_class = DuplicateGroupSerializer
    queryset = DuplicateGroup.objects.prefetch_related("members__file")


class FileDuplicates(DuplicateList):
    """The groups that one file is in."""

    def get_queryset(self) -> QuerySet[DuplicateGroup]:
        if getattr(self, "swagger_fake_view", False):
            return DuplicateGroup.objects.none()
        file = get_object_or_404(File, pk=self.kwargs["pk"])
        return super().get_queryset().filter(members__file=file)


class FindDuplicates(CostlyView):
    """Look through the library for files that show the same, in the background."""

    permission_classes = [HasPermission("vision.add_duplicategroup")]

    @extend_schema(operation_id="duplicates_find", request=None, responses={202: JobSerializer})
    @takes_nothing
    def post(self, request: Request) -> Response:
        user: Any = request.user
        return Response(JobSerializer(request_duplicates(created_by=user)).data, status=202)
