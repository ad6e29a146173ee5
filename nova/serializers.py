"""JSON of analyses and of the choices of one."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bedrock import catalogue
from bedrock import conf as bedrock_conf
from bedrock.batch.records import BatchFolder
from files.serializers import LikelySerializer, SelectionSerializer
from jobs.web.strict_fields import StrictFields
from nova.models import LOCAL, BedrockBatch, NovaJob
from nova.options import SKIPPED
from nova.types.built_in import BUILT_IN
from nova.types.registry import COMBINED, choices, expand

MODELS = [(key, name) for key, name in catalogue.shipped("analysis") if key != LOCAL]
MODELS.insert(0, (LOCAL, "Local (free, on this machine)"))
#: What may stand within `options` of a request too.
INNER = ("summary_depth", "language", "force")


class Depth(models.TextChoices):
    BRIEF = "brief", "Brief"
    STANDARD = "standard", "Standard"
    DETAILED = "detailed", "Detailed"


class TypesField(serializers.MultipleChoiceField):
    """Analysis types. Those of the user's own are data, so they are looked up when they are needed.

    The schema of the API names the built-in ones only.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[*BUILT_IN, COMBINED], **kwargs)

    def offered(self) -> list[tuple[str, str]]:
        """What a form shows."""
        return choices()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) or not hasattr(data, "__iter__"):
            self.fail("not_a_list", input_type=type(data).__name__)
        known = {COMBINED, *dict(self.offered())}
        for name in data:
            if not isinstance(name, str) or name not in known:
                self.fail("invalid_choice", input=name)
        return set(data)


class AnalyzeOptionsSerializer(serializers.Serializer[dict[str, Any]]):
    """What can be chosen for an analysis. `combined` stands for all built-in types; they are one call anyway."""

    model = serializers.ChoiceField(choices=MODELS, default=LOCAL)
    mode = serializers.ChoiceField(
        NovaJob.Mode.choices,
        default=NovaJob.Mode.REALTIME,
        help_text="Flex and batch cost half; a batch waits until it is full. The local model is free and has no mode.",
    )
    analysis_types = TypesField(default=set(BUILT_IN))
    summary_depth = serializers.ChoiceField(Depth.choices, default=Depth.STANDARD)
    language = serializers.RegexField(
        r"^(auto|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*)$",
        max_length=16,
        default="auto",
        help_text="Of the answer, such as en or de; auto: the language that is spoken.",
    )
    force = serializers.BooleanField(
        label="Do it again", default=False, help_text="Even where there is a result. It is charged again."
    )

    skip = serializers.MultipleChoiceField(
        choices=list(SKIPPED.items()),
        default=set,
        label="Cheap first: leave out",
        help_text="Told by what was seen for free; what it saves is told. Of a model that costs nothing, nothing is.",
    )

    def validate_skip(self, value: set[str]) -> list[str]:
        return sorted(value)

    def validate_analysis_types(self, value: set[str]) -> list[str]:
        if not value:
            raise serializers.ValidationError("Choose at least one.")
        return expand(sorted(value))


