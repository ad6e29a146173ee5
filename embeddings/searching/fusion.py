"""Ranked lists into one list. Pure."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

#: Cormack, Clarke and Buettcher 2009: how fast the weight of a place falls. 60 is their value, and nobody's quarrel.
RRF_K = 60
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Ranking:
    """Keys, best first, and how much a place in this list counts."""

    keys: Sequence[Hashable]
    weight: float = 1.0


def reciprocal_rank(rankings: Iterable[Ranking], *, k: int = RRF_K) -> dict[Hashable, float]:
    """Each key's fused score: the sum of weight / (k + place) over the lists that have it, place from 1.

    The result is ordered, best first; ties keep the order in which the lists named them.
    """
    scores: dict[Hashable, float] = {}
    for ranking in rankings:
        for place, key in enumerate(dict.fromkeys(ranking.keys), start=1):
            scores[key] = scores.get(key, 0.0) + ranking.weight / (k + place)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def as_fraction(scores: Mapping[Key, float]) -> dict[Key, float]:
    """Scores divided by the best one, so that people read 0 to 1."""
    best = max(scores.values(), default=0.0)
    return {key: score / best if best > 0 else 0.0 for key, score in scores.items()}
