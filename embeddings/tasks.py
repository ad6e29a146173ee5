"""Both sides of the door to background embedding: ask for it, and do it."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from embeddings import conf, registry, spaces, vec
from embeddings.errors import SpaceError
from embeddings.index import index_file
from embeddings.models import Chunk, Embedding, Space
from files.models import File
from jobs import notices
from jobs.errors import WorkError
from jobs.models import Job
from jobs.queue import enqueue
from jobs.work import Work

EMBED = "embed"
NOTICE = "embeddings-waiting"
#: A few steps of an import settle at nearly the same time: one job after them does the work of three.
SETTLE = timedelta(seconds=2)
#: What was written while its file was being embedded is picked up this often, in portions of so many files.
SWEEP_SECONDS = 60.0
SWEEP_FILES = 500


def request_embed(
    file: File,
    *,
    force: bool = False,
    space: Space | None = None,
    created_by: AbstractBaseUser | None = None,
    run_after_settling: bool = False,
) -> Job:
    """Ask for a file's vectors. Joins a job that is asked for already."""
    run_after = timezone.now() + SETTLE if run_after_settling else None
    return enqueue(EMBED, file.pk, options_of(force=force, space=space), created_by=created_by, run_after=run_after)


def options_of(*, force: bool = False, space: Space | None = None) -> dict[str, Any]:
    """What a job's options are: as short as can be, so that equal requests are equal."""
    options: dict[str, Any] = {"force": True} if force else {}
    return options | ({"space_id": space.pk} if space is not None else {})


def run_embed(work: Work) -> str:
    """One attempt at one file."""
    file = File.objects.filter(pk=work.subject).first()
    if file is None:
        return "The file is not in the library any more."
    space = None
    if "space_id" in work.options:
        space = Space.objects.filter(pk=work.options["space_id"]).first()
        if space is None:
            raise SpaceError("The space of this job is gone.", remedy="Cancel the job.")
    report = index_file(file, space=space, force=bool(work.options.get("force")), progress=work.progress)
    return str(report)


def request_if_free(file: File) -> Job | None:
    """What an import goes on to do by itself: only with a free model that is there. One notice where it cannot."""
    if not conf.conf().is_step_on or why_not_by_itself():
        return None
    return request_embed(file, run_after_settling=True)


def why_not_by_itself() -> str:
    """Why new text gets no vectors by itself now; empty when it does. Keeps the one notice about it in line."""
    try:
        space = spaces.active()
        provider = registry.provider_for(space.key)
    except WorkError as error:
        return _told(f"{error} {error.remedy}")
    if provider.is_paid:
        notices.clear(NOTICE)  # not a fault: paid embedding waits for a person, the library says how much waits
        return "Embedding in this space costs money and waits for a person."
    missing = f"Semantic search is off: {vec.problem()}." if vec.problem() else provider.problem()
    return _told(missing)


def sweep() -> None:
    """Ask for what lacks vectors in the free space in use, a portion at a time."""
    if not conf.conf().is_step_on or not Chunk.objects.exists() or why_not_by_itself():
        return
    space = spaces.active()
    done = Embedding.objects.filter(space=space).count()
    if done >= Chunk.objects.count():
        return
    waiting = Chunk.objects.awaiting(space).order_by("file_id").values_list("file_id", flat=True).distinct()
    failed = Job.objects.failed().filter(kind=EMBED).values("subject_id")
    for file in File.objects.filter(pk__in=waiting).exclude(pk__in=failed)[:SWEEP_FILES]:
        request_embed(file)


def _told(reason: str) -> str:
    if reason:
        notices.notify(NOTICE, f"New text is found by its words only. {reason}", remedy="")
    else:
        notices.clear(NOTICE)
    return reason
