"""Jobs, batches and queues as the API shows them."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs import counting, registry
from jobs.models import Batch, Job, QueueState
from jobs.subjects import SubjectDescription, describe


class JobSerializer(serializers.ModelSerializer[Job]):
    """One job. Lists pass `about` in the context, so that subjects are looked up in bulk."""

    file_id = serializers.SerializerMethodField()
    subject = serializers.SerializerMethodField(help_text="What it is about, in words.")
    eta_s = serializers.FloatField(read_only=True, allow_null=True)
    download = serializers.SerializerMethodField(
        help_text="Where what it made is fetched; null where there is nothing."
    )
    is_cancelling = serializers.BooleanField(read_only=True)

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "file_id",
            "subject_kind",
            "subject_id",
            "subject",
            "queue",
            "priority",
            "state",
            "progress",
            "message",
            "error",
            "remedy",
            "eta_s",
            "attempts",
            "is_parked",
            "is_cancelling",
            "download",
            "options",
            "created_at",
            "run_after",
            "started_at",
            "updated_at",
            "finished_at",
        )
        read_only_fields = fields

    def _about(self, job: Job) -> SubjectDescription:
        known: dict[int, SubjectDescription] = self.context.get("about") or {}
        if job.pk not in known:
            known.update(describe([job]))
        return known[job.pk]

    def get_file_id(self, job: Job) -> int | None:
        return self._about(job).file_id

    def get_download(self, job: Job) -> str | None:
        kind = registry.find(job.kind) if job.state == Job.State.SUCCEEDED else None
        return (kind.download(job.pk) or None) if kind is not None and kind.download is not None else None

    def get_subject(self, job: Job) -> str:
        return self._about(job).label


class ReasonSerializer(serializers.Serializer[counting.Reason]):
    """Jobs that failed for the same reason."""

    kind = serializers.CharField(read_only=True)
    error = serializers.CharField(read_only=True)
    remedy = serializers.CharField(read_only=True)
    count = serializers.IntegerField(read_only=True)


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch with its numbers, counted from its jobs."""

    total = serializers.IntegerField(read_only=True)
    queued = serializers.IntegerField(read_only=True)
    running = serializers.IntegerField(read_only=True)
    succeeded = serializers.IntegerField(read_only=True)
    failed = serializers.IntegerField(read_only=True)
    cancelled = serializers.IntegerField(read_only=True)
    progress = serializers.FloatField(read_only=True)
    eta_s = serializers.FloatField(read_only=True, allow_null=True)
    cost_usd = serializers.SerializerMethodField()
    left_out = serializers.SerializerMethodField()
    errors = serializers.SerializerMethodField()  # type: ignore[assignment]  # the contract's name; DRF's is unused here

    class Meta:
        model = Batch
        fields = (
            "id",
            "label",
            "action",
            "options",
            "created_at",
            "cancelled_at",
            "total",
            "queued",
            "running",
            "succeeded",
            "failed",
            "cancelled",
            "progress",
            "eta_s",
            "cost_usd",
            "left_out",
            "errors",
        )
        read_only_fields = fields

    def to_representation(self, instance: Batch) -> dict[str, Any]:
        counts = counting.count([instance])[instance.pk]
        for name in ("total", "queued", "running", "succeeded", "failed", "cancelled", "progress", "eta_s"):
            setattr(instance, name, getattr(counts, name))
        return super().to_representation(instance)

    @extend_schema_field(serializers.DecimalField(max_digits=14, decimal_places=6))
    def get_cost_usd(self, batch: Batch) -> str:
        return str(counting.cost_usd(batch).quantize(Decimal("0.000001")))

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_left_out(self, batch: Batch) -> list[dict[str, Any]]:
        """What the action passed over, by reason."""
        return list(batch.options.get("left_out", []))

    @extend_schema_field(ReasonSerializer(many=True))
    def get_errors(self, batch: Batch) -> list[dict[str, Any]]:
        return [dict(ReasonSerializer(reason).data) for reason in counting.reasons(batch)]


class QueueSerializer(serializers.ModelSerializer[QueueState]):
    """A queue: whether it is paused, and how much waits."""

    queued = serializers.SerializerMethodField()
    running = serializers.SerializerMethodField()

    class Meta:
        model = QueueState
        fields = ("name", "is_paused", "changed_at", "queued", "running")
        read_only_fields = fields

    def get_queued(self, state: QueueState) -> int:
        return Job.objects.queued().filter(queue=state.name).count()

    def get_running(self, state: QueueState) -> int:
        return Job.objects.running().filter(queue=state.name).count()
