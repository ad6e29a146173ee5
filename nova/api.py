"""The API of analyses: parse, one verb, serialise."""

from typing import Any

import django_filters
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from files.models import File
from jobs.rest import HasPermission
from nova.models import NovaJob
from nova.serializers import AnalyzeSerializer, NovaJobSerializer, ResultsSerializer, StartedSerializer
from nova.tasks import ASKED_PRIORITY, request_local


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
    """How far an analysis is."""

    queryset = NovaJob.objects.select_related("file")
    serializer_class = NovaJobSerializer


class Analyze(APIView):
    """Ask for an analysis of a file."""

    permission_classes = [HasPermission("nova.add_novajob")]

    @extend_schema(tags=["nova"], request=AnalyzeSerializer, responses={202: StartedSerializer})
    def post(self, request: Request) -> Response:
        body = AnalyzeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        file = get_object_or_404(File, pk=wanted["file_id"])
        nova_job, job = request_local(
            file,
            types=wanted["analysis_types"],
            options={"summary_depth": wanted["summary_depth"]},
            force=wanted["force"],
            priority=ASKED_PRIORITY,
            user=request.user if request.user.is_authenticated else None,
        )
        started = {"nova_job_id": nova_job.pk, "job_id": job.pk if job else None, "status": nova_job.status}
        where = reverse("nova:status", args=[nova_job.pk])
        return Response(started, status=202, headers={"Location": where})


class Results(APIView):
    """The results of an analysis."""

    permission_classes = [HasPermission("nova.view_analysisresult")]

    @extend_schema(tags=["nova"], responses=ResultsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        nova_job = get_object_or_404(NovaJob, pk=pk)
        results: dict[str, Any] = {row.type: row.result for row in nova_job.results.all()}
        return Response(
            {
                "results": results,
                "summary": results.get("summary", {}).get("text"),
                "chapters": results.get("chapters", {}).get("chapters", []),
                "elements": results.get("elements"),
                "raw": None,
            }
        )
