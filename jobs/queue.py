"""Asking for background work. One active job per same (kind, subject, options): a second request joins the first."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Max

from jobs import clock, registry, wake_ups
from jobs.bulk import insert_alike, sliced
from jobs.models import Batch, Job, fingerprint_of


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
    """Ask for one piece of work. Joins an active job of the same request; workers are woken on commit."""
    request = _new_job(registry.get(kind), subject_id, options or {}, priority=priority, created_by=created_by)
    if run_after is not None:
        request.run_after = run_after
    job = None
    while job is None:
        job = Job.objects.joinable().filter(fingerprint=request.fingerprint).first()
        if job is not None:
            Job.objects.queued().filter(pk=job.pk, priority__lt=priority).update(priority=priority)
            break
        try:
            with transaction.atomic():
                request.save(force_insert=True)
            job = request
        except IntegrityError:  # somebody else was quicker: join theirs, unless it is over by now
            if not Job.objects.joinable().filter(fingerprint=request.fingerprint).exists():
                raise
    if batch is not None:
        batch.jobs.add(job)
    if job is request and job.run_after <= clock.now():
        wake_ups.post_on_commit(job.queue)
    return job


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
    count = 0
    job_kind = registry.get(kind)
    batch_jobs = Batch.jobs.through
    with transaction.atomic():
        for ids in sliced(list(dict.fromkeys(subject_ids))):
            fingerprints = {pk: fingerprint_of(kind, pk, options or {}) for pk in ids}
            template = _new_job(job_kind, None, options or {}, priority=priority, created_by=created_by)
            insert_alike(template, ["subject_id", "fingerprint"], fingerprints.items())
            jobs = Job.objects.joinable().filter(fingerprint__in=fingerprints.values())
            # Ordered so that SQLite looks them up by fingerprint: a database without statistics would read all jobs.
            job_ids = list(jobs.order_by("fingerprint").values_list("pk"))
            insert_alike(batch_jobs(batch_id=batch.pk), ["job_id"], job_ids)
            count += len(job_ids)
        wake_ups.post_on_commit(job_kind.queue, count)
    return count


def record_done(
    kind: str,
    subject_ids: Iterable[int],
    options: dict[str, Any] | None = None,
    *,
    batch: Batch,
    message: str,
    created_by: AbstractBaseUser | None = None,
) -> int:
    """Tell as a batch what was done to many subjects at once, in the transaction that did it. Returns how many."""
    batch_jobs = Batch.jobs.through
    template = _new_job(registry.get(kind), None, options or {}, priority=0, created_by=created_by)
    template.state, template.progress, template.message = Job.State.SUCCEEDED, 1.0, message
    template.started_at = template.finished_at = template.created_at
    ids = list(dict.fromkeys(subject_ids))
    with transaction.atomic():
        before = Job.objects.aggregate(last=Max("pk"))["last"] or 0
        for some in sliced(ids):
            rows = [(pk, fingerprint_of(kind, pk, options or {})) for pk in some]
            insert_alike(template, ["subject_id", "fingerprint"], rows)
        made = list(Job.objects.filter(pk__gt=before).order_by("pk").values_list("pk"))
        insert_alike(batch_jobs(batch_id=batch.pk), ["job_id"], made)
    return len(ids)


def _new_job(
    kind: registry.Kind,
    subject_id: int | None,
    options: dict[str, Any],
    *,
    priority: int,
    created_by: AbstractBaseUser | None,
) -> Job:
    now = clock.now()
    return Job(
        created_at=now,
        run_after=now,
        kind=kind.name,
        subject_kind=kind.subject_kind,
        subject_id=subject_id,
        options=options,
        fingerprint=fingerprint_of(kind.name, subject_id, options),
        queue=kind.queue,
        priority=priority,
        created_by_id=created_by.pk if created_by is not None else None,
    )


def create_batch(
    label: str, action: str, *, created_by: AbstractBaseUser | None = None, options: dict[str, Any] | None = None
) -> Batch:
    """Make an empty batch, whose jobs `enqueue` and `enqueue_many` add. `label` is cut to 255 characters."""
    created_by_id = created_by.pk if created_by is not None else None
    return Batch.objects.create(label=label[:255], action=action, created_by_id=created_by_id, options=options or {})
