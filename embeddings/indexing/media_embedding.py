"""Media embedding: Nova's vectors of pictures, and of videos piece by piece, so that words find what nobody said.

A video is staged in S3 and embedded by Bedrock elsewhere and later; `collect` takes in what is done. Every step is
written down before it is taken, so that after a crash the same call is found again (by its token) and never paid twice.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from math import ceil
from pathlib import Path

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from bedrock import catalogue, embed_api, embed_results, staging
from bedrock.errors import BedrockError, BusyError, LostAnswerError, MissingObjectError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.ledger.paying import PaidReply, paid
from bedrock.models import Entry
from bedrock.pricing import Usage
from embeddings.errors import MediaEmbeddingError, ProviderError, SpaceError, SpaceMismatchError
from embeddings.indexing import index, spaces
from embeddings.indexing.paid_vectors import known_pictures
from embeddings.models import Chunk, Space, Viewing
from embeddings.vectors import Floats, MediaEmbeddingProvider, checked
from files.media import derived, proxy_lookup
from files.media.cutting import pieces
from files.models import File, FileQuerySet, Proxy
from files.storage.hashing import ensure_full_hash
from jobs.progress import NO_PROGRESS, Progress
from nova.questions.preparing import proxy_of

logger = logging.getLogger(__name__)
State = Viewing.State
#: States from which nothing more has to be sent.
UNDER_WAY = (State.SENT, State.DONE)
WITH_PICTURES = (File.MediaType.VIDEO, File.MediaType.IMAGE)
#: A start that was sent and that Bedrock does not know after so long has never reached it.
LOST_AFTER = timedelta(hours=1)
#: A part of a long video, below the two hours and 2 GB that a call takes: it is cut at the next key frame.
PART_S, PART_BYTES = embed_api.VIDEO_MAX_S * 0.95, int(embed_api.VIDEO_MAX_BYTES * 0.9)
#: Clocks differ: calls are looked for from a little before.
CLOCKS_DIFFER = timedelta(minutes=10)


def embed_media(file: File, *, space: Space, progress: Progress = NO_PROGRESS) -> list[Viewing]:
    """Embed a video or picture. Each viewing is then DONE, or SENT while Bedrock works at it.

    A video too long for one call has several. Content that was embedded before costs nothing.
    Raises MediaEmbeddingError, SpaceError, BedrockError.
    """
    provider = media_provider(space)
    content = ensure_full_hash(file, progress=progress)
    known = list(Viewing.objects.filter(space=space, content_hash=content, state__in=UNDER_WAY).order_by("part"))
    if file.media_type == File.MediaType.IMAGE:
        viewings = known or [_viewing(file, space, 0)]
        if not known and not _take_frame(viewings[0], file):
            _embed_picture(viewings[0], file, provider)
    else:
        viewings = _embed_video(file, space, provider, known, progress)
    index.index_text(file)
    return viewings


def media_provider(space: Space) -> MediaEmbeddingProvider:
    """The provider of a space that can hold media embeddings. Raises SpaceError with the reason where it cannot."""
    provider = spaces.provider_of(space)
    reason = (
        provider.why_text_only()
        if isinstance(provider, MediaEmbeddingProvider)
        else f"The model of “{space}” reads text only."
    )
    if reason or not isinstance(provider, MediaEmbeddingProvider):
        raise SpaceError(
            reason,
            remedy="What is seen needs a space of Nova's: set EMBEDDING_PROVIDER=nova, then "
            "`.venv/bin/python manage.py embed --new-space` and `--switch`.",
        )
    return provider


def check_ready(space: Space) -> None:
    """Raise SpaceError or NotConfiguredError where no video or picture can be embedded for this space."""
    media_provider(space)
    staging.bucket()


def lacking(files: FileQuerySet, space: Space) -> FileQuerySet:
    """The videos and pictures among these that have no media embedding in this space."""
    known = Viewing.objects.filter(space=space, content_hash=OuterRef("full_hash"))
    unfinished = known.exclude(state__in=UNDER_WAY)
    return files.filter(media_type__in=WITH_PICTURES).exclude(Exists(known) & ~Exists(unfinished))


def collect() -> int:
    """Take in what Bedrock has done meanwhile. Returns how many ended. Safe to run at any time, also twice at once."""
    ended = 0
    called = Viewing.objects.filter(state__in=(State.READY, State.SENT), called_at__isnull=False)
    for viewing in called.order_by("pk"):
        try:
            ended += _collect(viewing)
        except BedrockError as error:
            logger.warning("Asking for %s: %s %s", viewing, error, error.remedy)
    return ended


def over_and_staged() -> QuerySet[Viewing]:
    """Viewings that are over and whose copies are still in S3."""
    return Viewing.objects.filter(is_staged=True, state__in=(State.DONE, State.FAILED))


def siblings(viewing: Viewing) -> QuerySet[Viewing]:
    """All parts of the same video, this one among them."""
    return Viewing.objects.filter(space=viewing.space_id, content_hash=viewing.content_hash).order_by("part")


def files_of(viewing: Viewing) -> QuerySet[File]:
    """The files of the library that have this content now, and the one that was asked for."""
    return File.objects.filter(Q(full_hash=viewing.content_hash) | Q(pk=viewing.file_id))


def clear_staged(viewing: Viewing) -> None:
    """Delete what was staged for a viewing that is over."""
    staging.delete_folder(_folder(viewing))
    Viewing.objects.filter(pk=viewing.pk).update(is_staged=False)


def usage_of(files: Sequence[tuple[str, float | None, str]], *, with_sound: bool) -> Usage:
    """What embedding (media type, duration, sound codec) files uses. Sound is charged at most in addition."""
    videos = [(Decimal(str(round(seconds or 0, 3))), codec) for kind, seconds, codec in files if kind == "video"]
    return Usage(
        images=sum(kind == "image" for kind, _, _ in files),
        video_s=sum((seconds for seconds, _ in videos), Decimal(0)),
        audio_s=sum((seconds for seconds, codec in videos if codec and with_sound), Decimal(0)),
    )


# --- pictures -------------------------------------------------------------------------------------------------------


def _take_frame(viewing: Viewing, file: File) -> bool:
    """Whether this picture was paid for as its file's own one frame: then its vector is there."""
    frames = Chunk.objects.filter(file=file, source_kind=Chunk.Kind.SEEN)
    known = known_pictures(viewing.space, list(frames.values_list("content_hash", flat=True)))
    for vector in known.values():
        viewing.done([(None, None)], vector[None, :])
    return bool(known)


