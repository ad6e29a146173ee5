"""The door to background work: ask for it, cancel it, try it again.

One active job per same (kind, subject, options): a second request joins the first.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs import control, registry, wake_ups
from jobs.bulk import ROWS_PER_STATEMENT, insert_alike
from jobs.control import (
    cancel,
    cancel_for_subject,
    finish_parked,
    pause,
    queue_states,
    report_all_parked,
    report_parked,
    resume,
    retry,
    retry_all,
    retry_failed,
    unpark,
)
from jobs.execution.running import run_now, run_until_idle
from jobs.models import Batch, Job, fingerprint_of
from jobs.notifications import TELL
from jobs.signals import announce_end

__all__ = [
    "cancel",
    "cancel_batch",
    "cancel_for_subject",
    "create_batch",
    "enqueue",
    "enqueue_many",
    "finish_parked",
    "pause",
    "queue_states",
    "report_all_parked",
    "report_parked",
    "resume",
    "retry",
    "retry_all",
    "retry_failed",
    "run_now",
    "run_until_idle",
    "unpark",
]
#: One takes some 30 ms where the next step of its file is begun by it.
TOLD_AT_ONCE = 50


def enqueue(  # noqa: PLR0913  (a request has these parts)
    kind: str,
    subject_id: int | None = None,
    options: dict[str, Any] | None = None,
    *,
    priority: int = 0,
    batch: Batch | None = None,
    created_by: AbstractBaseUser | None = None,
    run_after: datetime | None = None,
) -> Job:
    """Ask for work. Joins an active job of the same request; workers are woken on commit."""
    wanted = _new(registry.get(kind), subject_id, options or {}, priority=priority, created_by=created_by)
    if run_after is not None:
        wanted.run_after = run_after
    job = _join_or_create(wanted)
    if batch is not None:
        batch.jobs.add(job)
    if job is wanted and job.run_after <= timezone.now():
        wake_ups.post_on_commit(job.queue)
    return job


def _join_or_create(wanted: Job) -> Job:
    while True:
        same = Job.objects.joinable().filter(fingerprint=wanted.fingerprint).first()
        if same is not None:
            if same.priority < wanted.priority:
                Job.objects.queued().filter(pk=same.pk).update(priority=wanted.priority)
            return same
        try:
            with transaction.atomic():
                wanted.save(force_insert=True)
        except IntegrityError:  # somebody else was quicker: join theirs, unless it is over by now
            if not Job.objects.joinable().filter(fingerprint=wanted.fingerprint).exists():
                raise
            continue
        return wanted


def _new(
    kind: registry.Kind,
    subject_id: int | None,
    options: dict[str, Any],
    *,
    priority: int,
    created_by: AbstractBaseUser | None,
) -> Job:
    return Job(
        kind=kind.name,
        subject_kind=kind.subject_kind,
        subject_id=subject_id,
        options=options,
        fingerprint=fingerprint_of(kind.name, subject_id, options),
        queue=kind.queue,
        priority=priority,
        created_by_id=created_by.pk if created_by is not None else None,
    )


def enqueue_many(
    kind: str,
    subject_ids: Iterable[int],
    options: dict[str, Any] | None = None,
    *,
    batch: Batch,
    priority: int = 0,
    created_by: AbstractBaseUser | None = None,
) -> int:
    """Ask for the same work on many subjects, as one batch. Returns how many jobs that is, joined ones included."""
    asked = 0
    found_kind = registry.get(kind)
    through = Batch.jobs.through
    with transaction.atomic():
        for ids in _chunks(dict.fromkeys(subject_ids)):
            prints = {pk: fingerprint_of(kind, pk, options or {}) for pk in ids}
            like = _new(found_kind, None, options or {}, priority=priority, created_by=created_by)
            insert_alike(like, ["subject_id", "fingerprint"], prints.items())
            jobs = Job.objects.joinable().filter(fingerprint__in=prints.values())
            # Ordered so that SQLite looks them up by fingerprint: a database without statistics would read all jobs.
            links = list(jobs.order_by("fingerprint").values_list("pk"))
            insert_alike(through(batch_id=batch.pk), ["job_id"], links)
            asked += len(links)
        wake_ups.post_on_commit(found_kind.queue, asked)
    return asked


def cancel_batch(batch: Batch) -> int:
    """Cancel what is left of a batch, but for jobs that another live batch waits for too; returns how many."""
    return control.cancel_batch(batch, _tell)


def _tell(ended: Sequence[Job]) -> None:
    """Few at once; of many, those whose kind allows it in the background."""
    kinds = {job.kind: registry.find(job.kind) for job in ended}
    later = [job.pk for job in ended if (kind := kinds[job.kind]) is not None and kind.is_told_later]
    if len(later) <= TOLD_AT_ONCE:
        later = []
    in_background = set(later)
    for job in ended:
        if job.pk not in in_background:
            announce_end(job)
    for ids in _chunks(later):
        enqueue(TELL, options={"jobs": ids})


def _chunks(items: Iterable[int]) -> Iterator[list[int]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, ROWS_PER_STATEMENT)):
        yield chunk


def create_batch(
    label: str, action: str, *, created_by: AbstractBaseUser | None = None, options: dict[str, Any] | None = None
) -> Batch:
    created_by_id = created_by.pk if created_by is not None else None
    return Batch.objects.create(label=label[:255], action=action, created_by_id=created_by_id, options=options or {})
