"""Transcripts over HTTP: providers, requests, reading, and files to download."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.api_media import AnyAccept
from files.models import File
from jobs.serializers import JobSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import takes_nothing
from transcription import registry
from transcription.errors import NothingToUndoError
from transcription.filters import TranscriptFilter
from transcription.models import Segment, Transcript
from transcription.serializers import (
    CorrectionSerializer,
    DownloadRequestSerializer,
    ProviderSerializer,
    SegmentSerializer,
    TranscribeRequestSerializer,
    TranscriptSerializer,
    TranscriptSummarySerializer,
)
from transcription.subtitles import writers
from transcription.tasks import request_download, request_transcription
from transcription.transcribe import TranscriptionRequest
from transcription.writing import choose_current, correct_segment, undo_correction

CanRead = HasPermission("transcription.view_transcript")
_FORMAT = OpenApiParameter("format", str, enum=list(writers.FORMATS), default="srt")
_WITH_SEGMENTS = OpenApiParameter(
    "segments", bool, default=False, description="`true` adds the segments, which a single transcript always has."
)


class ProviderList(APIView):
    """The providers, what can be chosen, and whether each is ready; if not, why."""

    permission_classes = [CanRead]

    @extend_schema(operation_id="transcription_providers", responses=ProviderSerializer(many=True))
    def get(self, request: Request) -> Response:
        providers: Any = registry.all_providers()
        return Response(ProviderSerializer(providers, many=True).data)


class TranscribeView(CostlyView):
    """Transcribe one file in the background."""

    permission_classes = [HasPermission("transcription.add_transcript")]

    @extend_schema(
        operation_id="transcription_transcribe", request=TranscribeRequestSerializer, responses={202: JobSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = TranscribeRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        options = dict(asked.validated_data)
        file = get_object_or_404(File, pk=options.pop("file_id"))
        user: Any = request.user
        job = request_transcription(file, TranscriptionRequest.of(options), user=user)
        return Response(JobSerializer(job).data, status=202)


class DownloadView(CostlyView):
    """Fetch Whisper's weights, or another kind of model, in the background."""

    permission_classes = [HasPermission("transcription.add_transcript")]

    @extend_schema(
        operation_id="transcription_download", request=DownloadRequestSerializer, responses={202: JobSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = DownloadRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user: Any = request.user
        job = request_download(asked.validated_data["model"], kind=asked.validated_data["kind"], user=user)
        return Response(JobSerializer(job).data, status=202)


@extend_schema(parameters=[_WITH_SEGMENTS])
class TranscriptList(ListAPIView[Transcript]):
    """Transcripts, latest first; with their segments where that is asked for."""

    query_parameters = ("segments",)

    queryset = Transcript.objects.filter(file__removed_at__isnull=True)
    serializer_class = TranscriptSerializer
    filterset_class = TranscriptFilter

    @property
    def has_segments(self) -> bool:
        return str(self.request.query_params.get("segments", "")).lower() in ("true", "1", "yes")

    def get_queryset(self) -> QuerySet[Transcript]:
        rows = super().get_queryset()
        return rows.prefetch_related("segments") if self.has_segments else rows

    def get_serializer_class(self) -> type[TranscriptSummarySerializer]:
        is_schema = getattr(self, "swagger_fake_view", False)
        return TranscriptSerializer if is_schema or self.has_segments else TranscriptSummarySerializer


class TranscriptDetail(RetrieveAPIView[Transcript]):
    """A transcript with its segments."""

    queryset = Transcript.objects.filter(file__removed_at__isnull=True).prefetch_related("segments")
    serializer_class = TranscriptSerializer


class TranscriptUse(APIView):
    """Make this the transcript that search, captions and analyses use."""

    permission_classes = [HasPermission("transcription.change_transcript")]

    @extend_schema(operation_id="transcripts_use", request=None, responses=TranscriptSerializer)
    @takes_nothing
    def post(self, request: Request, pk: int) -> Response:
        transcript = get_object_or_404(Transcript.objects.filter(file__removed_at__isnull=True), pk=pk)
        choose_current(transcript)
        return Response(TranscriptSerializer(transcript).data)


class SegmentDetail(RetrieveAPIView[Segment]):
    """One stretch of speech. PATCH puts a person's words in its place; they outlast another transcription."""

    queryset = Segment.objects.filter(transcript__file__removed_at__isnull=True).select_related("transcript__file")
    serializer_class = SegmentSerializer

    @extend_schema(request=CorrectionSerializer, responses=SegmentSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        segment = self.get_object()
        body = CorrectionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        correct_segment(segment, **body.validated_data)
        return Response(SegmentSerializer(self.get_object()).data)


class SegmentUndo(APIView):
    """Take the last correction of a segment back. 409 where there is none."""

    permission_classes = [HasPermission("transcription.change_segment")]

    @extend_schema(operation_id="segments_undo", request=None, responses=SegmentSerializer)
    @takes_nothing
    def post(self, request: Request, pk: int) -> Response:
        rows = Segment.objects.filter(transcript__file__removed_at__isnull=True).select_related("transcript__file")
        segment = get_object_or_404(rows, pk=pk)
        if not undo_correction(segment):
            raise NothingToUndoError("This line was not corrected since it was last put back.")
        return Response(SegmentSerializer(segment).data)


class TranscriptFile(APIView):
    """Base of the views that answer with a subtitle file."""

    permission_classes = [CanRead]
    content_negotiation_class = AnyAccept

    def transcript(self, pk: int) -> Transcript:
        rows = Transcript.objects.filter(file__removed_at__isnull=True).select_related("file")
        return get_object_or_404(rows, pk=pk)


class TranscriptDownload(TranscriptFile):
    """A transcript as SRT, WebVTT, text or JSON."""

    @extend_schema(
        operation_id="transcripts_download", parameters=[_FORMAT], responses={(200, "text/plain"): OpenApiTypes.STR}
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        kind = request.query_params.get("format", "srt")
        if kind not in writers.FORMATS:
            raise ValidationError({"format": [f"Choose one of {', '.join(writers.FORMATS)}."]})
        transcript = self.transcript(pk)
        text = writers.write(kind, transcript.segment_values(), header_of(transcript))
        answer = HttpResponse(text, content_type=f"{writers.FORMATS[kind]}; charset=utf-8")
        answer["Content-Disposition"] = content_disposition_header(True, file_name(transcript, kind)) or ""
        return answer


class Captions(TranscriptFile):
    """What a player shows under the picture: WebVTT, without what was flagged as made up."""

    @extend_schema(operation_id="transcripts_captions", responses={(200, "text/vtt"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponse:
        text = writers.to_vtt(self.transcript(pk).spoken())
        return HttpResponse(text, content_type="text/vtt; charset=utf-8")


def header_of(transcript: Transcript) -> dict[str, Any]:
    """What stands before the segments in the JSON form."""
    names = ("provider", "engine", "model", "language", "text", "is_approximate", "notes")
    return {"file": transcript.file.name, **{name: getattr(transcript, name) for name in names}}


def file_name(transcript: Transcript, kind: str) -> str:
    """`talk.en.srt`: a name that players find beside the clip."""
    stem = transcript.file.name.rpartition(".")[0] or transcript.file.name
    return ".".join(part for part in (stem, transcript.language, kind) if part)
