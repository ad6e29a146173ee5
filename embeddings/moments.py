"""Chunks found, as moments: neighbouring chunks of one source are one place in a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from embeddings.models import Chunk
from embeddings.query import Query
from embeddings.snippets import find


@dataclass(kw_only=True)
class Moment:
    """The best chunk of a stretch, with the stretch's end."""

    chunk: Chunk
    score: float
    end_s: float | None
    rank: int


def moments_of(scores: Mapping[int, float], rows: Mapping[int, Chunk], asked: Query) -> list[Moment]:
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


def _continues(moment: Moment, neighbour: Chunk) -> bool:
    if neighbour.source_kind in _RUNNING:
        return True
    return (moment.chunk.start_s, moment.chunk.end_s) == (neighbour.start_s, neighbour.end_s)


def _later(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)