def _embed_picture(viewing: Viewing, file: File, provider: MediaEmbeddingProvider) -> None:
    poster = derived.poster_path(file)
    if poster is None:
        raise MediaEmbeddingError(
            f"There is no small copy of {file.name} to look at yet.", remedy="Make its proxy first."
        )
    picture = poster.read_bytes()

    def call() -> PaidReply[Floats]:
        vector, usage = provider.embed_picture(picture)
        return PaidReply(checked(vector[None, :], count=1, dimension=viewing.space.dimension), usage)

    def keep(entry: Entry, vectors: Floats) -> None:
        viewing.entry = entry
        viewing.done([(None, None)], vectors)

    paid(_ask(viewing, file, "picture"), call, keep=keep)


# --- videos: sending ------------------------------------------------------------------------------------------------


def _embed_video(
    file: File, space: Space, provider: MediaEmbeddingProvider, known: Sequence[Viewing], progress: Progress
) -> list[Viewing]:
    """Send what was not sent yet. A video that is too long for one call is cut at key frames, without sound."""
    if known and all(viewing.parts == len(known) for viewing in known):
        return list(known)
    proxy = _proxy_of(file)
    path, length = proxy_lookup.proxy_path(proxy), proxy.duration_s or file.duration_s or 0.0
    count = max(ceil(length / PART_S), ceil(proxy.size_bytes / PART_BYTES), 1)
    cuts = [length * number / count for number in range(1, count)]
    viewings = [_viewing(file, space, part) for part in range(count)]
    with pieces(file, path, cuts, token=f"seen-{space.pk}", progress=progress) as files:
        for viewing, piece in zip(viewings, files, strict=True):
            if viewing.state not in UNDER_WAY:
                viewing.parts, viewing.start_s = count, piece.start_s
                viewing.duration_s = piece.end_s - piece.start_s if cuts else length
                _send(viewing, piece.path, file, f"{proxy.proxy_spec}/{viewing.part}/{count}", provider, progress)
    return viewings


