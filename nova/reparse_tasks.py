"""Both sides of the door to reading kept replies again in the background."""

from typing import TYPE_CHECKING, Any

from jobs.queue import enqueue
from jobs.work import Work
from nova.kinds import REPARSE
from nova.questions.reparsing import ReparseRequest, reparse

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Job


def request_reparsing(options: dict[str, Any], *, created_by: "AbstractBaseUser | None" = None) -> "Job":
    """Ask for kept replies to be read again; options are those of `ReparseRequest`. Costs nothing."""
    return enqueue(REPARSE, options=options, created_by=created_by)


def run_reparse(work: Work) -> str:
    """The body of `reparse`."""
    request = ReparseRequest(**work.options)
    total, done = max(1, request.analyses().count()), 0

    def heard(reading: object) -> None:
        nonlocal done
        done += 1
        work.progress.update(min(1.0, done / total), f"Read again: {done:,} of {total:,}")

    return reparse(request, on_reading=heard).in_words()
