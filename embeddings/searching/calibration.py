"""What a space is worth for a question, learnt from the library itself, and from what unrelated questions reach in it.

* *Trust*: some hundred chunks are probes. A good space puts what is said just before and after a chunk near it; the
  reciprocal rank of these neighbours tells how well it knows such texts. A question is judged by the probes near to it,
  so by those in its own language and on its own subjects, whichever these are: nobody names a language.
* *Floor*: what everyday questions reach at most that the library has no answer to.
* *Usual* and *spread*: what the question itself reaches among the probes.

Kept with the space, worked out again when it has grown. In a paid space no unrelated question is asked: its provider's
floor stands.
"""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection

from embeddings.indexing import spaces
from embeddings.models import KIND_CODES, Calibration, Chunk, Embedding, Space
from embeddings.registry import provider_for
from embeddings.searching import semantic
from embeddings.searching.evidence import Reach, spread_of
from embeddings.searching.unrelated import QUESTIONS
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.vectors import Floats

PROBES = 384
#: Below so many vectors there is nothing to learn.
AT_LEAST = 64
#: It is learnt again when the space has grown, or shrunk, by this factor.
GROWN = 1.5
#: So many probes near to a question judge it.
NEAREST = 24
#: Standard deviations above what unrelated questions reach on average.
ABOVE_UNRELATED = 3.0
#: Standard deviations above the usual, below which a chunk is left out even beside good ones: a flat floor is none in a
#: model whose unrelated texts lie at .75.
ABOVE_USUAL = 1.5
#: What a space is worth before anything is known of it.
UNKNOWN_TRUST = 0.5
#: How far from a probe its neighbours are looked for.
RANKS = 100


@dataclass(frozen=True)
class Learnt:
    """A calibration in memory: float32 rows, unit length."""

    made_at: datetime
    probes: Floats
    worth: Floats
    reached: Floats

    def reach(self, space: Space, question: Floats) -> Reach:
        """What this question can be expected to reach."""
        provider = provider_for(space.key)
        floor = provider.floor
        usual, spread, trust = 0.0, max(floor, 0.05) / 2.5, UNKNOWN_TRUST
        if len(self.probes):
            cosines = self.probes @ question
            usual, spread = spread_of(cosines)
            trust = float(self.worth[np.argsort(-cosines)[:NEAREST]].mean())
        tail_floor = max(provider.floor, usual + ABOVE_USUAL * spread) if len(self.probes) else provider.floor
        if len(self.reached):
            floor = max(floor, float(self.reached.mean() + ABOVE_UNRELATED * self.reached.std()))
        return Reach(
            usual=usual,
            spread=spread,
            floor=floor,
            tail_floor=tail_floor,
            trust=trust,
            is_calibrated=len(self.reached) > 0,
        )


_learnt: dict[tuple[str, int], Learnt] = {}
_lock = threading.Lock()


def reach_of(space: Space, question: Floats) -> Reach:
    """What a question reaches in a space; by the provider's word where nothing was learnt yet."""
    learnt = learnt_of(space)
    if learnt is not None:
        return learnt.reach(space, question)
    floor = provider_for(space.key).floor
    return Reach(usual=0.0, spread=max(floor, 0.05) / 2.5, floor=floor, tail_floor=floor)


def learnt_of(space: Space) -> Learnt | None:
    """The space's calibration, read once a process for each that is made."""
    made_at = Calibration.objects.filter(space=space).values_list("made_at", flat=True).first()
    if made_at is None:
        return None
    place = (str(connection.settings_dict["NAME"]), space.pk)
    with _lock:
        known = _learnt.get(place)
        if known is None or known.made_at != made_at:
            row = Calibration.objects.get(space=space)
            with np.load(io.BytesIO(bytes(row.data))) as arrays:
                named: dict[str, Any] = {name: arrays[name].astype(np.float32) for name in arrays.files}
            known = _learnt[place] = Learnt(row.made_at, **named)
        return known


