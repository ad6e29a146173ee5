"""JSON of analyses and of the choices of one."""

from typing import Any

from django.db import models
from rest_framework import serializers

from nova.analyze import TYPES
from nova.models import LOCAL, NovaJob


class Depth(models.TextChoices):
    BRIEF = "brief", "Brief"
    STANDARD = "standard", "Standard"
    DETAILED = "detailed", "Detailed"


class AnalyzeOptionsSerializer(serializers.Serializer[dict[str, Any]]):
    """What can be chosen for an analysis."""

    model = serializers.ChoiceField(choices=[(LOCAL, "local (free, on this machine)")], default=LOCAL)
    analysis_types = serializers.MultipleChoiceField(choices=TYPES, default=set(TYPES))
    summary_depth = serializers.ChoiceField(Depth.choices, default=Depth.STANDARD)
    force = serializers.BooleanField(default=False, help_text="Again, also where it is there already.")

    def validate_analysis_types(self, value: set[str]) -> list[str]:
        if not value:
            raise serializers.ValidationError("Choose at least one.")
        return sorted(value)


class AnalyzeSerializer(AnalyzeOptionsSerializer):
    """The body of `POST /api/nova/analyze`."""

    file_id = serializers.IntegerField(min_value=1)
    mode = serializers.ChoiceField(NovaJob.Mode.choices, default=NovaJob.Mode.REALTIME)


class StartedSerializer(serializers.Serializer[dict[str, Any]]):
    """What was started; `job_id` is null where the analysis was there already."""

    nova_job_id = serializers.IntegerField()
    job_id = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(NovaJob.Status.choices)


class NovaJobSerializer(serializers.ModelSerializer[NovaJob]):
    """An analysis and how far it is."""

    file_id = serializers.IntegerField(allow_null=True)
    file_name = serializers.CharField(source="file.name", default="")

    class Meta:
        model = NovaJob
        fields = (
            "id", "file_id", "file_name", "model", "analysis_types", "mode", "options", "status", "progress",
            "estimated_usd", "cost_usd", "tokens_input", "tokens_output", "error", "created_at", "started_at",
            "finished_at",
        )  # fmt: skip


class ResultsSerializer(serializers.Serializer[dict[str, Any]]):
    """The results of one analysis; `summary`, `chapters` and `elements` again by themselves."""

    results = serializers.DictField(child=serializers.JSONField())
    summary = serializers.CharField(allow_null=True)
    chapters = serializers.ListField(child=serializers.DictField())
    elements = serializers.JSONField(allow_null=True)
    raw = serializers.JSONField(allow_null=True)
