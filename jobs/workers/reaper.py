"""Taking jobs back from workers that are gone."""

import logging
import time

from django.db import transaction

from jobs import clock, conf, owners
from jobs.execution.running import give_back
from jobs.models import Job
from jobs.signals import announce_end

logger = logging.getLogger(__name__)

#: A job that has killed its worker so often is not started again by itself (out of memory, a file that crashes a
#: library). More than a handful of kills by hand is not expected.
MAX_CRASHES = 5
#: When the lease of a living worker of this machine was first seen to be over, by job and attempt.
_overdue: dict[tuple[int, int], float] = {}


def take_back(*, uptime_s: float | None = None) -> int:
    """Queue the jobs of dead workers again: at once if they were of this machine, else when their lease is over.

    Returns how many. `uptime_s` is read from a clock that stands still while the machine sleeps, by default the
    monotonic one.
    """
    now_s = time.monotonic() if uptime_s is None else uptime_s
    leased = list(Job.objects.leased())
    for ended in _overdue.keys() - {(job.pk, job.attempts) for job in leased}:
        del _overdue[ended]
    taken = 0
    for job in leased:
        if not _is_lost(job, now_s):
            continue
        with transaction.atomic():
            row = Job.objects.leased().select_for_update().filter(pk=job.pk, attempts=job.attempts).first()
            if row is None or not _is_lost(row, now_s):
                continue
            logger.warning("The worker of job %s (%s) is gone: %s", row.pk, row.kind, row.lease_owner)
            if row.is_cancelling:
                row.end_cancelled()
                announce_end(row)
            elif row.crashes + 1 >= MAX_CRASHES:
                row.fail(
                    f"The worker died {MAX_CRASHES} times while it did this.",
                    "Is there enough memory? The log may say more. Retry starts it again.",
                )
                announce_end(row)
            else:
                row.crash("Its worker died; it starts again.")
        taken += 1
    return taken


def _is_lost(job: Job, now_s: float) -> bool:
    if owners.is_dead_here(job.lease_owner):
        return True
    attempt = (job.pk, job.attempts)
    if job.lease_expires_at is not None and job.lease_expires_at >= clock.now():
        _overdue.pop(attempt, None)
        return False
    if owners.pid_here(job.lease_owner) is None:
        return True
    # It lives: the machine has just slept, or its clock was put right. It gets the time of one more lease, by a clock
    # that stands still meanwhile.
    since_s = _overdue.setdefault(attempt, now_s)
    return now_s - since_s > conf.timing().lease_s


def give_back_of_dead() -> int:
    """After an orderly end: queue what dead workers of this machine held, not counted as crashes."""
    dead = [job for job in Job.objects.leased() if owners.is_dead_here(job.lease_owner)]
    for job in dead:
        give_back(job)
    return len(dead)
