"""Chunks found, as moments: neighbouring chunks of one source are one place in a file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from embeddings.indexing.chunks import second_at
from embeddings.models import Chunk
from embeddings.searching.snippets import best_place, find
from embeddings.words.query import Query, Term

#: Made from what is said, among other things.
_DERIVED = (Chunk.Kind.ELEMENT, Chunk.Kind.CHAPTER)
#: Moments of a file that begin so close to each other are one, whatever they were found in.
TOGETHER_S = 2.0


class Passage(NamedTuple):
    """A chunk as a search reads it. Some hundreds a question: as model instances they took half of its time."""

    pk: int
    file_id: int
    source_kind: str
    source_id: int
    ordinal: int
    start_s: float | None
    end_s: float | None
    text: str
    marks_json: str
    file_name: str
    file_path: str

    @property
    def marks(self) -> list[tuple[int, float]]:
        return [(offset, second) for offset, second in json.loads(self.marks_json)]


#: By engine: the chunks of some ids, their marks as text, and how ids are given. The ORM took a millisecond longer, and
#: SQLite then began with the files.
WANTED: Mapping[str, tuple[str, str, Callable[[list[int]], Any]]] = {
    "sqlite": ("json_each(%s) AS wanted CROSS JOIN chunks c ON c.id = wanted.value", "c.marks", json.dumps),
    "postgresql": ("unnest(%s::bigint[]) AS wanted (id) JOIN chunks c USING (id)", "c.marks::text", list),
}


def passages(ids: Iterable[int]) -> dict[int, Passage]:
    """The chunks of these ids that are in the library, in one statement: what is gone by now is not shown."""
    wanted = list(ids)
    rows, marks, param = WANTED[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.file_id, c.source_kind, c.source_id, c.ordinal, c.start_s, c.end_s, c.text, {marks}, "  # noqa: S608
            f"f.name, f.path FROM {rows} JOIN files f ON f.id = c.file_id WHERE f.removed_at IS NULL",
            [param(wanted)],
        )
        return {row[0]: Passage._make(row) for row in cursor.fetchall()}


@dataclass(kw_only=True)
class HitMoment:
    """The best chunk of a stretch, with the stretch's end. `also` are other kinds of source that have it."""

    chunk: Passage
    score: float
    end_s: float | None
    rank: int
    also: list[str] = field(default_factory=list)

    def start_s(self, terms: Sequence[Term]) -> float | None:
        """Where the words are; where none of them is there, the chunk's own start."""
        chunk, marks = self.chunk, self.chunk.marks
        place = best_place(chunk.text, [offset for offset, _ in marks], terms)
        return chunk.start_s if place is None else second_at(marks, place, chunk.start_s)

    def take_in(self, other: "HitMoment", terms: Sequence[Term]) -> None:
        """Stand for another moment at the same second too. Where its words were said, those are shown."""
        kinds = {self.chunk.source_kind, *self.also, other.chunk.source_kind}
        if other.chunk.source_kind == Chunk.Kind.TRANSCRIPT and self.chunk.source_kind in _DERIVED:
            said, told = (find(one.chunk.text, terms).terms_found for one in (other, self))
            if said and said >= told:
                self.chunk, self.end_s = other.chunk, other.end_s
        self.also = sorted(kinds - {self.chunk.source_kind})


def moments_of(scores: Mapping[int, float], rows: Mapping[int, Passage], asked: Query) -> list[HitMoment]:
    """One moment for chunks that follow each other, in the order of the best of each.

    `scores` is ordered, best first. Chunks with a word that must not be there are left out.
    """
    moments: list[HitMoment] = []
    by_place: dict[tuple[int, str, int, int], HitMoment] = {}
    for chunk_id, score in scores.items():
        chunk = rows.get(chunk_id)
        if chunk is None or find(chunk.text, asked.excluded).terms_found:
            continue
        place = (chunk.file_id, chunk.source_kind, chunk.source_id)
        beside = (by_place.get((*place, chunk.ordinal + step)) for step in (-1, 1))
        near = min((one for one in beside if one and _continues(one, chunk)), key=lambda one: one.rank, default=None)
        if near is None:
            near = HitMoment(chunk=chunk, score=score, end_s=chunk.end_s, rank=len(moments))
            moments.append(near)
        near.end_s = _later(near.end_s, chunk.end_s)
        by_place[(*place, chunk.ordinal)] = near
    return moments


def one_a_second(moments: Sequence[HitMoment], terms: Sequence[Term]) -> list[HitMoment]:
    """What is said, seen and listed at one second of a file is one moment: the best of them stands for all."""
    per_file = Counter(one.chunk.file_id for one in moments if one.chunk.start_s is not None)
    kept: list[HitMoment] = []
    of_file: dict[int, list[tuple[float, HitMoment]]] = {}
    for moment in moments:
        is_alone = moment.chunk.start_s is None or per_file[moment.chunk.file_id] == 1
        start_s = None if is_alone else moment.start_s(terms)
        if start_s is None:
            kept.append(moment)
            continue
        near = of_file.setdefault(moment.chunk.file_id, [])
        same = next((one for at, one in near if abs(at - start_s) <= TOGETHER_S), None)
        if same is None:
            near.append((start_s, moment))
            kept.append(moment)
        else:
            same.take_in(moment, terms)
    return kept


#: Elements and chapters are listed one after the other, but each is a moment of its own.
_RUNNING = (Chunk.Kind.TRANSCRIPT, Chunk.Kind.SUMMARY, Chunk.Kind.VIDEO, Chunk.Kind.SEEN)


def _continues(moment: HitMoment, neighbour: Passage) -> bool:
    if neighbour.source_kind in _RUNNING:
        return True
    return (moment.chunk.start_s, moment.chunk.end_s) == (neighbour.start_s, neighbour.end_s)


def _later(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)