def learn_if_due(space: Space) -> bool:
    """Learn what a space is worth where it has grown since. Returns whether it did."""
    if store().problem():
        return False
    count = len(bit_matrix.snapshot_of(space))
    before = Calibration.objects.filter(space=space).values_list("vectors", flat=True).first() or 0
    if count < AT_LEAST or (before and before / GROWN < count < before * GROWN):
        return False
    learn(space)
    return True


def learn(space: Space) -> None:
    """Work out a space's calibration: some hundred searches by vectors that are there, and unrelated questions."""
    probes, worth = _probed(space)
    reached = _reached_by_chance(space)
    data = io.BytesIO()
    np.savez(data, probes=probes.astype("<f2"), worth=worth, reached=reached)
    count = len(bit_matrix.snapshot_of(space))
    row = Calibration.objects.filter(space=space).first() or Calibration(space=space)
    row.remake(vectors=count, data=data.getvalue())


def _probed(space: Space) -> tuple[Floats, Floats]:
    """Chunks spread evenly over the space, and the reciprocal rank at which each has its neighbours."""
    spoken = Embedding.objects.filter(space=space, kind_code=KIND_CODES[Chunk.Kind.TRANSCRIPT]).order_by(
        "file_id", "id"
    )
    pks = list(spoken.values_list("pk", flat=True))
    if not pks:
        pks = list(Embedding.objects.filter(space=space).order_by("file_id", "id").values_list("pk", flat=True))
    return neighbour_worth(space, spread_evenly(pks, PROBES))


def spread_evenly(pks: Sequence[int], count: int) -> Sequence[int]:
    """So many of these, from the first to the last."""
    return pks[:: max(1, len(pks) // count)][:count]


def neighbour_worth(space: Space, pks: Sequence[int]) -> tuple[Floats, Floats]:
    """The vectors of these embeddings, as far as they have neighbours, and the reciprocal rank at which each finds one:
    what is said just before or after it. 1 = before all others; 0 = not among the first hundred.
    """
    ids, vectors = store().fetch(space.pk, list(pks), space.dimension)
    chunk_ids = dict(Embedding.objects.filter(pk__in=ids).values_list("pk", "chunk_id"))
    chunks = Chunk.objects.defer("text", "marks", "variants", "spaced").in_bulk(chunk_ids.values())
    scope = semantic.SearchScope(kind_codes=(KIND_CODES[Chunk.Kind.TRANSCRIPT],))
    worth = np.full(len(ids), np.nan, dtype=np.float32)  # of a chunk without a neighbour nothing can be said
    for place, pk in enumerate(ids):
        chunk = chunks[chunk_ids[pk]]
        beside = Chunk.objects.filter(
            source_kind=chunk.source_kind, source_id=chunk.source_id, ordinal__in=(chunk.ordinal - 1, chunk.ordinal + 1)
        )
        wanted = set(beside.values_list("pk", flat=True))
        if not wanted:
            continue
        near = semantic.nearest(space, vectors[place], scope, limit=RANKS)
        others = [hit.chunk_id for hit in near if hit.chunk_id != chunk.pk]
        rank = next((rank for rank, chunk_id in enumerate(others, start=1) if chunk_id in wanted), 0)
        worth[place] = 1 / rank if rank else 0.0
    is_judged = ~np.isnan(worth)
    return vectors[is_judged], worth[is_judged]


def _reached_by_chance(space: Space) -> Floats:
    """The cosine that each unrelated question reaches at most. Empty in a space where asking costs money."""
    provider = spaces.provider_of(space)
    if provider.is_paid or provider.problem():
        return np.empty(0, np.float32)
    scope = semantic.SearchScope(kind_codes=(KIND_CODES[Chunk.Kind.TRANSCRIPT],))
    best = [semantic.nearest(space, vector, scope, limit=1) for vector in provider.embed(QUESTIONS, purpose="query")]
    return np.array([near[0].similarity if near else 0.0 for near in best], dtype=np.float32)
