"""The verb that looks: frames get their vectors in a space of pictures, so that words find what is seen."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from PIL import Image

from embeddings import registry
from embeddings.conf import conf
from embeddings.errors import ProviderUnavailableError
from embeddings.indexing import index, media_embedding, paid_vectors, spaces
from embeddings.indexing.sources import LOOKED
from embeddings.models import KIND_CODES, Chunk, Embedding, Space
from embeddings.stores.registry import store
from embeddings.vectors import Floats, PictureProvider, checked
from files.models import File
from jobs.progress import NO_PROGRESS, Progress
from vision.frames import choosing
from vision.models import Frame

#: Frames looked at before their vectors are kept: what a kill costs, and how often a cancel is obeyed.
BATCH_FRAMES = 32
#: Pixels of the shorter side of what is sent to AWS: the price is the same for any size.
SENT_SIDE = 768
#: Frames with their pictures in RGB, to float32 (frames, dimension).
Embedder = Callable[[Sequence[Chunk], Sequence[Image.Image]], Floats]


@dataclass(kw_only=True)
class LookReport:
    """What looking at a file did."""

    frames: int = 0
    embedded: int = 0
    reused: int = 0

    def __str__(self) -> str:
        if not self.frames:
            return "There is not one frame worth looking at"
        said = f"{self.frames:,} frame{'' if self.frames == 1 else 's'}, {self.embedded:,} looked at"
        return f"{said}, {self.reused:,} known" if self.reused else said


def see_file(
    file: File,
    *,
    space: Space | None = None,
    force: bool = False,
    progress: Progress = NO_PROGRESS,
    token: str = "",
) -> LookReport:
    """Give each frame of a video or picture its vector, choosing the frames first where that was not done.

    What has its vector already is left, so that it goes on after a kill. `force` makes all of them again, but for those
    that were paid for. Raises VisionError, ProviderError, BedrockError, SpaceError, ExtensionUnavailableError,
    Cancelled.
    """
    space = space or picture_space()
    embed, side = _looking_with(space, file)
    store().require()
    store().create_table(space.pk, space.dimension)
    report = LookReport(frames=choosing.choose_frames(file, progress=progress, token=token).frame_count)
    index.index_text(file, kinds=LOOKED)
    if force:
        with transaction.atomic():
            old = Embedding.objects.filter(space=space, file=file, kind_code=KIND_CODES[Chunk.Kind.SEEN])
            index.remove_vectors(space, list(old.values_list("id", flat=True)))
    lacking = list(Chunk.objects.awaiting_pictures(space).filter(file=file).order_by("ordinal"))
    if not force:
        known = index.known_vectors(space, [chunk.content_hash for chunk in lacking])
        report.reused = _store(space, [chunk for chunk in lacking if chunk.content_hash in known], known)
        lacking = [chunk for chunk in lacking if chunk.content_hash not in known]
    frames = {frame.n: frame for frame in Frame.objects.filter(file=file)}
    wanted = [frames[chunk.ordinal] for chunk in lacking if chunk.ordinal in frames]
    shown = choosing.pictures_of(file, wanted, side=side)
    for first in range(0, len(wanted), BATCH_FRAMES):
        progress.update(first / len(wanted), f"{first:,} of {len(wanted):,} frames looked at")
        batch = lacking[first : first + BATCH_FRAMES]
        vectors = checked(embed(batch, [next(shown) for _ in batch]), count=len(batch), dimension=space.dimension)
        report.embedded += _store(
            space, batch, dict(zip((chunk.content_hash for chunk in batch), vectors, strict=True))
        )
    progress.update(1, str(report))
    return report


def _looking_with(space: Space, file: File) -> tuple[Embedder, int]:
    """What makes vectors of frames in this space, and pixels of the shorter side that it looks at."""
    provider = spaces.provider_of(space)
    if isinstance(provider, PictureProvider):
        return lambda _, shown: provider.embed_pictures(shown), provider.side()
    paid = media_embedding.media_provider(space)

    def embed(chunks: Sequence[Chunk], shown: Sequence[Image.Image]) -> Floats:
        rows = []
        for chunk, picture in zip(chunks, shown, strict=True):
            at = "" if chunk.start_s is None else f" at {chunk.start_s:g} s"
            wanted = paid_vectors.PictureToEmbed(
                key=chunk.content_hash, jpeg=jpeg_to_send(picture), label=f"{file.name}{at}", file_id=file.pk
            )
            rows.append(paid_vectors.embed_picture(space, paid, wanted))
        return np.stack(rows)

    return embed, SENT_SIDE


def jpeg_to_send(picture: Image.Image) -> bytes:
    """A picture as it is sent to AWS: at most 768 pixels on its shorter side, and without what a camera wrote."""
    factor = min(1.0, SENT_SIDE / min(picture.size))
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    out = io.BytesIO()
    picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=85)
    return out.getvalue()


def _store(space: Space, chunks: Sequence[Chunk], vectors: index.Vectors) -> int:
    """Keep the vectors of what is still a frame of the file and still lacks one. Returns how many."""
    with transaction.atomic():
        File.everything.hold(*{chunk.file_id for chunk in chunks})
        ids = [chunk.pk for chunk in chunks]
        ready = list(Chunk.objects.awaiting_pictures(space).filter(pk__in=ids))
        if ready:
            index.insert_vectors(space, ready, np.stack([vectors[chunk.content_hash] for chunk in ready]))
        return len(ready)


def picture_space() -> Space:
    """The space in use for pictures. Raises ProviderUnavailableError with what to do where nobody sees."""
    space = spaces.for_pictures()
    if space is not None:
        return space
    raise ProviderUnavailableError(why_nobody_sees(), remedy=how_to_see())


def why_nobody_sees() -> str:
    """Why there is no space for pictures, in plain words."""
    if conf().picture_provider == "off":
        return "Looking at pictures is switched off (PICTURE_PROVIDER=off)."
    return f"The picture model “{conf().picture_model}” is not here yet, so nothing is found by what is seen."


def how_to_see() -> str:
    if conf().picture_provider == "off":
        return "Set PICTURE_PROVIDER=local and start again."
    provider = registry.provider_for(registry.wanted_picture_key())
    return provider.problem().partition(". ")[2]
