"""What is seen: frames that look like a question, or like a picture, in the space of pictures in use."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
from PIL import Image

from embeddings.errors import SearchError
from embeddings.indexing import media_embedding, paid_vectors, pictures, spaces
from embeddings.models import KIND_CODES, WITHOUT_WORDS, Chunk, Embedding, PictureFloor, Space
from embeddings.searching import judging, semantic
from embeddings.searching.captions import UNRELATED
from embeddings.searching.semantic import SearchScope
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.vectors import EmbeddingProvider, Floats, PictureProvider
from files.models import File
from vision.frames import choosing

#: Frames of the library that a question is judged by.
SAMPLE = 2000
#: A floor is learnt again when the library has grown by this factor.
GROWN = 1.5
#: Likeness of two pictures below which they have nothing in common, in how far it stands out of the sample.
ALIKE_STANDS_OUT = 2.5
#: The picture of a chosen frame serves for a second as near as this.
SAME_S = 0.25
_CODE = KIND_CODES[Chunk.Kind.SEEN]


@dataclass(kw_only=True)
class SeenFrames:
    """Frames by their chunk's id, most alike first, and in words why each is one."""

    scores: dict[int, float] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    #: By how much each stands out beyond what is needed; of a question in words.
    leads: dict[int, float] = field(default_factory=dict)
    has_weaker: bool = False
    is_cut: bool = False
    has_guesses: bool = False


@dataclass(frozen=True, kw_only=True)
class _Yardstick:
    """What questions in a space are judged by: unrelated captions, a sample of the library, and the floor learnt."""

    captions: Floats
    sample: Floats
    floor: judging.Floor
    library: int


_yardsticks: dict[tuple[str, int], _Yardstick] = {}
_lock = threading.Lock()


def space_in_use() -> Space | None:
    """The space that is asked for what is seen; None where nothing was looked at."""
    space = spaces.for_pictures()
    return None if space is None or store().problem() or not _library_of(space) else space


def find(
    text: str,
    scope: SearchScope,
    *,
    limit: int,
    kinds: Collection[str] = WITHOUT_WORDS,
    space: Space | None = None,
    may_pay: bool = True,
) -> SeenFrames:
    """Frames that look like what the text says: only those that stand out for this question. In a paid space the
    question is paid, once. Raises ProviderError, BedrockError, MayNotSpendError.
    """
    space = space or space_in_use()
    codes = () if space is None else tuple(set(_codes_of(space)) & {KIND_CODES[kind] for kind in kinds})
    if space is None or not codes:
        return SeenFrames()
    provider = spaces.provider_of(space)
    yardstick = _yardstick_of(space, provider)
    vector = paid_vectors.query_vector(space, provider, text, may_pay=may_pay)
    question = judging.question_of(vector, yardstick.captions, yardstick.sample)
    length = float(np.linalg.norm(question.vector))
    if length < judging.LEAST_MARGIN:  # it says no more than captions that say nothing
        return SeenFrames()
    near = semantic.nearest(space, question.vector / length, replace(scope, kind_codes=codes), limit=limit)
    found = SeenFrames()
    for frame in near:
        margin = frame.similarity * length
        verdict = judging.judge(margin, question, yardstick.floor, library=yardstick.library)
        if not verdict.is_found:
            found.has_weaker = True
            continue
        found.scores[frame.chunk_id] = margin
        found.leads[frame.chunk_id] = verdict.lead
        found.has_guesses |= verdict.is_guess
        found.why[frame.chunk_id] = _why(verdict, yardstick.library)
    found.is_cut = len(found.scores) >= limit
    return found


def find_like(vector: Floats, scope: SearchScope, *, limit: int) -> SeenFrames:
    """Frames that look like a picture, by its vector in the space in use."""
    space = space_in_use()
    if space is None:
        raise SearchError("Nothing was looked at yet.", remedy=pictures.how_to_see() or "Choose “Look at frames”.")
    yardstick = _yardstick_of(space, spaces.provider_of(space))
    middle, width = judging.spread(yardstick.sample @ vector)
    near = semantic.nearest(space, vector, replace(scope, kind_codes=_codes_of(space)), limit=limit)
    needed = ALIKE_STANDS_OUT if len(yardstick.sample) >= judging.LEAST_SAMPLE else -np.inf
    alike = [frame for frame in near if (frame.similarity - middle) / width >= needed]
    return SeenFrames(
        scores={frame.chunk_id: frame.similarity for frame in alike},
        why={frame.chunk_id: f"looks like it ({frame.similarity:.0%})" for frame in alike},
        has_weaker=len(alike) < len(near),
        is_cut=len(alike) >= limit,
    )


