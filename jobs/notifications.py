"""Telling of many cancelled jobs in the background: what follows each of them takes a while."""

from jobs.bulk import in_pieces
from jobs.models import Job
from jobs.registry import FAST, Kind, register
from jobs.signals import announce_end
from jobs.work import Work

TELL = "tell_cancelled"


def run_telling(work: Work) -> str:
    """The body of `tell_cancelled`. Safe to run again: what follows joins what is asked for already."""
    ids = work.options["jobs"]
    cancelled = Job.objects.filter(pk__in=ids, state=Job.State.CANCELLED).order_by("pk")  # not what was tried again
    for done, job in enumerate(in_pieces(cancelled)):
        work.progress.update(done / len(ids))
        announce_end(job)
    return "What comes after the cancelled jobs goes on."


def register_telling() -> None:
    """Make the kind known. Called in `AppConfig.ready()`."""
    register(Kind(name=TELL, label="Go on after a cancel", queue=FAST, run=run_telling, permission="jobs.change_job"))
