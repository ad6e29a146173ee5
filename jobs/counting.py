"""The numbers of batches, counted from their jobs: a few queries, however many jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from jobs import registry
from jobs.models import Batch, Job

#: In the options of a job that enqueues others: for how many subjects it has yet to do so.
PIECE_SIZE = "left_to_enqueue"
#: Groups of errors that are listed.
MAX_REASONS = 50


@dataclass(kw_only=True)
class Counts:
    """How far a batch is."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    #: Of the running ones: what waits elsewhere, and gets no further here.
    parked: int = 0
    running_progress: float = 0.0
    first_started_at: datetime | None = None
    last_finished_at: datetime | None = None

    @property
    def total(self) -> int:
        return self.queued + self.running + self.ended

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    @property
    def left(self) -> int:
        return self.queued + self.running

    @property
    def progress(self) -> float:
        """0 to 1. A batch with nothing to do is done."""
        return round((self.ended + self.running_progress) / self.total, 4) if self.total else 1.0

    @property
    def eta_s(self) -> float | None:
        """Seconds to go at the rate so far, of all workers together. None where all that is left waits elsewhere."""
        worked = self.succeeded + self.failed + self.running_progress
        if self.left == self.parked or self.first_started_at is None or worked <= 0:
            return None
        elapsed = (timezone.now() - self.first_started_at).total_seconds()
        return round(elapsed / worked * (self.left - self.running_progress), 1)

    def add(self, state: str, number: int, progress: float, started: datetime | None, ended: datetime | None) -> None:
        """Add the jobs of one state."""
        setattr(self, state, number)
        if state == Job.State.RUNNING:
            self.running_progress = progress
        self.first_started_at = min(filter(None, [self.first_started_at, started]), default=None)
        self.last_finished_at = max(filter(None, [self.last_finished_at, ended]), default=None)


def count(batches: Iterable[Batch]) -> dict[int, Counts]:
    """The numbers of each of these batches, by its id. Two queries."""
    counts = {batch.pk: Counts() for batch in batches}
    rows = (
        Job.objects.filter(batches__in=list(counts))
        .exclude(state=Job.State.SUCCEEDED, kind__in=registry.enqueuing())
        .order_by()
        .values("batches", "state")
        .annotate(
            n=Count("pk"),
            parked=Count("pk", filter=Q(is_parked=True)),
            done=Sum("progress"),
            started=Min("started_at"),
            ended=Max("finished_at"),
        )
    )
    for row in rows:
        if row["state"] == Job.State.RUNNING:
            counts[row["batches"]].parked = row["parked"]
        counts[row["batches"]].add(row["state"], row["n"], row["done"] or 0.0, row["started"], row["ended"])
    # A job that enqueues others stands for what it has not enqueued yet.
    pieces = Job.objects.active().filter(batches__in=list(counts), kind__in=registry.enqueuing()).order_by()
    for batch_id, state, size in pieces.values_list("batches", "state", f"options__{PIECE_SIZE}"):
        counted = counts[batch_id]
        setattr(counted, state, getattr(counted, state) - 1)
        counted.queued += size
    return counts


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Jobs that failed for the same reason."""

    error: str
    remedy: str
    count: int
    kind: str


def reasons(batch: Batch | None = None) -> list[Reason]:
    """Why the jobs of a batch (or any) failed, the most frequent reason first."""
    failed = Job.objects.unresolved()
    if batch is not None:
        failed = failed.filter(batches=batch)
    rows = failed.order_by().values("kind", "error", "remedy").annotate(n=Count("pk")).order_by("-n", "error")
    return [
        Reason(kind=row["kind"], error=row["error"], remedy=row["remedy"], count=row["n"]) for row in rows[:MAX_REASONS]
    ]


def cost_usd(batch: Batch) -> Decimal:
    """What the subjects of this batch have cost, as the kinds themselves say."""
    ids: dict[str, list[int]] = {}
    for kind_name, subject_id in batch.jobs.order_by().exclude(subject_id=None).values_list("kind", "subject_id"):
        ids.setdefault(kind_name, []).append(subject_id or 0)
    found = [(registry.find(kind_name), subject_ids) for kind_name, subject_ids in ids.items()]
    return sum((kind.cost_of(of) for kind, of in found if kind is not None and kind.cost_of), Decimal(0))
