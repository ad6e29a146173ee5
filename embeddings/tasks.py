"""Both sides of the door to background embedding: ask for it, and do it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse
from django.utils import timezone

from bedrock.errors import BedrockError
from embeddings import conf, registry
from embeddings.errors import MediaEmbeddingError, SpaceError
from embeddings.indexing import media_embedding, spaces
from embeddings.indexing.costs import cost_of_texts
from embeddings.indexing.index import embed_file, index_file
from embeddings.models import TEXT, Chunk, Space, Viewing
from embeddings.providers import text_models
from embeddings.searching import calibration
from embeddings.stores.registry import store
from files.models import File
from files.selection.actions import start_action
from files.selection.resolving import resolve
from jobs import notices
from jobs.control import finish_parked
from jobs.errors import WorkError
from jobs.models import Batch, Job, Notice
from jobs.progress import Progress
from jobs.queue import enqueue
from jobs.work import Work

EMBED = "embed"
EMBED_MEDIA = "embed_seen"
NOTICE, TO_PAY = "embeddings-waiting", "embeddings-to-pay"
PAY_REMEDY = (
    "Until then they are found by their words. Choose “Make searchable” in the library, "
    "or run `.venv/bin/python manage.py embed`."
)
#: A few steps of an import settle at nearly the same time: one job after them does the work of three.
SETTLE = timedelta(seconds=2)
#: What was written while its file was being embedded is picked up this often, in portions of so many files.
SWEEP_SECONDS = 60.0
SWEEP_FILES = 500
logger = logging.getLogger(__name__)


def fetch_text_model(model: str, progress: Progress) -> str:
    """Fetch a sentence model by its name (empty: the one that `EMBEDDING_MODEL` names). Raises WorkError."""
    settings = conf.conf()
    wanted = model or settings.text_model
    text_models.fetch(wanted, settings.text_model_dir, source=settings.weights_source, progress=progress)
    if wanted == settings.text_model:
        return f"The sentence model “{wanted}” is here."
    return (
        f"The sentence model “{wanted}” is here. Make its space on the page Embedding spaces, build it and use it, "
        f"or name it in .env: EMBEDDING_MODEL={wanted}."
    )


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
    space = space_of(work.options) or spaces.active()
    if work.options.get("force"):
        report = index_file(file, space=space, force=True, progress=work.progress)
    else:
        report = embed_file(file, space=space, progress=work.progress)
    calibration.learn_if_due(space)
    return str(report)


def space_of(options: Mapping[str, Any]) -> Space | None:
    """The space that a job names; None for the one in use."""
    if "space_id" not in options:
        return None
    space = Space.objects.filter(pk=options["space_id"]).first()
    if space is None:
        raise SpaceError("The space of this job is gone.", remedy="Cancel the job.")
    return space


def request_build(space: Space, content: str, *, created_by: AbstractBaseUser | None = None) -> Batch:
    """Ask for what a space lacks of texts or of pictures, over the whole library. What it costs was said before.

    Raises SpaceError, ActionRefusedError with what stands in the way, SelectionError where the library is empty.
    """
    spaces.require_content(space, content)
    user: Any = created_by
    name = "embeddings" if content == TEXT else "see"
    return start_action(name, resolve(filter={}), {"space_id": space.pk}, user=user)


def request_media(file: File, *, space: Space | None = None, created_by: AbstractBaseUser | None = None) -> Job:
    """Ask for the media embedding of a video or picture. Paid: a person or a program asks, never an import."""
    if file.media_type not in media_embedding.WITH_PICTURES:
        raise MediaEmbeddingError(f"There is nothing to see in {file.name}.", remedy="Choose videos and pictures.")
    media_embedding.check_ready(space or spaces.active())
    return enqueue(EMBED_MEDIA, file.pk, options_of(space=space), created_by=created_by)


def run_media(work: Work) -> str:
    """One attempt at one file. A video parks its job while Bedrock works at it."""
    file = File.objects.filter(pk=work.subject).first()
    if file is None:
        return "The file is not in the library any more."
    viewings = media_embedding.embed_media(
        file, space=space_of(work.options) or spaces.active(), progress=work.progress
    )
    if any(viewing.state == Viewing.State.SENT for viewing in viewings):
        return work.park("Bedrock is looking at it.")
    return _said(viewings)


def collect_media() -> int:
    """Take in what Bedrock has done, end the jobs that wait for it, and clear what was staged. Returns how many ended.

    In this order, so that a crash between two steps is made good by the next run.
    """
    ended = media_embedding.collect()
    for viewing in media_embedding.over_and_staged():
        parts = list(media_embedding.siblings(viewing))
        if not any(part.state == Viewing.State.SENT for part in parts):  # Bedrock works at no other part of it
            reasons = [part.error for part in parts if part.error]
            remedy = "Ask for it again: what is done is not paid again."
            error = MediaEmbeddingError(reasons[0], remedy=remedy) if reasons else None
            for file in media_embedding.files_of(viewing):
                finish_parked(EMBED_MEDIA, file.pk, error=error, message="" if reasons else _said(parts))
        try:
            media_embedding.clear_staged(viewing)
        except BedrockError as problem:
            logger.warning("What was staged for %s stays for now: %s", viewing, problem)
    return ended


def poll() -> None:
    """What the tick does."""
    collect_media()


def _said(viewings: Sequence[Viewing]) -> str:
    count = sum(len(viewing.spans) for viewing in viewings)
    problems = [problem for viewing in viewings for problem in viewing.problems]
    said = f"{count} piece{'' if count == 1 else 's'} embedded"
    return f"{said}, {len(problems)} not. {problems[0]}" if problems else said


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
    missing = f"Semantic search is off: {store().problem()}." if store().problem() else provider.problem()
    return _told(missing)


def sweep() -> None:
    """Ask for what lacks vectors in the free space in use, a portion at a time; of a paid one, say what waits."""
    if not Chunk.objects.exists():
        return
    say_what_waits()
    if not conf.conf().is_step_on or why_not_by_itself():
        return
    space = spaces.active()
    if spaces.waiting_count(space) <= 0:
        calibration.learn_if_due(space)
        return
    waiting = Chunk.objects.awaiting(space).order_by("file_id").values_list("file_id", flat=True).distinct()
    failed = Job.objects.failed().filter(kind=EMBED).values("subject_id")
    for file in File.objects.filter(pk__in=waiting).exclude(pk__in=failed)[:SWEEP_FILES]:
        request_embed(file)


def say_what_waits() -> None:
    """One notice while texts of a paid space wait for a person: how many, and what they cost at most."""
    try:
        space = spaces.active()
        is_paid = registry.provider_for(space.key).is_paid
    except WorkError:
        return  # told by `why_not_by_itself`
    count = spaces.waiting_count(space) if is_paid else 0
    if count <= 0:
        notices.clear(TO_PAY)
        return
    said = f"{count:,} text{'' if count == 1 else 's'} to embed"
    if Notice.objects.filter(key=TO_PAY, text__startswith=f"{said}, ").exists():
        return  # the price of so many was worked out before, which takes seconds in a large library
    cost = cost_of_texts(space, Chunk.objects.awaiting(space))
    price = cost.warnings[0] if cost.warnings else f"up to ${cost.usd_high:.4f}."
    notices.notify(TO_PAY, f"{said}, {price}", level="info", remedy=PAY_REMEDY, url=reverse("library"))


def _told(reason: str) -> str:
    if reason:
        notices.notify(NOTICE, f"New text is found by its words only. {reason}", remedy="")
    else:
        notices.clear(NOTICE)
    return reason
