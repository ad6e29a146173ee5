"""Taking jobs back from workers that are gone."""

import logging
import time

from django.db import transaction
from django.utils import timezone

from jobs import conf
from jobs.execution import owners
from jobs.execution.running import give_back
from jobs.models import Job
from jobs.signals import announce_end

logger = logging.getLogger(__name__)

#: A job that has killed its worker so often is not started again by itself (out of memory, a file that crashes a
#: library). More than a handful of kills by hand is not expected.
MAX_CRASHES = 5
#: When the lease of a living worker of this machine was first seen to be over, by job and attempt.
_overdue: dict[tuple[int, int], float] = {}


def take_back() -> int:
    """Queue the jobs of dead workers again: at once if they were of this machine, else when their lease is over."""
    leased = list(Job.objects.leased())
    for ended in _overdue.keys() - {(job.pk, job.attempts) for job in leased}:
        del _overdue[ended]
    return sum(_take_back(job) for job in leased if _is_lost(job))


def _is_lost(job: Job) -> bool:
    if owners.is_dead_here(job.lease_owner):
        return True
    this = (job.pk, job.attempts)
    if job.lease_expires_at is not None and job.lease_expires_at >= timezone.now():
        _overdue.pop(this, None)
        return False
    if owners.pid_here(job.lease_owner) is None:
        return True
    # It lives: the machine has just slept, or its clock was put right. It gets the time of one more lease, by a clock
    # that stands still meanwhile.
    since = _overdue.setdefault(this, time.monotonic())
    return time.monotonic() - since > conf.timing().lease_s


def _take_back(job: Job) -> bool:
    with transaction.atomic():
        row = Job.objects.leased().select_for_update().filter(pk=job.pk, attempts=job.attempts).first()
        if row is None or not _is_lost(row):
            return False
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
    return True


def give_back_of_dead() -> int:
    """After an orderly end: queue what dead workers of this machine held, not counted as crashes."""
    dead = [job for job in Job.objects.leased() if owners.is_dead_here(job.lease_owner)]
    for job in dead:
        give_back(job)
    return len(dead)
