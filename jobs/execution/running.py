"""Doing a claimed job and writing down how it ended."""

import logging

from django.db import OperationalError

from jobs import conf, control, registry
from jobs.errors import Cancelled, Interrupted, LeaseLost, WorkError
from jobs.execution import claims
from jobs.execution.heartbeat import JobProgress, kept_alive
from jobs.models import Job
from jobs.signals import announce_end
from jobs.tracing import within_job
from jobs.work import Parked, Work

logger = logging.getLogger(__name__)


def perform(job: Job) -> None:
    """Do a job that this process holds, and write down how it ended. Raises only what ends the process."""
    with within_job(job.pk):
        try:
            with kept_alive(job):
                message = _run(job)
        except LeaseLost:
            logger.warning("Job %s (%s) is no longer ours; stopped", job.pk, job.kind)
        except Cancelled:
            if job.end_cancelled():
                announce_end(job)
        except (Interrupted, KeyboardInterrupt):  # the latter in a command
            give_back(job)
            raise
        except Exception as exc:  # noqa: BLE001  (the worker's loop: whatever a job does, the next one must run)
            error, remedy, is_retryable = _explain(job, exc)
            _fail(job, error, remedy, is_retryable=is_retryable)
        else:
            _finish(job, message)


def give_back(job: Job) -> None:
    """Queue an interrupted job again, unless somebody had asked for its end anyway."""
    if not _end_if_cancelled(job):
        job.give_back()


def _end_if_cancelled(job: Job) -> bool:
    """A job that is to be cancelled is not queued again."""
    if not Job.objects.filter(pk=job.pk, cancel_requested_at__isnull=False).exists():
        return False
    if job.end_cancelled():
        announce_end(job)
    return True


def _finish(job: Job, message: str | None) -> None:
    if not isinstance(message, Parked):
        if job.succeed(message or ""):
            announce_end(job)
    elif job.park(message):
        job.refresh_from_db()
        if job.is_cancelling:  # asked for while it was being parked
            control.cancel(job)


def _explain(job: Job, exc: Exception) -> tuple[str, str, bool]:
    """The error and its remedy in plain words, and whether trying again may help."""
    if isinstance(exc, WorkError):
        return str(exc), exc.remedy, exc.retryable
    if isinstance(exc, OperationalError):
        logger.warning("Job %s (%s): the database said: %s", job.pk, job.kind, exc)
        return f"The database said: {exc}", "It is tried again by itself.", True
    logger.error("Job %s (%s) failed", job.pk, job.kind, exc_info=exc)
    error = f"Unexpected error ({type(exc).__name__}): {exc}"
    return error, "The log has the details. Please report it, or retry.", False


def _run(job: Job) -> str | None:
    kind = registry.get(job.kind)
    work = Work(
        job_id=job.pk,
        attempt=job.attempts,
        subject_id=job.subject_id,
        options=job.options,
        progress=JobProgress(job),
    )
    return kind.run(work)


def back_off_s(failures: int) -> float:
    """Seconds until a job is tried again that failed so often before: JOB_BACK_OFF_SECONDS, doubled each time, but at
    most an hour.
    """
    timing = conf.timing()
    return float(min(timing.back_off_max_s, timing.back_off_s * 2**failures))


def _fail(job: Job, error: str, remedy: str, *, is_retryable: bool) -> None:
    kind = registry.find(job.kind)
    if _end_if_cancelled(job):
        return
    if kind is not None and is_retryable and job.failures + 1 < kind.max_attempts:
        job.back_off(error, remedy, pause_s=back_off_s(job.failures))
    elif job.fail(error, remedy):
        announce_end(job)


def run_now(job: Job) -> Job:
    """Do one job in this process, for commands that wait. A job that somebody else does is left alone."""
    claimed = claims.claim_job(job)
    if claimed is None:
        job.refresh_from_db()
        return job
    perform(claimed)
    claimed.refresh_from_db()
    return claimed


def run_until_idle() -> int:
    """Do due jobs in this process until none is due; returns how many were done."""
    done = 0
    # One at a time: nobody would keep the lease of a second one.
    while job := next(filter(None, map(claims.claim, registry.QUEUES)), None):
        perform(job)
        done += 1
    return done
