"""How much files are like a class: as its words say it, and as files that have it already look and read.

Nothing is trained. What the examples have in common, and the library has not, is the direction in which a class lies;
what was refused turns it away (Rocchio's relevance feedback: Salton, The SMART Retrieval System, 1971). A file is like
the class where it lies further in that direction than a sample of the library does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db.models import Q

from embeddings.indexing import paid_vectors, spaces
from embeddings.models import KIND_CODES, PICTURE, TEXT, Chunk, Embedding, Space
from embeddings.searching import judging, seen, semantic
from embeddings.searching.semantic import SearchScope
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.vectors import Floats

#: Examples that are asked, of those that are of a class and of those that are not: the newest.
MOST_EXAMPLES = 60
#: Frames, or texts, of one file that make up its vector.
MOST_OF_A_FILE = 200
#: What a search may bring.
POOL = 200
#: So far must a file lie in the direction of a class beyond the middle of the library, in widths of its lower half.
NEEDED = 2.5
#: What refused files weigh beside examples: some show the class, and are refused for another reason.
WEIGHT_OF_REFUSED = 0.5

#: Seconds from and to; None: the whole file.
Range = tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Files, or ranges of seconds of them, that are of a class, and files that are not."""

    positive: Mapping[int, Sequence[Range]] = field(default_factory=dict)
    negative: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How far a file stands out as one of the class, from which chunk of it, and why; `example` is the nearest file."""

    file_id: int
    chunk_id: int
    lead: float
    by: str
    example: int | None = None

    @property
    def confidence(self) -> float:
        """From .5, where it is just enough, towards 1: .75 where it stands out by three times what is needed."""
        return 1 - NEEDED / (self.lead + 2 * NEEDED)


def by_words(words: str, *, may_pay: bool) -> dict[int, Likeness]:
    """Files with a frame that looks like the words, by id. Asks a paid space only where that was paid, or may be."""
    space = seen.space_in_use()
    if space is None or not (may_pay or paid_vectors.is_free(space, spaces.provider_of(space), words)):
        return {}
    found = seen.find(words, SearchScope(), limit=POOL)
    owners = dict(Chunk.objects.in_library().filter(pk__in=found.leads).values_list("pk", "file_id"))
    return _best(
        Likeness(file_id=owners[pk], chunk_id=pk, lead=lead, by="words")
        for pk, lead in found.leads.items()
        if pk in owners and lead > 0
    )


def by_example(examples: Examples) -> dict[int, Likeness]:
    """Files that look, or read, like the examples, by id; the examples themselves are left out."""
    labelled = {*examples.positive, *examples.negative}
    found: list[Likeness] = []
    for content in (PICTURE, TEXT):
        yardstick = _yardstick_of(content)
        if yardstick is not None:
            found += _near(yardstick, _labelled(yardstick, examples))
    return {pk: likeness for pk, likeness in _best(found).items() if pk not in labelled}


def judged(examples: Examples, file_ids: Iterable[int]) -> dict[int, bool]:
    """Whether each of these labelled files would be suggested, had it no label: what suggestions are worth here."""
    verdicts = dict.fromkeys(file_ids, False)
    for content in (PICTURE, TEXT):
        yardstick = _yardstick_of(content)
        if yardstick is None:
            continue
        known = _labelled(yardstick, examples)
        for pk in verdicts:
            own = _vectors_of(yardstick, pk, [None])
            direction = _direction(yardstick, known.without(pk))
            if direction is not None and len(own):
                verdicts[pk] |= direction.lead(float(np.einsum("ij,j->i", own, direction.vector).max())) > 0
    return verdicts


@dataclass(frozen=True, kw_only=True)
class _Direction:
    """Where a class lies: float32 (dimension,), unit length, and how the library lies along it."""

    vector: Floats
    middle: float
    width: float

    def lead(self, along: float) -> float:
        """By how much something so far along it stands out beyond what is needed."""
        return (along - self.middle) / self.width - NEEDED


@dataclass(frozen=True, kw_only=True)
class _Labelled:
    """The vectors of examples in one space, by file."""

    positive: Mapping[int, Floats]
    negative: Mapping[int, Floats]

    def without(self, file_id: int) -> "_Labelled":
        """The same, had this file no label."""
        kept = [{pk: row for pk, row in rows.items() if pk != file_id} for rows in (self.positive, self.negative)]
        return _Labelled(positive=kept[0], negative=kept[1])


@dataclass(frozen=True, kw_only=True)
class _Yardstick:
    """A space, the kinds that count in it, and a sample of its vectors that shows what is usual."""

    space: Space
    codes: tuple[int, ...]
    sample: Floats
    by: str


def _yardstick_of(content: str) -> _Yardstick | None:
    """What files are compared by: the space in use for this content; None where it has too few vectors to say."""
    space = seen.space_in_use() if content == PICTURE else Space.objects.active()
    if space is None or store().problem():
        return None
    codes = tuple(spaces.CODES_OF[content]) if content == PICTURE else (KIND_CODES[Chunk.Kind.TRANSCRIPT],)
    snapshot = bit_matrix.snapshot_of(space)
    rows = np.flatnonzero(np.isin(snapshot.kinds, codes))
    if len(rows) < judging.LEAST_SAMPLE:
        return None
    chosen = np.random.default_rng(space.pk).permutation(rows)[: seen.SAMPLE]
    _, sample = store().fetch(space.pk, snapshot.ids[chosen].tolist(), space.dimension)
    return _Yardstick(space=space, codes=codes, sample=sample, by="picture" if content == PICTURE else "text")


def _labelled(yardstick: _Yardstick, examples: Examples) -> _Labelled:
    positive = {pk: _vector_of(yardstick, pk, ranges) for pk, ranges in list(examples.positive.items())[:MOST_EXAMPLES]}
    negative = {pk: _vector_of(yardstick, pk, [None]) for pk in examples.negative[:MOST_EXAMPLES]}
    return _Labelled(
        positive={pk: row for pk, row in positive.items() if row is not None},
        negative={pk: row for pk, row in negative.items() if row is not None},
    )


def _direction(yardstick: _Yardstick, known: _Labelled) -> _Direction | None:
    """Where the class lies; None without an example, or where the examples are as the library is."""
    if not known.positive:
        return None
    usual = yardstick.sample.mean(axis=0)
    toward: Floats = np.stack(list(known.positive.values())).mean(axis=0) - usual
    if known.negative:
        toward = toward - WEIGHT_OF_REFUSED * (np.stack(list(known.negative.values())).mean(axis=0) - usual)
    length = float(np.linalg.norm(toward))
    if not length:
        return None
    vector: Floats = (toward / length).astype(np.float32)
    middle, width = judging.spread(np.einsum("ij,j->i", yardstick.sample, vector))
    return _Direction(vector=vector, middle=middle, width=width)


def _near(yardstick: _Yardstick, known: _Labelled) -> list[Likeness]:
    """What lies in the direction of the class, each with the example that is nearest to it."""
    direction = _direction(yardstick, known)
    if direction is None:
        return []
    scope = SearchScope(kind_codes=yardstick.codes)
    near = semantic.nearest(yardstick.space, direction.vector, scope, limit=POOL)
    leads = {hit.chunk_id: direction.lead(hit.similarity) for hit in near}
    rows = Embedding.objects.filter(space=yardstick.space, chunk__in=leads, file__removed_at=None)
    facts = {pk: (chunk_id, file_id) for pk, chunk_id, file_id in rows.values_list("pk", "chunk_id", "file_id")}
    ids, vectors = store().fetch(yardstick.space.pk, list(facts), yardstick.space.dimension)
    examples = list(known.positive)
    nearest = (vectors @ np.stack(list(known.positive.values())).T).argmax(axis=1) if len(ids) else []
    found = []
    for pk, place in zip(ids, nearest, strict=True):
        chunk_id, file_id = facts[pk]
        if leads[chunk_id] > 0:
            found.append(
                Likeness(
                    file_id=file_id,
                    chunk_id=chunk_id,
                    lead=leads[chunk_id],
                    by=yardstick.by,
                    example=examples[int(place)],
                )
            )
    return found


def _vector_of(yardstick: _Yardstick, file_id: int, ranges: Sequence[Range]) -> Floats | None:
    """The mean of what a file shows or says in these ranges; None where nothing of it is embedded."""
    vectors = _vectors_of(yardstick, file_id, ranges)
    if not len(vectors):
        return None
    mean: Floats = vectors.mean(axis=0)
    return mean / np.linalg.norm(mean)


def _vectors_of(yardstick: _Yardstick, file_id: int, ranges: Sequence[Range]) -> Floats:
    rows = Embedding.objects.filter(space=yardstick.space, file=file_id, kind_code__in=yardstick.codes)
    if None not in ranges:
        within = Q(pk__in=[])
        for start_s, end_s in [range_ for range_ in ranges if range_ is not None]:
            within |= Q(chunk__start_s__lt=end_s, chunk__end_s__gt=start_s)
        rows = rows.filter(within)
    ids = list(rows.values_list("id", flat=True)[:MOST_OF_A_FILE])
    return store().fetch(yardstick.space.pk, ids, yardstick.space.dimension)[1]


def _best(found: Iterable[Likeness]) -> dict[int, Likeness]:
    """The strongest of each file, the strongest file first."""
    best: dict[int, Likeness] = {}
    for likeness in found:
        if likeness.file_id not in best or likeness.lead > best[likeness.file_id].lead:
            best[likeness.file_id] = likeness
    return dict(sorted(best.items(), key=lambda item: -item[1].lead))