def _viewing(file: File, space: Space, part: int) -> Viewing:
    named = {"space": space, "content_hash": file.full_hash, "part": part}
    return Viewing.objects.get_or_create(**named, defaults={"file": file})[0]


def _send(
    viewing: Viewing, path: Path, file: File, spec: str, provider: MediaEmbeddingProvider, progress: Progress
) -> None:
    """Stage a copy and start the call; a start whose answer was lost is found again by its token."""
    if viewing.called_at is not None and viewing.state == State.READY and _adopt(viewing):
        return
    if viewing.state == State.FAILED or not viewing.folder:
        if viewing.is_staged:
            clear_staged(viewing)
        viewing.restart(staging.new_id())
    viewing.is_staged = True
    viewing.save(update_fields=["parts", "start_s", "duration_s", "is_staged"])
    progress.update(0, "Copying to S3")
    address = staging.upload(path, f"{_folder(viewing)}/input.mp4", file_id=file.pk)
    progress.check()
    _reserve(viewing, file, spec)
    try:
        arn = provider.start_video(
            video_uri=address,
            output_uri=staging.uri(f"{_folder(viewing)}/out"),
            duration_s=viewing.duration_s or 0.0,
            client_token=viewing.token,
        )
    except (BusyError, LostAnswerError) as error:
        # It may have been taken all the same: reservation and token stay, and the next attempt asks for it first.
        raise BusyError(str(error), retryable=True) from error
    except BedrockError as error:
        _give_up(viewing, str(error), is_charged=False)
        raise
    viewing.sent(arn)


def _proxy_of(file: File) -> Proxy:
    """The copy that is sent: its second 0 is the source's. Raises MediaEmbeddingError where there is none."""
    proxy = proxy_of(file)
    if proxy is None or proxy.source_hash not in ("", file.sampled_hash):
        raise MediaEmbeddingError(
            f"{file.name} has no proxy yet, and that is what is sent.", remedy="Make its proxy first."
        )
    return proxy


def _reserve(viewing: Viewing, file: File, spec: str) -> None:
    """Reserve the worst case and note that the call starts now, in one transaction."""
    with transaction.atomic():
        entry = viewing.entry
        if entry is None or not entry.is_open:
            entry = booking.reserve(_ask(viewing, file, spec))
        booking.sent(entry)
        viewing.entry, viewing.called_at = entry, timezone.now()
        viewing.save(update_fields=["entry", "called_at"])


def _ask(viewing: Viewing, file: File, spec: str) -> ReservationRequest:
    space = viewing.space
    model = catalogue.by_model_id(space.model)
    price = catalogue.price(model, "realtime") if model is not None else None
    facts = [(file.media_type, viewing.duration_s or file.duration_s, file.audio_codec)]
    question = sha256(f"{space.key}|{space.pk}|{viewing.content_hash}|{spec}".encode()).hexdigest()
    return ReservationRequest(
        question=f"see:{question}",
        purpose="embedding",
        model_key=model.key if model is not None else space.model,
        mode="realtime",
        usd=price.cost(usage_of(facts, with_sound=True)) if price is not None else None,
        estimated_usd=price.cost(usage_of(facts, with_sound=False)) if price is not None else None,
        price=price,
        file_id=file.pk,
        file_name=file.name,
        holder=f"viewing:{viewing.pk}",
    )


