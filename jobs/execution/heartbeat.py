"""Keeping a lease while the work runs, and the progress handle that the work is given."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from jobs import clock, conf
from jobs.errors import Cancelled, LeaseLost
from jobs.models import Job

logger = logging.getLogger(__name__)

#: Progress is written, and a cancel noticed, about so often.
WRITE_EVERY_S = 1.0


def _lease_end() -> datetime:
    return clock.now() + timedelta(seconds=conf.timing().lease_s)


class JobProgress:
    """The progress handle of one attempt: it writes about once a second and renews the lease by that."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._fraction = 0.0
        self._message = ""
        self._written_at = 0.0

    def update(self, fraction: float, message: str = "") -> None:
        self._fraction = min(1.0, max(0.0, fraction))
        self._message = message or self._message
        self.check()

    def check(self) -> None:
        now = time.monotonic()
        if now - self._written_at < WRITE_EVERY_S:
            return
        self._written_at = now
        try:
            is_ours = self._job.renew(_lease_end(), progress=self._fraction, message=self._message)
        except DatabaseError:
            if connection.in_atomic_block:
                raise
            # Hours of work are not given up for a database that was busy for a while.
            logger.warning("Could not write the progress of job %s; trying again", self._job.pk, exc_info=True)
            return
        if not is_ours:
            self._stop()

    def _stop(self) -> None:
        """Say why the lease could not be renewed. It is looked at again each second until the work listens."""
        row = Job.objects.filter(pk=self._job.pk).first()
        if row is None or row.attempts != self._job.attempts or row.lease_owner != self._job.lease_owner:
            raise LeaseLost("Somebody else does this job, or ended it.")
        raise Cancelled("Cancelled on request.")


@contextmanager
def kept_alive(job: Job) -> Iterator[None]:
    """Renew the lease from a thread, so that a step without progress does not look like a dead worker."""
    if connection.in_atomic_block:  # nobody else sees the row before the end of the transaction
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(job, done), name=f"lease-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(job: Job, done: threading.Event) -> None:
    try:
        while not done.wait(conf.timing().heartbeat_s):
            try:
                Job.objects.leased().filter(pk=job.pk, lease_owner=job.lease_owner, attempts=job.attempts).update(
                    lease_expires_at=_lease_end()
                )
            except DatabaseError:
                logger.warning("Could not renew the lease of job %s; trying again", job.pk, exc_info=True)
    finally:
        connection.close()