def vector_of_frame(file: File, at_s: float, *, may_pay: bool) -> Floats:
    """The vector of what a file shows at a second. Raises SearchError, VisionError, ProviderError, BedrockError."""
    space = pictures.picture_space()
    near = Chunk.objects.filter(file=file, source_kind=Chunk.Kind.SEEN, embeddings__space=space)
    if file.media_type != File.MediaType.IMAGE:
        near = near.filter(start_s__gte=at_s - SAME_S, start_s__lte=at_s + SAME_S)
    embedding = Embedding.objects.filter(space=space, chunk__in=near).first()
    if embedding is not None:
        ids, vectors = store().fetch(space.pk, [embedding.pk], space.dimension)
        if ids:
            vector: Floats = vectors[0]
            return vector
    return vector_of_picture(choosing.picture_at(file, at_s), file_id=file.pk, may_pay=may_pay)


def vector_of_picture(picture: Image.Image, *, file_id: int | None, may_pay: bool) -> Floats:
    """The vector of a picture in RGB, in the space in use. In a paid space it is paid, once. Raises ProviderError,
    BedrockError: also for a picture of a file that is never sent.
    """
    space = pictures.picture_space()
    provider = spaces.provider_of(space)
    if isinstance(provider, PictureProvider):
        vector: Floats = provider.embed_pictures([picture])[0]
        return vector
    jpeg = pictures.jpeg_to_send(picture)
    wanted = paid_vectors.PictureToEmbed(
        key=sha256(jpeg).hexdigest()[:32], jpeg=jpeg, label="a picture", file_id=file_id
    )
    looks = media_embedding.media_provider(space)
    return paid_vectors.embed_picture(space, looks, wanted, purpose="query", may_pay=may_pay)


def learn_captions(space: Space) -> None:
    """Have the captions that a space's questions are judged by, which a paid space pays for once."""
    _captions_of(space, spaces.provider_of(space))


def vector_of_file(file: File) -> Floats:
    """The mean of what a file shows. Raises SearchError where it was not looked at."""
    space = pictures.picture_space()
    ids = Embedding.objects.filter(file=file, space=space, kind_code=_CODE).values_list("id", flat=True)
    _, vectors = store().fetch(space.pk, list(ids[:SAMPLE]), space.dimension)
    if not len(vectors):
        raise SearchError(f"{file.name} was not looked at yet.", remedy="Choose “Look at frames” for it first.")
    mean: Floats = vectors.mean(axis=0)
    return mean / np.linalg.norm(mean)


def forget() -> None:
    """Let go of all samples in this process."""
    with _lock:
        _yardsticks.clear()


def _why(verdict: judging.Judgement, library: int) -> str:
    if verdict.is_guess:
        return "a guess: it hardly stands out from other frames"
    others = f"{library - 1:,} other frame{'' if library == 2 else 's'}"
    return f"looks like it: stands out from {others}"


def _yardstick_of(space: Space, provider: EmbeddingProvider) -> _Yardstick:
    """What a question is judged by now; made when first asked for, and when the library has grown."""
    place = bit_matrix.place_of(space)
    known, library = _yardsticks.get(place), _library_of(space)
    if known is not None and known.library / GROWN <= library <= known.library * GROWN:
        return known
    with _lock:
        captions = _captions_of(space, provider)
        snapshot = bit_matrix.snapshot_of(space)
        frames = np.flatnonzero(np.isin(snapshot.kinds, _codes_of(space)))
        chosen = np.random.default_rng(space.pk).permutation(frames)[:SAMPLE]  # from all over the library
        _, sample = store().fetch(space.pk, snapshot.ids[chosen].tolist(), space.dimension)
        floor = judging.learn(captions, sample)
        made = _Yardstick(captions=captions, sample=sample, floor=floor, library=library)
        _yardsticks[place] = made
        PictureFloor.objects.filter(space=space).update(
            margin=floor.margin, stands_out=floor.stands_out, sample=floor.sample
        )
        return made


def _captions_of(space: Space, provider: EmbeddingProvider) -> Floats:
    """The vectors of the unrelated captions: kept with the space, so that a new process need not make them."""
    version = sha256(f"{space.fingerprint}|{UNRELATED}".encode()).hexdigest()[:32]
    kept = PictureFloor.objects.filter(space=space).first()
    if kept is not None and (kept.version == version or provider.is_paid):  # other words are not paid for again
        return np.frombuffer(bytes(kept.captions), dtype="<f4").reshape(-1, space.dimension)
    captions = paid_vectors.embed(space, provider, UNRELATED, purpose="query")
    content = captions.astype("<f4").tobytes()
    PictureFloor.objects.update_or_create(space=space, defaults={"version": version, "captions": content})
    return captions


def _codes_of(space: Space) -> tuple[int, ...]:
    """The kinds that are seen in a space: frames; and pieces of video, unless texts are searched in it too, which finds
    those.
    """
    return (_CODE,) if space.is_active else tuple(KIND_CODES[kind] for kind in WITHOUT_WORDS)


def _library_of(space: Space) -> int:
    """How many frames, or pieces of video, a space has to tell apart."""
    snapshot = bit_matrix.snapshot_of(space)
    return int(np.isin(snapshot.kinds, _codes_of(space)).sum()) if space.holds_texts else len(snapshot)
