"""What a wake-up does: claim and work the best due jobs of a queue."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from jobs import wake_ups
from jobs.errors import Interrupted
from jobs.execution import claims
from jobs.execution.running import perform
from jobs.models import Cluster, Job
from jobs.tracing import within_job

logger = logging.getLogger(__name__)

#: After so long a wake-up hands over to a new one, so that q2 sees its messages end and may recycle the worker.
HAND_OVER_S = 30.0
#: Names the cluster of a worker, so that it notices when it is being replaced.
CLUSTER_ENV = "NOVAPROJECT_CLUSTER"


def wake(queue: str) -> int:
    """Work until nothing is due; returns how many jobs were done."""
    done = 0
    until = time.monotonic() + HAND_OVER_S
    with _interrupted_by_sigterm():
        while not _is_retired() and (job := claims.claim(queue)) is not None:
            began = time.monotonic()
            perform(job)
            _tell(job, time.monotonic() - began)
            done += 1
            if time.monotonic() > until:
                wake_ups.post(queue)
                break
    return done


def _tell(job: Job, took_s: float) -> None:
    """One line of the log says how a job went."""
    row = Job.objects.filter(pk=job.pk).values("state", "message", "error", "remedy").first()
    if row is None:
        return
    words = f"{row['error']} {row['remedy']}".strip() or row["message"]
    what = f"{job.kind} of {job.subject_kind} {job.subject_id}" if job.subject_id else job.kind
    with within_job(job.pk):
        level = logging.WARNING if row["error"] else logging.INFO
        logger.log(level, "%s: %s after %.1f s. %s", what, row["state"], took_s, words)


def _is_retired() -> bool:
    cluster_id = os.environ.get(CLUSTER_ENV)
    if not cluster_id:
        return False
    return not Cluster.objects.filter(pk=cluster_id, retired_at__isnull=True).exists()


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the work with its clean-up, and the job be given back. Nothing in a thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: a second one would interrupt the clean-up
        raise Interrupted

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except Interrupted:
        if not _is_retired():  # somebody ended this process alone, not the whole cluster
            raise SystemExit(0) from None
    finally:
        signal.signal(signal.SIGTERM, before)
