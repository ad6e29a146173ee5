"""Chunks found, as moments: neighbouring chunks of one source are one place in a file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from embeddings.models import Chunk
from embeddings.query import Query
from embeddings.snippets import find


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


def passages(ids: Iterable[int]) -> dict[int, Passage]:
    """The chunks of these ids that are in the library, in one statement: what is gone by now is not shown."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.file_id, c.source_kind, c.source_id, c.ordinal, c.start_s, c.end_s, c.text, c.marks, "
            "f.name, f.path FROM json_each(%s) AS wanted CROSS JOIN chunks c ON c.id = wanted.value "
            "JOIN files f ON f.id = c.file_id WHERE f.removed_at IS NULL",
            [json.dumps(list(ids))],
        )
        return {row[0]: Passage._make(row) for row in cursor.fetchall()}


@dataclass(kw_only=True)
class Moment:
    """The best chunk of a stretch, with the stretch's end."""

    chunk: Passage
    score: float
    end_s: float | None
    rank: int


def moments_of(scores: Mapping[int, float], rows: Mapping[int, Passage], asked: Query) -> list[Moment]:
    """One moment for chunks that follow each other, in the order of the best of each.

    `scores` is ordered, best first. Chunks with a word that must not be there are left out.
    """
    moments: list[Moment] = []
    by_place: dict[tuple[int, str, int, int], Moment] = {}
    for chunk_id, score in scores.items():
        chunk = rows.get(chunk_id)
        if chunk is None or find(chunk.text, asked.excluded).terms_found:
            continue
        place = (chunk.file_id, chunk.source_kind, chunk.source_id)
        beside = (by_place.get((*place, chunk.ordinal + step)) for step in (-1, 1))
        near = min((one for one in beside if one and _continues(one, chunk)), key=lambda one: one.rank, default=None)
        if near is None:
            near = Moment(chunk=chunk, score=score, end_s=chunk.end_s, rank=len(moments))
            moments.append(near)
        near.end_s = _later(near.end_s, chunk.end_s)
        by_place[(*place, chunk.ordinal)] = near
    return moments


#: Elements and chapters are listed one after the other, but each is a moment of its own.
_RUNNING = (Chunk.Kind.TRANSCRIPT, Chunk.Kind.SUMMARY, Chunk.Kind.VIDEO)


def _continues(moment: Moment, neighbour: Passage) -> bool:
    if neighbour.source_kind in _RUNNING:
        return True
    return (moment.chunk.start_s, moment.chunk.end_s) == (neighbour.start_s, neighbour.end_s)


def _later(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)
