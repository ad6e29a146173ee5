"""Analyses: their types, the jobs, the raw replies that are kept for good, and the results."""

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from files.models import File

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

LOCAL = "local"


class NovaJobQuerySet(QuerySet["NovaJob"]):
    """Questions about analyses."""

    def open(self) -> Self:
        return self.filter(status__in=NovaJob.OPEN)

    def of(self, file: File) -> Self:
        """The analyses of this content, also those made before the file was removed and came back."""
        same = Q(content_hash=file.full_hash) if file.full_hash else Q()
        return self.filter(Q(file=file) | same) if same else self.filter(file=file)

    def by_nova(self) -> Self:
        return self.exclude(model=LOCAL)


class NovaJob(models.Model):
    """One request for an analysis of one file by one model. Its status changes by its own methods only."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a full batch"
        SUBMITTED = "submitted", "Submitted"
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Mode(models.TextChoices):
        REALTIME = "realtime", "At once"
        FLEX = "flex", "Flex"
        BATCH = "batch", "Batch"

    OPEN: ClassVar = (Status.WAITING, Status.SUBMITTED, Status.IN_PROGRESS)

    file = models.ForeignKey(File, null=True, on_delete=models.SET_NULL, related_name="nova_jobs")
    content_hash = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=64)
    analysis_types = models.JSONField(default=list)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.REALTIME)
    options = models.JSONField(default=dict, blank=True)
    input_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Hash of what was analysed, so that a change is seen."
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.SUBMITTED)
    progress = models.FloatField(default=0)
    estimated_usd = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=Decimal(0))
    tokens_input = models.BigIntegerField(default=0)
    tokens_output = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    if TYPE_CHECKING:
        file_id: int | None
        results: RelatedManager["AnalysisResult"]

    objects: ClassVar["models.Manager[NovaJob]"] = models.Manager.from_queryset(NovaJobQuerySet)()

    class Meta:
        db_table = "nova_jobs"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["status", "mode"], name="nova_jobs_by_status"),
            models.Index(fields=["content_hash"], name="nova_jobs_by_content"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {', '.join(self.analysis_types)} of {self.file or 'a file that left the library'}"

    def start(self) -> None:
        """Its call starts now."""
        self.status, self.started_at, self.finished_at, self.error = self.Status.IN_PROGRESS, timezone.now(), None, ""
        self.save(update_fields=["status", "started_at", "finished_at", "error"])

    def put_back(self, error: str) -> None:
        """To be tried again; the last error stays to be read."""
        self.status, self.error = self.Status.SUBMITTED, error
        self.save(update_fields=["status", "error"])

    def complete(self) -> None:
        self._end(self.Status.COMPLETED, progress=1.0)

    def fail(self, error: str) -> None:
        self._end(self.Status.FAILED, error=error)

    def cancel(self) -> None:
        self._end(self.Status.CANCELLED)

    def _end(self, status: "NovaJob.Status", *, error: str = "", progress: float | None = None) -> None:
        self.status, self.error, self.finished_at = status, error, timezone.now()
        if progress is not None:
            self.progress = progress
        self.save(update_fields=["status", "error", "finished_at", "progress"])


class AnalysisResultQuerySet(QuerySet["AnalysisResult"]):
    """Questions about results."""

    def current(self) -> Self:
        return self.filter(is_current=True)


class AnalysisResult(models.Model):
    """The answer of one analysis type, as JSON, once."""

    nova_job = models.ForeignKey(NovaJob, on_delete=models.CASCADE, related_name="results")
    file = models.ForeignKey(File, null=True, on_delete=models.SET_NULL, related_name="analysis_results")
    type = models.CharField(max_length=64)
    result = models.JSONField()
    notes = models.JSONField(default=list, blank=True, help_text="What was mended in the reply.")
    version = models.CharField(max_length=64, blank=True, help_text="Of the prompt, or of the local model.")
    is_current = models.BooleanField("current", default=True)
    created_at = models.DateTimeField(default=timezone.now)

    if TYPE_CHECKING:
        file_id: int | None
        nova_job_id: int

    objects: ClassVar["models.Manager[AnalysisResult]"] = models.Manager.from_queryset(AnalysisResultQuerySet)()

    class Meta:
        db_table = "analysis_results"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["nova_job", "type"], name="analysis_results_one_per_type"),
            models.UniqueConstraint(
                fields=["file", "type"], condition=Q(is_current=True), name="analysis_results_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} by {self.nova_job.model}"
