"""Chunks found, as moments: neighbouring chunks of one source are one place in a file."""

from collections.abc import Mapping
from dataclasses import dataclass

from embeddings.models import Chunk
from embeddings.query import Query
from embeddings.snippets import Match, find


@dataclass(kw_only=True)
class Moment:
    """The best chunk of a stretch, with the stretch's end."""

    chunk: Chunk
    match: Match
    score: float
    end_s: float | None
    ordinals: set[int]


def moments_of(scores: Mapping[int, float], rows: Mapping[int, Chunk], asked: Query) -> list[Moment]:
    """One moment for chunks that follow each other, in the order of the best of each.

    `scores` is ordered, best first. Chunks with a word that must not be there are left out.
    """
    moments: list[Moment] = []
    by_source: dict[tuple[int, str, int], list[Moment]] = {}
    for chunk_id, score in scores.items():
        chunk = rows.get(chunk_id)
        if chunk is None or find(chunk.text, asked.excluded).terms_found:
            continue
        of_source = by_source.setdefault((chunk.file_id, chunk.source_kind, chunk.source_id), [])
        near = next((one for one in of_source if _continues(one, chunk)), None)
        if near is not None:
            near.ordinals.add(chunk.ordinal)
            near.end_s = _later(near.end_s, chunk.end_s)
            continue
        moment = Moment(
            chunk=chunk, match=find(chunk.text, asked.telling), score=score, end_s=chunk.end_s, ordinals={chunk.ordinal}
        )
        moments.append(moment)
        of_source.append(moment)
    return moments


#: Elements and chapters are listed one after the other, but each is a moment of its own.
_RUNNING = (Chunk.Kind.TRANSCRIPT, Chunk.Kind.SUMMARY, Chunk.Kind.VIDEO)


def _continues(moment: Moment, chunk: Chunk) -> bool:
    if chunk.source_kind not in _RUNNING:
        return (moment.chunk.start_s, moment.chunk.end_s) == (chunk.start_s, chunk.end_s) and bool(
            moment.ordinals & {chunk.ordinal - 1, chunk.ordinal + 1}
        )
    return bool(moment.ordinals & {chunk.ordinal - 1, chunk.ordinal + 1})


def _later(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)
