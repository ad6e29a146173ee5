"""News about jobs, sent after commit."""

from django.db import transaction
from django.dispatch import Signal

from jobs.models import Job

#: A job came to an end: succeeded, failed for good, or cancelled. Arguments: `job`. Lets a chain of steps settle.
job_ended = Signal()


def announce_end(job: Job) -> None:
    """Tell whoever waits for this job, after commit."""
    transaction.on_commit(lambda: job_ended.send(sender=Job, job=job), robust=True)
