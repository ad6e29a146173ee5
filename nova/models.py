"""Analyses: their types, the jobs, the raw replies that are kept for good, and the results."""

from contextlib import AbstractContextManager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from bedrock import conf as bedrock_conf
from bedrock.batch.jobs import RemoteJob
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

    def take_on(self) -> int:
        """Bedrock has their records. Those that it works on already stay so."""
        return self.filter(status=NovaJob.Status.WAITING).update(status=NovaJob.Status.SUBMITTED, error="")

    def get_going(self, progress: float) -> int:
        """Bedrock works on them. Their progress never falls, also where Bedrock's numbers do."""
        now = Coalesce("started_at", Value(timezone.now(), output_field=models.DateTimeField()))
        return self.open().update(
            status=NovaJob.Status.IN_PROGRESS, started_at=now, progress=Greatest("progress", Value(progress))
        )

    def wait_again(self, reason: str) -> int:
        """Their batch came to nothing: they wait for another one, and say why."""
        return self.open().update(status=NovaJob.Status.WAITING, error=reason, progress=0)


class NovaJob(models.Model):
    """One request for an analysis of one file by one model. Its status changes by its own methods only.

    It goes forward: waiting, submitted, in progress, over. Only what was over is opened again by a retry, and what
    came back from a batch without an answer waits for another one.
    """

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
    likely_usd = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True, help_text="What it was most likely to cost."
    )
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

        questions: RelatedManager["Question"]

    objects: ClassVar["models.Manager[NovaJob]"] = models.Manager.from_queryset(NovaJobQuerySet)()

    class Meta:
        db_table = "nova_jobs"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["status", "mode"], name="nova_jobs_by_status"),
            models.Index(fields=["content_hash"], name="nova_jobs_by_content"),
            models.Index(F("created_at").desc(), F("id").desc(), name="nova_jobs_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {', '.join(self.analysis_types)} of {self.file or 'a file that left the library'}"

    def bedrock_batch(self) -> "BedrockBatch | None":
        """The batch job of Bedrock that its questions were sent in, the last one; None = not sent in one."""
        if self.mode != self.Mode.BATCH:
            return None
        return BedrockBatch.objects.filter(questions__nova_job=self).order_by("-pk").first()

    def reopen(self) -> None:
        """What was over is done again; what is under way stays as it is."""
        if self.status not in self.OPEN:
            waits = self.mode == self.Mode.BATCH
            self.status = self.Status.WAITING if waits else self.Status.SUBMITTED
            self.finished_at, self.error, self.progress = None, "", 0
            self.save(update_fields=["status", "finished_at", "error", "progress"])

    def wait(self) -> None:
        """Its records wait for a full batch."""
        self.status, self.error = self.Status.WAITING, ""
        self.save(update_fields=["status", "error"])

    def start(self) -> None:
        """Its call starts now."""
        self.status, self.started_at, self.finished_at, self.error = self.Status.IN_PROGRESS, timezone.now(), None, ""
        self.save(update_fields=["status", "started_at", "finished_at", "error"])

    def switch(self, mode: str) -> None:
        """It is asked in another mode, instead of waiting."""
        self.mode, self.status, self.error, self.estimated_usd = mode, self.Status.SUBMITTED, "", None
        self.save(update_fields=["mode", "status", "error", "estimated_usd"])

    def note_error(self, error: str) -> None:
        """It is tried again; why it had to be stays to be read."""
        self.error = error
        self.save(update_fields=["error"])

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
    parser_version = models.PositiveIntegerField(null=True, blank=True, help_text="Of what read the reply.")
    file = models.ForeignKey(File, null=True, on_delete=models.SET_NULL, related_name="analysis_results")
    type = models.CharField(max_length=64)
    result = models.JSONField()
    notes = models.JSONField(default=list, blank=True, help_text="What was corrected in the reply.")
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
        indexes = [models.Index(F("created_at").desc(), F("id").desc(), name="analysis_results_latest")]

    def __str__(self) -> str:
        return f"{self.type} by {self.nova_job.model}"


class AnalysisType(models.Model):
    """An analysis type of the user's own. What it asks is in its versions; the newest one is used."""

    name = models.SlugField(max_length=40, unique=True, help_text="Letters, digits and hyphens: “safety-check”.")
    label = models.CharField(max_length=80)
    is_retired = models.BooleanField("retired", default=False, help_text="Not offered any more; its results stay.")
    created_at = models.DateTimeField(default=timezone.now)

    if TYPE_CHECKING:
        versions: RelatedManager["AnalysisTypeVersion"]

    class Meta:
        db_table = "analysis_types"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.label


class AnalysisTypeVersion(models.Model):
    """What an analysis type asks, and the form of its answer. Never changed: a change is a new version."""

    type = models.ForeignKey(AnalysisType, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    prompt = models.TextField(help_text="What to look for, in plain words.")
    schema = models.JSONField(help_text="JSON Schema of the answer, of type object.")
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "analysis_type_versions"
        ordering = ["type", "-number"]
        constraints = [models.UniqueConstraint(fields=["type", "number"], name="analysis_type_versions_numbered")]

    def __str__(self) -> str:
        return f"{self.type.name} {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValueError("A version of an analysis type is never changed: make a new one.")
        super().save(*args, **kwargs)


class BedrockBatchQuerySet(QuerySet["BedrockBatch"]):
    """Questions about batch jobs."""

    def open(self) -> Self:
        """Those that something is still to be done for: staging, asking Bedrock, collecting, clearing up."""
        return self.filter(cleared_at__isnull=True)


class BedrockBatch(models.Model):
    """One batch inference job of Bedrock: many questions to one model, at half price."""

    folder = models.CharField(max_length=11, unique=True, help_text="The generated name of its folder in S3.")
    client_token = models.CharField(max_length=64, unique=True, help_text="Kept before the call: the same is one job.")
    place = models.JSONField(
        default=dict, editable=False, help_text="Region, bucket and prefixes that it was made with: it stays there."
    )
    model_key = models.CharField("model", max_length=40)
    runtime_id = models.CharField(max_length=200)
    arn = models.CharField(max_length=300, blank=True, db_index=True)
    remote_status = models.CharField("status at Bedrock", max_length=40, blank=True, help_text="Bedrock's own word.")
    remote_message = models.TextField("message from Bedrock", blank=True, help_text="Word for word.")
    output_uri = models.CharField(max_length=1024, blank=True)
    records_total = models.PositiveIntegerField(null=True, blank=True)
    records_done = models.PositiveIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="Why it could not be sent or collected, and what to do.")
    is_cancelled = models.BooleanField("cancelled here", default=False)
    hold = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="The settings that AWS refused: it waits for a change of them.",
    )
    needs_usd = models.DecimalField(
        max_digits=20, decimal_places=12, null=True, blank=True, help_text="What the month's cap had no room for."
    )
    created_at = models.DateTimeField(default=timezone.now)
    called_at = models.DateTimeField(null=True, blank=True, help_text="When Bedrock was first asked to make it.")
    submitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    collected_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True, help_text="Its staged copies are gone.")

    if TYPE_CHECKING:
        questions: RelatedManager["Question"]

    objects: ClassVar["models.Manager[BedrockBatch]"] = models.Manager.from_queryset(BedrockBatchQuerySet)()

    class Meta:
        db_table = "bedrock_batches"
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "Bedrock batches"

    def __str__(self) -> str:
        return f"novaproject-{self.folder}"

    @property
    def can_be_cancelled(self) -> bool:
        """Whether there is something to stop, or results that cannot be taken in to give up."""
        is_stuck = bool(self.arn and self.error) and self.collected_at is None
        return not self.is_cancelled and (self.ended_at is None or is_stuck)

    def note(self, remote: RemoteJob) -> None:
        """Keep what Bedrock says of its job, in its own words."""
        self.remote_status, self.remote_message, self.error = remote.status, remote.message, ""
        self.output_uri = remote.output_uri or self.output_uri
        self.records_total = remote.total if remote.total is not None else self.records_total
        self.records_done = remote.processed if remote.processed is not None else self.records_done
        fields = ["remote_status", "remote_message", "error", "output_uri", "records_total", "records_done"]
        if remote.is_over:
            self.ended_at = remote.ended_at or timezone.now()
            fields.append("ended_at")
        self.save(update_fields=fields)

    def there(self) -> AbstractContextManager[None]:
        """What is done to it inside is done where it was made, whatever the settings say by now."""
        return bedrock_conf.at(self.place)


