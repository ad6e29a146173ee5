"""The API of analysis types of the user's own, and of reading kept replies again."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.serializers import JobSerializer
from jobs.web.api_base import HasPermission
from jobs.web.idempotency import CostlyView
from jobs.web.strict_fields import StrictFields
from nova import reparse_tasks
from nova.facet import PERMISSION
from nova.models import AnalysisType, AnalysisTypeVersion
from nova.types.flattening import schema_warnings
from nova.types.registry import add_version, change_type, faults_of_type


class AnalysisTypeSerializer(StrictFields, serializers.ModelSerializer[AnalysisType]):
    """A type of the user's own, by its newest version. Another prompt or schema is a new version and a new question."""

    label = serializers.CharField(  # type: ignore[assignment]
        max_length=80, required=False, help_text="What it is called; else its name."
    )
    prompt = serializers.CharField(max_length=20_000, help_text="What to look for, in plain words.")
    schema = serializers.JSONField(
        help_text="JSON Schema of the answer, of type object. A property whose name ends in _s is a moment in seconds."
    )
    version = serializers.IntegerField(read_only=True, help_text="Number of the newest version.")
    warnings = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="What to know of this schema; empty = nothing."
    )

    class Meta:
        model = AnalysisType
        fields = ("id", "name", "label", "prompt", "schema", "version", "warnings", "is_retired", "created_at")
        read_only_fields = ("created_at",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None and attrs.get("name", self.instance.name) != self.instance.name:
            raise serializers.ValidationError({"name": ["A type keeps its name: make another one."]})
        if not {"prompt", "schema"} & set(attrs):
            return attrs
        newest = self.instance.versions.order_by("-number").first() if self.instance is not None else None
        kept = {"prompt": newest.prompt, "schema": newest.schema} if newest else {"prompt": "", "schema": {}}
        told = {"name": getattr(self.instance, "name", ""), **kept, **attrs}
        if faults := faults_of_type(told["name"], told["prompt"], told["schema"]):
            field = "name" if "built-in" in faults[0] else "schema"
            raise serializers.ValidationError({field: faults})
        return attrs

    def to_representation(self, instance: AnalysisType) -> dict[str, Any]:
        newest = instance.versions.order_by("-number").first() or AnalysisTypeVersion(number=0, schema={})
        return {
            "id": instance.pk,
            "name": instance.name,
            "label": instance.label,
            "prompt": newest.prompt,
            "schema": newest.schema,
            "version": newest.number,
            "warnings": schema_warnings(newest.schema),
            "is_retired": instance.is_retired,
            "created_at": serializers.DateTimeField().to_representation(instance.created_at),
        }


class TypeFilters(FilterSet):
    is_retired = django_filters.BooleanFilter("is_retired", label="Is retired")

    class Meta:
        model = AnalysisType
        fields = ("is_retired",)


def person_of(request: Request) -> Any:
    return request.user if request.user.is_authenticated else None


@extend_schema(tags=["nova"])
class AnalysisTypeList(generics.ListCreateAPIView[AnalysisType]):
    """The analysis types of the user's own. POST makes one; the built-in ones are in the schema of `nova/analyze`."""

    queryset: QuerySet[AnalysisType] = AnalysisType.objects.prefetch_related("versions")
    serializer_class = AnalysisTypeSerializer
    filterset_class = TypeFilters

    def perform_create(self, serializer: serializers.BaseSerializer[AnalysisType]) -> None:
        asked = serializer.validated_data
        version = add_version(
            asked["name"],
            label=asked.get("label", ""),
            prompt=asked["prompt"],
            schema=asked["schema"],
            by=person_of(self.request),
        )
        serializer.instance = change_type(version.type, {"is_retired": asked.get("is_retired", False)})


@extend_schema(tags=["nova"])
class AnalysisTypeDetail(generics.RetrieveUpdateDestroyAPIView[AnalysisType]):
    """One type. PATCH changes it; DELETE retires it: it is offered no more, and its versions and results stay."""

    queryset: QuerySet[AnalysisType] = AnalysisType.objects.all()
    serializer_class = AnalysisTypeSerializer
    http_method_names = ("get", "patch", "delete", "head", "options")

    def perform_update(self, serializer: serializers.BaseSerializer[AnalysisType]) -> None:
        serializer.instance = change_type(self.get_object(), serializer.validated_data, by=person_of(self.request))

    def perform_destroy(self, instance: AnalysisType) -> None:
        change_type(instance, {"is_retired": True})


class ReparseSerializer(StrictFields, serializers.Serializer[dict[str, Any]]):
    """As the command `reparse`."""

    nova_job_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1), default=list, max_length=10_000, help_text="None: all of them."
    )
    failed = serializers.BooleanField(default=False, help_text="Only analyses whose reply could not be read.")
    old = serializers.BooleanField(default=False, help_text="Only what an older parser read.")
    apply = serializers.BooleanField(default=False, help_text="Keep the new reading; without it nothing is changed.")


class ReparseView(CostlyView):
    """Read the kept replies of Nova again with the current parser, in the background. Costs nothing."""

    permission_classes = [HasPermission(PERMISSION)]

    @extend_schema(tags=["nova"], request=ReparseSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        body = ReparseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        job = reparse_tasks.request_reparsing(body.validated_data, created_by=person_of(request))
        return Response(JobSerializer(job).data, status=202)
