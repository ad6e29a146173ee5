"""Jobs, batches of jobs, queues, clusters of workers, and notices."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from jobs import clock

#: Progress and elapsed time under which a forecast would be noise.
ETA_MIN_PROGRESS = 0.01
ETA_MIN_ELAPSED_S = 2.0


def fingerprint_of(kind: str, subject_id: int | None, options: dict[str, Any]) -> str:
    """The same for requests that ask for the same."""
    request = json.dumps([kind, subject_id, options], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(request.encode()).hexdigest()


class JobQuerySet(QuerySet["Job"]):
    """Questions about jobs."""

    def active(self) -> Self:
        return self.filter(state__in=Job.ACTIVE)

    def joinable(self) -> Self:
        """Active and not about to be cancelled."""
        return self.active().filter(cancel_requested_at__isnull=True)

    def queued(self) -> Self:
        return self.filter(state=Job.State.QUEUED)

    def running(self) -> Self:
        return self.filter(state=Job.State.RUNNING)

    def failed(self) -> Self:
        return self.filter(state=Job.State.FAILED)

    def over(self) -> Self:
        return self.exclude(state__in=Job.ACTIVE)

    def unresolved(self) -> Self:
        """Failed, and the same was not asked for again since."""
        newer = Job.objects.filter(fingerprint=OuterRef("fingerprint"), pk__gt=OuterRef("pk"))
        return self.failed().exclude(Exists(newer))

    def leased(self) -> Self:
        return self.running().filter(is_parked=False)

    def due(self, queue: str) -> Self:
        """Queued rows whose moment has come, best first."""
        rows = self.queued().filter(queue=queue, run_after__lte=clock.now())
        return rows.order_by("-priority", "run_after", "pk")

    def of_subject(self, subject_kind: str, subject_id: int) -> Self:
        return self.filter(subject_kind=subject_kind, subject_id=subject_id)


class Job(models.Model):
    """One piece of work on this machine: the only truth about its state, progress and error."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE: ClassVar = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=64)
    subject_kind = models.CharField(max_length=32, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    options = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, editable=False)
    queue = models.CharField(max_length=16)
    priority = models.SmallIntegerField(default=0, help_text="Higher runs first.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    progress = models.FloatField(default=0.0)
    message = models.TextField(blank=True)
    error = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="How often it was started.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often it failed since it was requested.")
    crashes = models.PositiveSmallIntegerField(default=0, help_text="How often its worker died.")
    is_parked = models.BooleanField("parked", default=False, help_text="The work goes on elsewhere.")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=255, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    run_after = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "jobs"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=Q(state__in=["queued", "running"], cancel_requested_at__isnull=True),
                name="jobs_one_active_per_request",
            ),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="jobs_progress_0_to_1"),
        ]
        indexes = [
            models.Index(
                "queue", F("priority").desc(), "run_after", "id", condition=Q(state="queued"), name="jobs_due"
            ),
            models.Index(fields=["state", "-id"], name="jobs_by_state"),
            models.Index(fields=["subject_kind", "subject_id"], name="jobs_by_subject"),
            models.Index(fields=["kind", "-id"], name="jobs_by_kind"),
            models.Index(fields=["finished_at"], name="jobs_by_end"),
            models.Index(fields=["created_at"], name="jobs_by_request_time"),
            models.Index(fields=["fingerprint", "id"], name="jobs_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}" if self.subject_id is not None else self.kind

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def is_cancelling(self) -> bool:
        return self.is_active and self.cancel_requested_at is not None

    @property
    def elapsed_s(self) -> float | None:
        if self.started_at is None:
            return None
        return ((self.finished_at or clock.now()) - self.started_at).total_seconds()

    @property
    def eta_s(self) -> float | None:
        """Seconds still to go, if that can be said."""
        elapsed = self.elapsed_s
        if self.state != self.State.RUNNING or self.is_parked or elapsed is None:
            return None
        if self.progress < ETA_MIN_PROGRESS or elapsed < ETA_MIN_ELAPSED_S:
            return None
        return round(elapsed * (1 - self.progress) / self.progress, 1)

    def _mine(self) -> QuerySet["Job"]:
        """This row, as long as this attempt still holds it."""
        return Job.objects.leased().filter(pk=self.pk, lease_owner=self.lease_owner, attempts=self.attempts)

    def _leave(self, **changes: Any) -> bool:
        """Give up the lease with these changes. False when it was lost before: then nothing is changed."""
        changes |= {"lease_owner": "", "lease_expires_at": None, "updated_at": clock.now()}
        if not self._mine().update(**changes):
            return False
        for name, value in changes.items():
            setattr(self, name, value)
        return True

    def renew(self, until: datetime, **changes: Any) -> bool:
        """Keep the lease, unless it was lost or a cancel was asked for."""
        rows = self._mine().filter(cancel_requested_at__isnull=True)
        return bool(rows.update(lease_expires_at=until, updated_at=clock.now(), **changes))

    def succeed(self, message: str) -> bool:
        return self._leave(
            state=self.State.SUCCEEDED, progress=1.0, message=message, error="", remedy="", finished_at=clock.now()
        )

    def fail(self, error: str, remedy: str) -> bool:
        return self._leave(
            state=self.State.FAILED,
            error=error,
            remedy=remedy,
            failures=self.failures + 1,
            finished_at=clock.now(),
        )

    def back_off(self, error: str, remedy: str, *, pause_s: float) -> bool:
        """Queue it again for later, after an error that may pass."""
        return self._leave(
            state=self.State.QUEUED,
            error=error,
            remedy=remedy,
            failures=self.failures + 1,
            run_after=clock.now() + timedelta(seconds=pause_s),
        )

    def give_back(self) -> bool:
        """Queue it again as if nothing had happened: its worker was asked to end."""
        return self._leave(state=self.State.QUEUED, message="")

    def crash(self, message: str) -> bool:
        """Queue it again after its worker died."""
        return self._leave(state=self.State.QUEUED, message=message, crashes=self.crashes + 1)

    def end_cancelled(self) -> bool:
        return self._leave(state=self.State.CANCELLED, finished_at=clock.now())

    def park(self, message: str) -> bool:
        return self._leave(is_parked=True, message=message)


class Batch(models.Model):
    """Many jobs from one action. Its numbers are counted from its jobs."""

    label = models.CharField(max_length=255)
    action = models.CharField(max_length=64, blank=True)
    options = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    #: A job that was under way already, for the same request, counts in both batches.
    jobs = models.ManyToManyField(Job, related_name="batches", blank=True)

    class Meta:
        db_table = "job_batches"
        ordering = ["-pk"]
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("batch-page", args=[self.pk])


class QueueState(models.Model):
    """Whether a queue is paused."""

    name = models.CharField(max_length=16, primary_key=True)
    is_paused = models.BooleanField("paused", default=False)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "job_queues"
        ordering = ["name"]
        verbose_name = "queue"

    def __str__(self) -> str:
        return self.name


class Cluster(models.Model):
    """One set of worker processes, kept alive by `manage.py work`."""

    queue = models.CharField(max_length=16)
    owner = models.CharField(max_length=255, blank=True, help_text="Host, process and start time.")
    workers = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    #: Set when it is being replaced: its workers end what they do and start nothing new.
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "job_clusters"
        ordering = ["queue", "-pk"]

    def __str__(self) -> str:
        return f"{self.queue} {self.owner}"


class Notice(models.Model):
    """One thing that a person should know, said once: `waiting for weights`, not 14,000 failed jobs."""

    class Level(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        ERROR = "error"

    key = models.CharField(max_length=100, unique=True)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.WARNING)
    text = models.TextField()
    remedy = models.TextField(blank=True)
    url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "job_notices"
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return self.text


class IdempotencyKey(models.Model):
    """A request of an API client by the key that it chose, and its answer once it is there."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64, db_column="wish", help_text="A hash of what was asked.")
    process = models.CharField(max_length=255, blank=True, help_text="What answers it: host, process and start time.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the answer; empty while it is being made.")
    answer = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        db_table = "idempotency_keys"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_keys_once")]

    def __str__(self) -> str:
        return self.key
