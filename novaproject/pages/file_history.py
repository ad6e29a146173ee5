"""What was done for one file, and what that cost."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from bedrock.models import Entry
from files.models import File
from jobs import registry
from jobs.models import Job
from novaproject.templatetags import human

SHOWN = 12
_LOOKS = {
    Job.State.QUEUED: ("Waiting", "off"),
    Job.State.RUNNING: ("Running", "run"),
    Job.State.SUCCEEDED: ("Done", "ok"),
    Job.State.FAILED: ("Failed", "bad"),
    Job.State.CANCELLED: ("Cancelled", "off"),
}


@dataclass(frozen=True, kw_only=True)
class JobDone:
    """One job in words."""

    state: str
    level: str
    label: str
    detail: str
    when: str


def jobs_of(file: File) -> list[JobDone]:
    """The latest jobs about this file, or about what belongs to it."""
    about = Q(subject_kind="file", subject_id=file.pk)
    for kind, subject in registry.subjects().items():
        if subject.of_file is not None and kind != "file":
            about |= Q(subject_kind=kind, subject_id__in=list(subject.of_file(file.pk)))
    return [_done(job) for job in Job.objects.filter(about).order_by("-pk")[:SHOWN]]


def _done(job: Job) -> JobDone:
    state, level = _LOOKS[Job.State(job.state)]
    if job.state == Job.State.RUNNING:
        state = human.percent(job.progress, 1)
    failed = job.state == Job.State.FAILED
    when = human.moment(job.finished_at or job.started_at or job.created_at)
    if job.finished_at and job.elapsed_s and job.elapsed_s >= 1:
        when += f", {human.duration(job.elapsed_s)}"
    return JobDone(
        state=state,
        level=level,
        label=registry.label_of(job.kind),
        detail=f"{job.error} {job.remedy}".strip() if failed else job.message,
        when=when,
    )


@dataclass(frozen=True, kw_only=True)
class FileCost:
    label: str
    usd: Decimal | None
    detail: str = ""


def costs_of(file: File) -> tuple[list[FileCost], Decimal]:
    """Each paid question about this file, and the sum of what is known."""
    entries = Entry.objects.filter(file_id=file.pk).exclude(state=Entry.State.RELEASED).order_by("-pk")
    costs = [_cost(entry) for entry in entries]
    return costs, sum((cost.usd for cost in costs if cost.usd is not None), Decimal(0))


def _cost(entry: Entry) -> FileCost:
    what = entry.analysis_type or entry.purpose
    tokens = [(name.replace("_", " "), entry.usage.get(name)) for name in ("input_tokens", "output_tokens")]
    unsettled = {
        Entry.State.RESERVED: "reserved, not charged yet",
        Entry.State.POSSIBLY_PAID: "the answer was lost: possibly charged",
    }
    return FileCost(
        label=f"{entry.model_key}, {entry.mode}: {what}",
        usd=entry.actual_usd if entry.state == Entry.State.SETTLED else entry.counted_usd,
        detail=unsettled.get(Entry.State(entry.state))
        or ", ".join(f"{count:,} {name}" for name, count in tokens if isinstance(count, int) and count),
    )
