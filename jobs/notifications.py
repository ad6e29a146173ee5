"""Telling whoever waits for a job that it ended, through the signal `job_ended`.

What follows the end of one job takes some 30 ms where it begins the next step of a file. So of many that are cancelled
together, those whose kind allows it are told of by a job of their own, `tell_cancelled`.
"""

from collections.abc import Sequence

from jobs import registry
from jobs.bulk import in_pieces, sliced
from jobs.models import Job
from jobs.queue import enqueue
from jobs.signals import announce_end
from jobs.work import Work

TELL_CANCELLED = "tell_cancelled"
#: More jobs than these, of kinds that allow it, are told of in the background.
MOST_AT_ONCE = 50


def announce_ends(jobs: Sequence[Job]) -> None:
    """Announce the end of each of these jobs after commit: of few at once, of many in the background."""
    kinds = {name: registry.find(name) for name in {job.kind for job in jobs}}
    later = {job.pk for job in jobs if (kind := kinds[job.kind]) is not None and kind.is_told_later}
    if len(later) <= MOST_AT_ONCE:
        later = set()
    for job in jobs:
        if job.pk not in later:
            announce_end(job)
    for ids in sliced(sorted(later)):
        enqueue(TELL_CANCELLED, options={"jobs": ids})


def run_tell_cancelled(work: Work) -> str:
    """The body of `tell_cancelled`. Safe to run again: what follows joins what is asked for already."""
    ids = work.options["jobs"]
    cancelled = Job.objects.filter(pk__in=ids, state=Job.State.CANCELLED).order_by("pk")  # not what was tried again
    for done, job in enumerate(in_pieces(cancelled)):
        work.progress.update(done / len(ids))
        announce_end(job)
    return "What comes after the cancelled jobs goes on."
