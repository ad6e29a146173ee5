"""The API of analyses: parse, one verb, serialise."""

import logging
from typing import Any

import django_filters
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import content_disposition_header
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bedrock import catalogue
from bedrock.errors import BedrockError
from files.api_media import AnyAccept
from files.models import File
from files.selection import resolving
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from nova import tasks
from nova.batch import lifecycle
from nova.exports import current
from nova.exports.formats import FORMATS
from nova.facet import request_of
from nova.models import NovaJob, RawReply
from nova.quoting import quote
from nova.serializers import (
    AnalyzeOptionsSerializer,
    AnalyzeSerializer,
    EstimateSerializer,
    NovaJobSerializer,
    QuoteSerializer,
    ResultsSerializer,
    StartedSerializer,
)

logger = logging.getLogger(__name__)

RAW_NAMES = ("start_s", "end_s", "types", "stop_reason", "usage", "message")


class NovaJobFilter(FilterSet):
    """`status`, `mode`, `model`, `file_id`."""

    file_id = django_filters.NumberFilter(field_name="file_id")

    class Meta:
        model = NovaJob
        fields = ("status", "mode", "model", "file_id")


@extend_schema(tags=["nova"])
class NovaJobList(generics.ListAPIView[NovaJob]):
    """Analyses, the newest first."""

    queryset = NovaJob.objects.select_related("file")
    serializer_class = NovaJobSerializer
    filterset_class = NovaJobFilter


@extend_schema(tags=["nova"])
class NovaJobStatus(generics.RetrieveAPIView[NovaJob]):
    """How far an analysis is. For one in a batch Bedrock is asked, and what has ended is taken in."""

    queryset = NovaJob.objects.select_related("file")
    serializer_class = NovaJobSerializer

    def get_object(self) -> NovaJob:
        nova_job = super().get_object()
        if nova_job.mode == NovaJob.Mode.BATCH and nova_job.status in NovaJob.OPEN:
            try:
                lifecycle.look(nova_job)
            except BedrockError as exc:  # it is noted on the batch, which is part of the answer
                logger.warning("Looking at %s: %s", nova_job, exc)
        return nova_job


class AnalyzeView(CostlyView):
    """Ask for an analysis of a file: at once, in flex, or in a batch. What was answered before costs nothing."""

    permission_classes = [HasPermission("nova.add_novajob")]

    @extend_schema(tags=["nova"], request=AnalyzeSerializer, responses={202: StartedSerializer})
    def post(self, request: Request) -> Response:
        body = AnalyzeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        nova_job, job = tasks.request_analysis(
            get_object_or_404(File, pk=asked["file_id"]),
            request_of(asked),
            force=asked["force"],
            user=request.user if request.user.is_authenticated else None,
        )
        started = {"nova_job_id": nova_job.pk, "job_id": job.pk if job else None, "status": nova_job.status}
        where = reverse("nova:status", args=[nova_job.pk])
        return Response(started, status=202, headers={"Location": where})


class NovaEstimateView(APIView):
    """What an analysis of a selection would take and cost. Sends nothing, changes nothing."""

    permission_classes = [HasPermission("nova.view_novajob")]

    @extend_schema(tags=["nova"], request=EstimateSerializer, responses=QuoteSerializer)
    def post(self, request: Request) -> Response:
        body = EstimateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        choice = {name: asked[name] for name in ("model", "mode", "analysis_types")}
        given = AnalyzeOptionsSerializer(data={**asked["options"], **choice})
        given.is_valid(raise_exception=True)
        chosen = resolving.resolve(file_ids=asked.get("file_ids"), filter=asked.get("filter"))
        made = quote(chosen, request_of(given.validated_data), force=given.validated_data["force"])
        return Response(QuoteSerializer(made).data)


class ResultsView(APIView):
    """The results of an analysis, and what the model said, as it came."""

    permission_classes = [HasPermission("nova.view_analysisresult")]

    @extend_schema(tags=["nova"], responses=ResultsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        nova_job = get_object_or_404(NovaJob, pk=pk)
        results: dict[str, Any] = {row.type: row.result for row in nova_job.results.all()}
        # Piece by piece; none for the local model, which replies in no words.
        replies = RawReply.objects.filter(questions__nova_job=nova_job).order_by("start_s", "pk").distinct()
        return Response(
            {
                "model": nova_job.model,
                "model_id": catalogue.model_ids().get(nova_job.model, ""),
                "results": results,
                "summary": results.get("summary", {}).get("text"),
                "chapters": results.get("chapters", {}).get("chapters", []),
                "elements": results.get("elements"),
                "raw": [{name: getattr(reply, name) for name in RAW_NAMES} for reply in replies] or None,
            }
        )


class ExportView(APIView):
    """The current results of a file as JSON or CSV, its chapters as WebVTT, EDL (CMX3600) or OpenTimelineIO."""

    permission_classes = [HasPermission("nova.view_analysisresult")]
    content_negotiation_class = AnyAccept

    @extend_schema(
        tags=["nova"],
        operation_id="nova_export",
        parameters=[OpenApiParameter("format", enum=list(FORMATS), default="json")],
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        kind = request.query_params.get("format", "json")
        if kind not in FORMATS:
            raise ValidationError({"format": [f"Choose one of {', '.join(FORMATS)}."]})
        file = get_object_or_404(File, pk=pk)
        answer = HttpResponse(current.text_of(file, kind), content_type=f"{FORMATS[kind].media_type}; charset=utf-8")
        answer["Content-Disposition"] = content_disposition_header(True, current.name_of(file, kind)) or ""
        return answer