class RawReply(models.Model):
    """What a model said, whole, to be parsed again at no cost. Kept for good unless NOVA_KEEP_RAW_DAYS is set."""

    key = models.CharField(max_length=64, unique=True, help_text="The question, as in the ledger.")
    content_key = models.CharField(
        max_length=64, db_index=True, help_text="The question without its types: content, cut, model, parameters."
    )
    types = models.JSONField(default=dict, help_text="The analysis types that were asked, with their versions.")
    nova_job = models.ForeignKey(NovaJob, null=True, on_delete=models.SET_NULL, related_name="raw_replies")
    content_hash = models.CharField(max_length=64, blank=True, db_index=True)
    model = models.CharField(max_length=64)
    mode = models.CharField(max_length=16)
    start_s = models.FloatField(help_text="Of the piece, in seconds of the source.")
    end_s = models.FloatField(null=True)
    message = models.JSONField(help_text="Bedrock's answer, as it came.")
    stop_reason = models.CharField(max_length=40, blank=True)
    usage = models.JSONField(default=dict)
    cost_usd = models.DecimalField(max_digits=20, decimal_places=12, null=True, blank=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "nova_raw_replies"
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "raw replies"
        indexes = [models.Index(F("created_at").desc(), F("id").desc(), name="nova_raw_replies_latest")]

    def __str__(self) -> str:
        return f"{self.model}: {', '.join(self.types)}"


class QuestionQuerySet(QuerySet["Question"]):
    """Questions about questions."""

    def open(self) -> Self:
        return self.filter(state__in=Question.OPEN)

    def poolable(self) -> Self:
        """Those that wait to be sent in a batch."""
        return self.filter(
            state=Question.State.WAITING,
            bedrock_batch__isnull=True,
            nova_job__mode=NovaJob.Mode.BATCH,
            nova_job__status=NovaJob.Status.WAITING,
        )


class Question(models.Model):
    """One call: one piece of one file, asked once for one analysis. Answers are shared by all that ask the same."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        ASKED = "asked", "Asked"
        ANSWERED = "answered", "Answered"
        FAILED = "failed", "Failed"

    OPEN: ClassVar = (State.WAITING, State.ASKED)

    nova_job = models.ForeignKey(NovaJob, on_delete=models.CASCADE, related_name="questions")
    index = models.PositiveIntegerField(help_text="Of the piece, from 0.")
    start_s = models.FloatField(default=0, help_text="Of the piece, in seconds of the source.")
    end_s = models.FloatField(null=True)
    key = models.CharField(max_length=64, db_index=True)
    content_key = models.CharField(max_length=64)
    types = models.JSONField(default=dict, help_text="The analysis types that this asks, with their versions.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reply = models.ForeignKey(RawReply, null=True, on_delete=models.PROTECT, related_name="questions")
    record_id = models.CharField(max_length=11, unique=True, null=True)
    bedrock_batch = models.ForeignKey(
        BedrockBatch, null=True, blank=True, on_delete=models.SET_NULL, related_name="questions"
    )
    prompt_version = models.CharField(max_length=40, blank=True, help_text="Of the prompt that its key is of.")
    attempts = models.PositiveIntegerField(default=0, help_text="Batches that it was sent in.")
    error = models.TextField(blank=True)
    estimated_usd = models.DecimalField(max_digits=20, decimal_places=12, null=True, blank=True)

    if TYPE_CHECKING:
        nova_job_id: int
        bedrock_batch_id: int | None

    objects: ClassVar["models.Manager[Question]"] = models.Manager.from_queryset(QuestionQuerySet)()

    class Meta:
        db_table = "nova_questions"
        ordering = ["nova_job", "index", "id"]
        indexes = [models.Index(fields=["state", "bedrock_batch"], name="nova_questions_by_state")]

    def __str__(self) -> str:
        return f"{', '.join(self.types)} of {self.nova_job}"

    def answer(self, reply: RawReply) -> None:
        self.state, self.reply, self.error = self.State.ANSWERED, reply, ""
        self.save(update_fields=["state", "reply", "error"])

    def fail(self, error: str) -> None:
        self.state, self.error = self.State.FAILED, error
        self.save(update_fields=["state", "error"])