class AnalyzeSerializer(StrictFields, AnalyzeOptionsSerializer):
    """The body of `POST /api/nova/analyze`; the choices are beside `file_id`, or within `options`."""

    file_id = serializers.IntegerField(min_value=1)
    options = serializers.DictField(required=False, help_text="`summary_depth`, `language`, `force`, as above.")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Choices within `options` count as if they stood beside it."""
        if isinstance(data, Mapping) and isinstance(data.get("options"), Mapping):
            inner = {name: data["options"][name] for name in INNER if name in data["options"] and name not in data}
            unknown = set(data["options"]) - set(INNER)
            if unknown:
                raise serializers.ValidationError({"options": [f"Unknown: {', '.join(sorted(map(str, unknown)))}."]})
            data = {**{name: data[name] for name in data}, **inner}
        value: dict[str, Any] = super().to_internal_value(data)
        return value


class EstimateSerializer(SelectionSerializer):
    """The body of `POST /api/nova/estimate`: a selection, and what would be asked of it."""

    model = serializers.ChoiceField(choices=MODELS, default=LOCAL)
    mode = serializers.ChoiceField(NovaJob.Mode.choices, default=NovaJob.Mode.REALTIME)
    analysis_types = serializers.ListField(
        child=serializers.CharField(max_length=64), default=list(BUILT_IN), allow_empty=False, max_length=50
    )

    def validate_analysis_types(self, value: list[str]) -> list[str]:
        return expand(value)


class QuoteSerializer(LikelySerializer):
    """What it would take: tokens at their highest, a low and a high cost; null costs mean that the price is unknown."""

    records = serializers.IntegerField(help_text="Calls: one for each piece of each video.")
    files = serializers.IntegerField(source="todo")
    already_done = serializers.IntegerField(help_text="Files that were answered before: they cost nothing.")
    input_tokens = serializers.IntegerField(source="estimate.input_tokens.high")
    output_tokens = serializers.IntegerField(source="estimate.output_tokens.high")
    usd_low = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    usd_high = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    mode = serializers.CharField()
    discount = serializers.DecimalField(
        max_digits=4, decimal_places=2, coerce_to_string=False, allow_null=True, help_text="0.5 is half price."
    )
    warnings = serializers.ListField(child=serializers.CharField())
    refusals = serializers.ListField(child=serializers.CharField())
    likely_from = serializers.CharField(source="likely.source")
    likely_count = serializers.IntegerField(source="likely.count")
    likely_error = serializers.FloatField(allow_null=True, help_text="Half of the last hundred were off by no more.")


class StartedSerializer(serializers.Serializer[dict[str, Any]]):
    """What was started; `job_id` is null where the analysis was there already."""

    nova_job_id = serializers.IntegerField()
    job_id = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(NovaJob.Status.choices)


class BedrockBatchSerializer(serializers.ModelSerializer[BedrockBatch]):
    """The batch job of Bedrock that an analysis is part of, in Bedrock's own words."""

    batch_job_arn = serializers.CharField(source="arn")
    batch_status = serializers.CharField(source="remote_status")
    batch_message = serializers.CharField(source="remote_message")
    batch_input_s3_key = serializers.SerializerMethodField()
    batch_output_s3_prefix = serializers.CharField(source="output_uri")

    class Meta:
        model = BedrockBatch
        fields = (
            "id", "batch_job_arn", "batch_status", "batch_message", "batch_input_s3_key", "batch_output_s3_prefix",
            "records_total", "records_done", "error",
        )  # fmt: skip

    def get_batch_input_s3_key(self, row: BedrockBatch) -> str:
        """The folder of its records and videos in the bucket; empty where nobody knows any more."""
        with row.there():
            return f"{BatchFolder(row.folder).prefix}/" if row.place or bedrock_conf.is_batch_on() else ""


class NovaJobSerializer(serializers.ModelSerializer[NovaJob]):
    """An analysis and how far it is."""

    file_id = serializers.IntegerField(allow_null=True)
    file_name = serializers.CharField(source="file.name", default="")
    model_id = serializers.SerializerMethodField(help_text="What AWS calls the model; empty for the local one.")
    batch = serializers.SerializerMethodField()

    @cached_property
    def _model_ids(self) -> dict[str, str]:
        return catalogue.model_ids()

    def get_model_id(self, row: NovaJob) -> str:
        return self._model_ids.get(row.model, "")

    @extend_schema_field(BedrockBatchSerializer(allow_null=True))
    def get_batch(self, row: NovaJob) -> dict[str, Any] | None:
        batch = row.bedrock_batch()
        return dict(BedrockBatchSerializer(batch).data) if batch else None

    class Meta:
        model = NovaJob
        fields = (
            "id", "file_id", "file_name", "model", "model_id", "analysis_types", "mode", "options", "status",
            "progress", "estimated_usd", "likely_usd", "cost_usd", "tokens_input", "tokens_output", "error", "batch",
            "created_at", "started_at", "finished_at",
        )  # fmt: skip


class ResultsSerializer(serializers.Serializer[dict[str, Any]]):
    """The results of one analysis; `summary`, `chapters` and `elements` again by themselves."""

    model = serializers.CharField()
    model_id = serializers.CharField(help_text="What AWS calls the model; empty for the local one.")
    results = serializers.DictField(child=serializers.JSONField())
    summary = serializers.CharField(allow_null=True)
    chapters = serializers.ListField(child=serializers.DictField())
    elements = serializers.JSONField(allow_null=True)
    raw = serializers.JSONField(allow_null=True)
