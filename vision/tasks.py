"""Both sides of the door to background work on what is seen."""

from typing import TYPE_CHECKING

from files.models import File
from jobs.queue import enqueue
from jobs.work import Work
from vision.duplicates.finding import find_duplicates
from vision.errors import ReaderMissingError
from vision.frames.choosing import choose_frames, source_of
from vision.reading import engine
from vision.reading.read import read_file

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Job

CHOOSE_FRAMES, READ, FIND_DUPLICATES = "frames", "read", "find_duplicates"


def request_frames(file: File, *, force: bool = False, created_by: "AbstractBaseUser | None" = None) -> "Job":
    """Ask for the frames of a file. Raises NothingToSeeError."""
    source_of(file)
    return enqueue(CHOOSE_FRAMES, file.pk, {"force": True} if force else {}, created_by=created_by)


def run_choose_frames(work: Work) -> str:
    """The body of `frames`."""
    file = File.objects.filter(pk=work.subject).first()
    if file is None:
        return "The file is no longer in the library."
    force = bool(work.options.get("force"))
    chosen = choose_frames(file, force=force, progress=work.progress, token=f"{work.job_id}-{work.attempt}")
    if not chosen.frame_count:
        return "No usable frame: every one is black or a single colour."
    return f"{chosen.frame_count:,} frame{'' if chosen.frame_count == 1 else 's'} chosen"


def request_read(file: File, *, created_by: "AbstractBaseUser | None" = None) -> "Job":
    """Ask for the text on screen of a file. Raises NothingToSeeError, ReaderMissingError."""
    if engine.problem():
        raise ReaderMissingError(engine.problem(), remedy=engine.REMEDY)
    source_of(file)
    return enqueue(READ, file.pk, created_by=created_by)


def run_read(work: Work) -> str:
    """The body of `read`."""
    file = File.objects.filter(pk=work.subject).first()
    if file is None:
        return "The file is no longer in the library."
    token, force = f"{work.job_id}-{work.attempt}", bool(work.options.get("force"))
    done = read_file(file, force=force, progress=work.progress, token=token)
    return f"{done.line_count:,} line{'' if done.line_count == 1 else 's'} in {done.frame_count:,} frames"


def request_duplicates(*, created_by: "AbstractBaseUser | None" = None) -> "Job":
    """Ask for the groups of files that show the same."""
    return enqueue(FIND_DUPLICATES, created_by=created_by)


def run_find_duplicates(work: Work) -> str:
    """The body of `find_duplicates`."""
    count = find_duplicates(progress=work.progress)
    return f"{count:,} group{'' if count == 1 else 's'} of files that show the same"
