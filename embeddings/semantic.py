"""Semantic search: the chunks that mean the same, best first. Bits for the coarse pass, float32 for the truth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import matrix, vec
from embeddings.models import KIND_CODES, Chunk, Space
from embeddings.vectors import Floats

#: How many coarse candidates may be rescored. Measured recall@10 of 100,000 at 1024-d: on clustered vectors 0.998 at
#: 50 and 1.0 at 100; on vectors without any order within a cluster 0.92 at 128 and 1.0 at 200.
RESCORED = 256
#: How many more than were asked for are rescored at once, and by how many times what those were judged wrongly by (RMS)
#: another may still rise: most searches read a sixth of the vectors that they otherwise would.
AT_ONCE = 30
DEVIATIONS = 3.5


@dataclass(frozen=True)
class Scope:
    """Which vectors may answer: None is no condition."""

    files: NDArray[np.int64] | None = None
    kind_code: int | None = None
    but_file: int | None = None


@dataclass(frozen=True)
class Near:
    """A chunk and its cosine similarity to the question."""

    chunk_id: int
    similarity: float
    is_name: bool = False


def nearest(space: Space, vector: Floats, scope: Scope, *, limit: int) -> list[Near]:
    """At most `limit` chunks, most similar first. Raises ExtensionUnavailableError."""
    snapshot = matrix.at_hand(space)
    found, generation = _rescored(space, snapshot, vector, scope, limit)
    if generation != snapshot.generation:
        current = matrix.snapshot_of(space)
        if current is not snapshot:
            found, _ = _rescored(space, current, vector, scope, limit)
    return found


def _rescored(
    space: Space, snapshot: matrix.Snapshot, vector: Floats, scope: Scope, limit: int
) -> tuple[list[Near], int]:
    """The best of the coarse candidates by their exact cosines, and the generation of the space that they are of."""
    if not len(snapshot):
        return [], -1
    mask = snapshot.mask(files=scope.files, kind_code=scope.kind_code, but_file=scope.but_file)
    places, expected = snapshot.candidates(vector, max(RESCORED, limit * 2), mask)
    first = limit + AT_ONCE
    best, generation, wrong = _exact(space, snapshot, places[:first], expected[:first], vector)
    others = _may_rank(best, wrong, expected[first:], limit)
    if others.any():
        more, _, _ = _exact(space, snapshot, places[first:][others], expected[first:][others], vector)
        best += more
    return sorted(best, key=lambda near: -near.similarity)[:limit], generation


def _exact(
    space: Space, snapshot: matrix.Snapshot, candidates: matrix.Places, expected: Floats, vector: Floats
) -> tuple[list[Near], int, float]:
    """These candidates as far as they still are, the space's generation, and how wrong the expectations were (RMS)."""
    places, vectors, generation = vec.look_up(space.pk, snapshot.ids[candidates].tolist(), space.dimension)
    cosines = np.einsum("ij,j->i", vectors, vector)  # one thread, for the reason given in `matrix._faiss`
    wrong = cosines - expected.take(places)
    there = candidates.take(places)
    chunks, kinds = snapshot.chunks[there].tolist(), snapshot.kinds[there].tolist()
    near = [
        Near(chunk, cosine, is_name=kind == KIND_CODES[Chunk.Kind.NAME])
        for chunk, cosine, kind in zip(chunks, cosines.tolist(), kinds, strict=True)
    ]
    return near, generation, math.sqrt(float(wrong @ wrong) / max(len(wrong), 1))


def _may_rank(best: list[Near], wrong: float, expected: Floats, limit: int) -> NDArray[np.bool_]:
    """Which of the others could be among the best `limit`, if they were judged as wrongly as those."""
    if len(best) < limit:
        return np.ones(len(expected), np.bool_)
    last = sorted(near.similarity for near in best)[-limit]
    reachable: NDArray[np.bool_] = expected + DEVIATIONS * wrong >= last
    return reachable
