"""Semantic search: the chunks that mean the same, best first. Bits for the coarse pass, float32 for the truth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.models import KIND_CODES, Chunk, Space
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.vectors import Floats

#: How many coarse candidates may be rescored. Measured recall@10 of 100,000 at 1024-d: on clustered vectors 0.998 at
#: 50 and 1.0 at 100; on vectors without any order within a cluster 0.92 at 128 and 1.0 at 200.
RESCORED = 256
#: The fewer numbers a vector has, the less its signs say, and the more vectors there are, the more lie in between. Of
#: 57,000 clustered vectors the ten nearest were among 256 candidates in .998 at 1024-d, .995 at 768-d, .928 at 384-d,
#: where 1,024 candidates brought .995.
FULL_DIMENSION, FEW_VECTORS, BY_DIMENSION = 1024, 57_000, 1.41
#: How many more than were asked for are rescored at once, and by how many times what those were judged wrongly by (RMS)
#: another may still rise: most searches read a sixth of the vectors that they otherwise would.
AT_ONCE = 30
DEVIATIONS = 3.5


@dataclass(frozen=True)
class SearchScope:
    """Which vectors may answer: None is no condition."""

    files: NDArray[np.int64] | None = None
    kind_codes: tuple[int, ...] | None = None
    but_file: int | None = None
    chunks: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class NearestVector:
    """A chunk and its cosine similarity to the question."""

    chunk_id: int
    similarity: float
    is_name: bool = False


def nearest(space: Space, vector: Floats, scope: SearchScope, *, limit: int) -> list[NearestVector]:
    """At most `limit` chunks, most similar first. Raises ExtensionUnavailableError."""
    snapshot = bit_matrix.at_hand(space)
    found, generation = _rescored(space, snapshot, vector, scope, limit)
    if generation != snapshot.generation:
        current = bit_matrix.snapshot_of(space)
        if current is not snapshot:
            found, _ = _rescored(space, current, vector, scope, limit)
    return found


def coarse_count(dimension: int, vectors: int) -> int:
    """How many candidates the coarse pass must bring, for one in a hundred of the ten nearest to be lost at most."""
    by_dimension = math.pow(max(1.0, FULL_DIMENSION / dimension), BY_DIMENSION)
    return round(RESCORED * by_dimension * math.sqrt(max(1.0, vectors / FEW_VECTORS)))


def _rescored(
    space: Space, snapshot: bit_matrix.Snapshot, vector: Floats, scope: SearchScope, limit: int
) -> tuple[list[NearestVector], int]:
    """The best of the coarse candidates by their exact cosines, and the generation of the space that they are of."""
    if not len(snapshot):
        return [], -1
    mask = snapshot.mask(files=scope.files, chunks=scope.chunks, kind_codes=scope.kind_codes, but_file=scope.but_file)
    count = max(coarse_count(space.dimension, len(snapshot)), limit * 2)
    places, expected = snapshot.candidates(vector, count, mask)
    first = slice(limit + AT_ONCE)
    found, cosines, generation = _exact(space, snapshot, places[first], vector)
    others = places[first.stop :][_may_rank(cosines, expected[first].take(found), expected[first.stop :], limit)]
    there = places.take(found)
    if len(others):
        found, more, _ = _exact(space, snapshot, others, vector)
        there, cosines = np.concatenate([there, others.take(found)]), np.concatenate([cosines, more])
    best = np.argsort(-cosines, kind="stable")[:limit]
    chunks, kinds = snapshot.chunks[there[best]].tolist(), snapshot.kinds[there[best]].tolist()
    is_name = KIND_CODES[Chunk.Kind.NAME]
    return [
        NearestVector(chunk, cosine, is_name=kind == is_name)
        for chunk, cosine, kind in zip(chunks, cosines[best].tolist(), kinds, strict=True)
    ], generation


def _exact(
    space: Space, snapshot: bit_matrix.Snapshot, places: bit_matrix.Places, vector: Floats
) -> tuple[bit_matrix.Places, Floats, int]:
    """Which of these places are on record still, their cosines, and the space's generation."""
    found, vectors, generation = store().look_up(space.pk, snapshot.ids[places].tolist(), space.dimension)
    cosines: Floats = np.einsum("ij,j->i", vectors, vector)  # one thread, for the reason given in `bit_matrix._faiss`
    return found, cosines, generation


def _may_rank(cosines: Floats, expected: Floats, of_others: Floats, limit: int) -> NDArray[np.bool_]:
    """Which of the others could be among the best `limit`, if they were judged as wrongly as those that are known."""
    if len(cosines) < limit:
        return np.ones(len(of_others), np.bool_)
    wrong = cosines - expected
    rise = DEVIATIONS * math.sqrt(float(wrong @ wrong) / len(wrong))
    reachable: NDArray[np.bool_] = of_others + rise >= np.sort(cosines)[-limit]
    return reachable
