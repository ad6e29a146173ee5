"""Cancelling, retrying, pausing, and ending what was parked."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from jobs import clock, registry, wake_ups
from jobs.bulk import sliced
from jobs.errors import NotCancellableError, NotRetryableError, WorkError
from jobs.models import Batch, Job, JobQuerySet, QueueState
from jobs.notifications import announce_ends
from jobs.queue import enqueue
from jobs.signals import announce_end
from jobs.work import Work

CANCEL_BATCH = "cancel_batch"
#: So many jobs are cancelled in a tenth of a second, at once; more than these by the workers.
MOST_AT_ONCE = 2000
#: Before all else that waits: what is to be cancelled would be done meanwhile.
FIRST = 100
_AGAIN = {
    "state": Job.State.QUEUED,
    "progress": 0.0,
    "message": "",
    "error": "",
    "remedy": "",
    "failures": 0,
    "crashes": 0,
    "is_parked": False,
    "cancel_requested_at": None,
    "finished_at": None,
}


def cancel(job: Job) -> Job:
    """Cancel a job: at once while it is queued or parked, else at its next step. Raises NotCancellableError."""
    if not _cancel(job):
        raise NotCancellableError(f"This job is over already: {job.state}.")
    return job


def _cancel(job: Job) -> bool:
    """Ask for the end of a job; False when it is over."""
    now = clock.now()
    if _end_unleased(job, Job.objects.queued(), now):
        return True
    if job.is_parked and job.state == Job.State.RUNNING:
        kind = registry.find(job.kind)
        if kind is not None and kind.on_cancel is not None and job.subject_id is not None:
            kind.on_cancel(job.subject_id)
        job.refresh_from_db()
        return _end_unleased(job, Job.objects.running().filter(is_parked=True), now) or (
            job.state == Job.State.CANCELLED
        )
    asked = Job.objects.leased().filter(pk=job.pk, cancel_requested_at__isnull=True).update(cancel_requested_at=now)
    job.refresh_from_db()
    return bool(asked) or job.is_cancelling


def _end_unleased(job: Job, rows: JobQuerySet, now: datetime) -> bool:
    ended = rows.filter(pk=job.pk).update(
        state=Job.State.CANCELLED, is_parked=False, cancel_requested_at=now, finished_at=now, updated_at=now
    )
    job.refresh_from_db()
    if ended:
        announce_end(job)
    return bool(ended)


def _cancel_all(jobs: JobQuerySet) -> int:
    now = clock.now()
    changes = {"state": Job.State.CANCELLED, "cancel_requested_at": now, "finished_at": now, "updated_at": now}
    ended: list[Job] = []
    with transaction.atomic():  # one commit for thousands; running and parked ones may ask elsewhere, so not in here
        for ids in sliced(list(jobs.queued().order_by().values_list("pk", flat=True))):
            rows = Job.objects.filter(pk__in=ids)
            rows.queued().update(**changes)
            ended += rows.filter(state=Job.State.CANCELLED, cancel_requested_at=now)
        announce_ends(ended)
    return len(ended) + sum(_cancel(job) for job in list(jobs.running()))


def cancel_batch(batch: Batch) -> int:
    """Cancel what is left of a batch, but for jobs that another live batch waits for too; returns how many.

    Thousands are cancelled by the workers, the next thing that they do.
    """
    batch.cancelled_at = clock.now()
    batch.save(update_fields=["cancelled_at"])
    left = _left_of(batch)
    count = left.active().count()
    if count <= MOST_AT_ONCE:
        return _cancel_all(left)
    # What enqueues more of it, first.
    _cancel_all(left.filter(kind__in=registry.enqueuing()))
    enqueue(CANCEL_BATCH, options={"batch": batch.pk}, priority=FIRST)
    return count


def _left_of(batch: Batch) -> JobQuerySet:
    """The jobs of a batch that no other live batch waits for."""
    elsewhere = Batch.objects.filter(jobs=OuterRef("pk"), cancelled_at__isnull=True).exclude(pk=batch.pk)
    return Job.objects.filter(batches=batch).exclude(Exists(elsewhere))


def run_cancel_batch(work: Work) -> str:
    """The body of `cancel_batch`: in pieces, so that nobody waits long for the database."""
    left = _left_of(Batch.objects.get(pk=work.options["batch"]))
    ids = list(left.queued().order_by("-pk").values_list("pk", flat=True))  # the next ones to be started at the end
    done = 0
    for piece in sliced(ids, MOST_AT_ONCE):
        done += _cancel_all(Job.objects.filter(pk__in=piece))
        work.progress.update(done / len(ids))
    return f"{done + _cancel_all(left):,} jobs cancelled."


def cancel_for_subject(subject_kind: str, subject_id: int, *, but: int | None = None) -> int:
    """Cancel all jobs about this thing, but for one that may be doing this; returns how many."""
    jobs = Job.objects.of_subject(subject_kind, subject_id)
    return _cancel_all(jobs if but is None else jobs.exclude(pk=but))


def retry(job: Job) -> Job:
    """Queue a failed or cancelled job again, or join the same request if it is under way. Raises NotRetryableError."""
    now = clock.now()
    rows = Job.objects.filter(pk=job.pk, state__in=[Job.State.FAILED, Job.State.CANCELLED])
    try:
        with transaction.atomic():
            changed = rows.update(**_AGAIN, run_after=now, updated_at=now)
    except IntegrityError:
        same = Job.objects.joinable().filter(fingerprint=job.fingerprint).first()
        if same is not None:
            return same
        raise
    job.refresh_from_db()
    if not changed:
        raise NotRetryableError(f"Only failed and cancelled jobs can be tried again; this one is {job.state}.")
    wake_ups.post_on_commit(job.queue)
    return job


def retry_failed(batch: Batch) -> int:
    """Queue all failed jobs of a batch again; returns how many."""
    if batch.cancelled_at is not None:
        batch.cancelled_at = None
        batch.save(update_fields=["cancelled_at"])
    return retry_all(Job.objects.filter(batches=batch))


def retry_all(jobs: JobQuerySet) -> int:
    """Queue the failed ones of these jobs again, each request once, but for those that are under way already."""
    under_way = Job.objects.joinable().filter(fingerprint=OuterRef("fingerprint"))
    with transaction.atomic():
        ids = list(jobs.unresolved().exclude(Exists(under_way)).order_by().values_list("pk", flat=True))
        now = clock.now()
        for chunk in sliced(ids):
            Job.objects.failed().filter(pk__in=chunk).update(**_AGAIN, run_after=now, updated_at=now)
        for queue in registry.QUEUES:
            wake_ups.post_on_commit(queue, len(ids))
    return len(ids)


def _of_kind(kind: str) -> JobQuerySet:
    """Running jobs of a kind. With the kind of subject named, an index finds one subject among thousands."""
    job_kind = registry.find(kind)
    rows = Job.objects.running().filter(kind=kind)
    return rows.filter(subject_kind=job_kind.subject_kind) if job_kind else rows


def finish_parked(kind: str, subject_id: int, *, error: WorkError | None = None, message: str = "") -> int:
    """End the jobs that wait for this subject. An error is final: work elsewhere may have been paid for."""
    ended = 0
    for job in _of_kind(kind).filter(subject_id=subject_id):
        now = clock.now()
        changes = {"is_parked": False, "lease_owner": "", "lease_expires_at": None, "finished_at": now}
        if error is None:
            changes |= {"state": Job.State.SUCCEEDED, "progress": 1.0, "message": message}
        else:
            changes |= {"state": Job.State.FAILED, "error": str(error), "remedy": error.remedy, "message": message}
        if Job.objects.running().filter(pk=job.pk).update(**changes, updated_at=now):
            job.refresh_from_db()
            announce_end(job)
            ended += 1
    return ended


def unpark(kind: str, subject_id: int) -> int:
    """Queue again what waited for this subject: it can go on here now."""
    rows = _of_kind(kind).filter(subject_id=subject_id, is_parked=True)
    changes = {"state": Job.State.QUEUED, "is_parked": False, "message": "", "lease_owner": ""}
    now = clock.now()
    queued = rows.update(**changes, lease_expires_at=None, run_after=now, updated_at=now)
    if queued:
        wake_ups.post_on_commit(registry.get(kind).queue, queued)
    return queued


def report_parked(kind: str, subject_id: int, progress: float, message: str = "") -> None:
    """Say how far the work elsewhere is."""
    report_all_parked(kind, [subject_id], progress, message)


def report_all_parked(kind: str, subject_ids: Sequence[int], progress: float, message: str = "") -> None:
    """Say of many at once how far their work elsewhere is."""
    rows = _of_kind(kind).filter(is_parked=True)
    changes = {"progress": min(1.0, max(0.0, progress)), "message": message, "updated_at": clock.now()}
    for ids in sliced(subject_ids):
        rows.filter(subject_id__in=ids).update(**changes)


def queue_states() -> QuerySet[QueueState]:
    """Every queue, also one that nobody ever paused."""
    QueueState.objects.bulk_create([QueueState(name=name) for name in registry.QUEUES], ignore_conflicts=True)
    return QueueState.objects.all()


def pause(queue: str, *, by: AbstractBaseUser | None = None) -> QueueState:
    """Start nothing more of this queue; what runs goes on."""
    return _set_paused(queue, by, is_paused=True)


def resume(queue: str, *, by: AbstractBaseUser | None = None) -> QueueState:
    """Go on with this queue: what is due starts at once."""
    state = _set_paused(queue, by, is_paused=False)
    wake_ups.post_on_commit(queue, Job.objects.due(queue).count())
    return state


def _set_paused(queue: str, by: AbstractBaseUser | None, *, is_paused: bool) -> QueueState:
    changes = {"is_paused": is_paused, "changed_at": clock.now(), "changed_by": by}
    return QueueState.objects.update_or_create(name=queue, defaults=changes)[0]
