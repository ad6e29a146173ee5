"""Which job is next, and taking it: at most one worker gets a job."""

import shutil
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count, F

from jobs import clock, conf, notices, owners, registry
from jobs.models import Job, JobQuerySet, QueueState

DISK_NOTICE = "jobs.disk_full"
_GB = 1_000_000_000


def is_paused(queue: str) -> bool:
    """Whether somebody paused this queue."""
    return QueueState.objects.filter(name=queue, is_paused=True).exists()


def free_bytes() -> int:
    """Free space where work writes, the least of all places."""
    return min(shutil.disk_usage(folder).free for folder in conf.written_folders())


def held_by_disk(queue: str) -> list[str]:
    """Name the kinds of this queue that must not start now, because they fill the disk; says so in a notice."""
    hungry = [kind.name for kind in registry.kinds() if kind.queue == queue and kind.needs_free_disk]
    if not hungry:
        return []
    free, floor = free_bytes(), conf.min_free_bytes()
    if free >= floor:
        notices.clear(DISK_NOTICE)
        return []
    notices.notify(
        DISK_NOTICE,
        f"Work that fills the disk waits: less than {floor / _GB:.1f} GB is free.",
        level="error",
        remedy="Free some space; the work then goes on by itself.",
    )
    return hungry


def held_by_limit(queue: str) -> list[str]:
    """Name the kinds of this queue of which, or of whose group, as many run as may run at once."""
    limited = [kind for kind in registry.kinds() if kind.queue == queue and kind.limit is not None]
    if not limited:
        return []
    groups = {kind.name: kind.group for kind in registry.kinds()}
    counted = Job.objects.leased().order_by().values("kind").annotate(n=Count("pk"))
    running: dict[str, int] = {}
    for row in counted:
        group = groups.get(row["kind"], row["kind"])
        running[group] = running.get(group, 0) + row["n"]
    return [kind.name for kind in limited if running.get(kind.group, 0) >= (kind.most_at_once or 0)]


def claimable(queue: str) -> JobQuerySet:
    """Rows that a worker of this queue could start now, best first."""
    if is_paused(queue):
        return Job.objects.none()
    due = Job.objects.due(queue)
    if not due.exists():
        return Job.objects.none()
    held = held_by_disk(queue) + held_by_limit(queue)
    return due.exclude(kind__in=held) if held else due


def claim(queue: str) -> Job | None:
    """Take the best due job of a queue, with a lease. None when there is none."""
    if not claimable(queue).exists():
        return None
    with transaction.atomic():
        # On databases with row locks this makes claims wait for each other, so that the limits hold;
        # on SQLite the transaction (IMMEDIATE) does.
        list(QueueState.objects.select_for_update().filter(name=queue))
        # A row that somebody is just cancelling is passed over, and not waited for.
        rows = claimable(queue).select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        job_id = rows.values_list("pk", flat=True).first()
        return _take(job_id) if job_id is not None else None


def claim_job(job: Job) -> Job | None:
    """Take this very job, if it is still queued."""
    with transaction.atomic():
        return _take(job.pk)


def _take(job_id: int) -> Job | None:
    now = clock.now()
    taken = Job.objects.queued().filter(pk=job_id)
    changed = taken.update(
        state=Job.State.RUNNING,
        lease_owner=owners.me(),
        lease_expires_at=now + timedelta(seconds=conf.timing().lease_s),
        attempts=F("attempts") + 1,
        started_at=now,
        updated_at=now,
        progress=0.0,
        message="",
    )
    return Job.objects.get(pk=job_id) if changed else None
