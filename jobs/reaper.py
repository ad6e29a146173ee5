"""Taking jobs back from workers that are gone."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs import conf, owners
from jobs.models import Job
from jobs.running import give_back
from jobs.signals import announce_end

logger = logging.getLogger(__name__)

#: A job that has killed its worker so often is not started again by itself (out of memory, a file that crashes a
#: library). More than a handful of kills by hand is not expected.
MAX_CRASHES = 5


def take_back() -> int:
    """Queue the jobs of dead workers again: at once if they were of this machine, else when their lease is over."""
    return sum(_take_back(job) for job in Job.objects.leased() if _is_lost(job))


def _is_lost(job: Job) -> bool:
    if owners.is_dead_here(job.lease_owner):
        return True
    # A worker of this machine that lives may just have slept with it: it gets the time of one more lease.
    patience_s = conf.timing().lease_s if owners.pid_here(job.lease_owner) is not None else 0
    return job.lease_expires_at is None or job.lease_expires_at + timedelta(seconds=patience_s) < timezone.now()


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
