"""`/api/files/{id}/frames`: the frames of a file, and their stills."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from files.api_media import PICTURE_MAX_AGE_S, AnyAccept
from files.models import File
from jobs.web.api_base import HasPermission
from vision.frames import choosing
from vision.models import Frame
from vision.serializers import FrameSerializer


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