def _folder(viewing: Viewing) -> str:
    return f"{staging.ASYNC_PREFIX}/{viewing.folder}"


# --- videos: collecting ---------------------------------------------------------------------------------------------


def _adopt(viewing: Viewing) -> bool:
    """Whether Bedrock knows a call with our token; then it is ours."""
    since = (viewing.called_at or timezone.now()) - CLOCKS_DIFFER
    arn = embed_api.find_async(viewing.token, since=since)
    if arn:
        viewing.sent(arn)
    return bool(arn)


def _collect(viewing: Viewing) -> bool:
    if viewing.state == State.READY and not _adopt(viewing):
        is_lost = viewing.called_at is not None and timezone.now() - viewing.called_at > LOST_AFTER
        return is_lost and _give_up(viewing, "Bedrock knows nothing of this call.", is_charged=False)
    try:
        call = embed_api.get_async(viewing.invocation_arn)
        if call.status == "Failed":
            return _give_up(viewing, call.message or "Bedrock could not embed it and gave no reason.", is_charged=False)
        if call.status != "Completed":
            return False
        result = embed_results.read(f"{_folder(viewing)}/out")
    except MissingObjectError as error:
        return _give_up(viewing, str(error), is_charged=True)
    return _take(viewing, result)


def _take(viewing: Viewing, result: embed_results.VideoEmbeddingResult) -> bool:
    """Keep the vectors, settle, and make every file of this content findable, in one transaction."""
    spans, vectors, problems = _usable(result, viewing.space.dimension, viewing.start_s)
    if not spans:
        return _give_up(viewing, "Nothing of it could be embedded. " + " ".join(problems[:3]), is_charged=True)
    with transaction.atomic():
        if not _is_still(viewing, State.SENT):
            return False
        viewing.done(spans, np.stack(vectors), problems)
        if viewing.entry is not None:
            booking.settle(viewing.entry, usage=Usage(video_s=Decimal(str(round(viewing.duration_s or 0, 3)))))
        for file in files_of(viewing).filter(full_hash=viewing.content_hash):
            index.index_text(file)
    return True


def _usable(
    result: embed_results.VideoEmbeddingResult, dimension: int, start_s: float
) -> tuple[list[tuple[float, float]], list[Floats], list[str]]:
    """The pieces whose vector is one, with their seconds in the source, and why others are not."""
    spans: list[tuple[float, float]] = []
    vectors: list[Floats] = []
    problems = list(result.problems)
    for segment in result.segments:
        try:
            row = checked(np.array([segment.values], dtype=np.float32), count=1, dimension=dimension)[0]
        except (ProviderError, SpaceMismatchError) as error:
            problems.append(f"{segment.start_s:g} to {segment.end_s:g} s: {error}")
            continue
        spans.append((start_s + segment.start_s, start_s + max(segment.start_s, segment.end_s)))
        vectors.append(row)
    return spans, vectors, problems


def _give_up(viewing: Viewing, reason: str, *, is_charged: bool) -> bool:
    """End it without vectors. What may have been charged counts against the cap, and can be asked for once more."""
    with transaction.atomic():
        if not _is_still(viewing, viewing.state):
            return False
        viewing.fail(reason)
        if viewing.entry is not None and is_charged:
            booking.possibly_paid(viewing.entry, reason)
        elif viewing.entry is not None:
            booking.release(viewing.entry, note=reason)
    return True


def _is_still(viewing: Viewing, state: str) -> bool:
    """Whether nobody else has ended it meanwhile."""
    return Viewing.objects.select_for_update().filter(pk=viewing.pk, state=state).exists()
