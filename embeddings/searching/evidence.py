"""How much a find says: words and meaning in one measure, so that both can be weighed against each other. Pure.

The measure is the nat: how improbable it is that a chunk has so much of the question by chance. BM25 counts a word by
the logarithm of its rarity, so its score is one already. A cosine becomes one by how far it stands out from what the
question reaches elsewhere in the library. In what meaning says the space is then trusted as far as it has earned it
(`calibration`): where a model does not know a language, its neighbours are chance, and words decide alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from embeddings.vectors import Floats

#: Meaning in full trust, against words. On questions in the words of the recording and in others, and in languages that
#: the model knows well, a little and not at all, hybrid was nowhere below the better of its parts from 4 to 6.
MEANING_WEIGHT = 6.0
#: What a chunk with every word of the question has before others.
WHOLE_NATS = 5.0
#: Beyond the logarithm of the chunks that there are, which is what chance alone finds somewhere.
ABOVE_CHANCE = 1.5
#: A question is answered where one chunk reaches so much of the two floors together; a floor alone is 1.
JOINT_FLOOR = 1.6
#: And where one alone reaches so much of its floor.
WORDS_ALONE, MEANING_ALONE = 1.4, 1.2
#: Standard deviations by which the best must stand out for meaning to answer.
STANDS_OUT = 2.3
#: Chunks with less of the question's words than this part of the best are left out beside it.
PARTIAL_SHARE = 0.35
#: In a library of so few chunks nothing can be said about chance.
FEW_CHUNKS = 64


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What one question reaches in a space: the usual cosine, its spread, the floor, and how far meaning is trusted.

    `tail_floor` is the cosine below which a chunk is left out even beside good ones.
    """

    usual: float
    spread: float
    floor: float
    tail_floor: float
    trust: float = 0.5
    is_calibrated: bool = False

    def standing_out(self, cosine: float) -> float:
        return (cosine - self.usual) / self.spread

    def nats(self, cosine: float) -> float:
        """How improbable it is that an unrelated chunk comes so close: the tail of a normal distribution."""
        z = max(0.0, self.standing_out(cosine))
        return z * z / 2 + math.log(math.sqrt(2 * math.pi) * z + 2)


@dataclass(frozen=True, kw_only=True)
class WordEvidence:
    """Chunks that have words of the question, with what BM25 says; `whole` are those that have every one."""

    nats: Mapping[int, float] = field(default_factory=dict)
    whole: frozenset[int] = frozenset()
    #: How many chunks there are.
    count: int = 0

    @property
    def floor(self) -> float:
        return math.log(self.count) + ABOVE_CHANCE if self.count > FEW_CHUNKS else 0.0


def fused(words: WordEvidence, cosines: Mapping[int, float], reach: Reach) -> dict[int, float]:
    """The evidence for each chunk that answers, best first; empty where nothing does."""
    if not is_answered(words, cosines, reach):
        return {}
    least_words = PARTIAL_SHARE * max(words.nats.values(), default=0.0)
    close = {chunk for chunk, cosine in cosines.items() if cosine >= reach.tail_floor}
    partial = {chunk for chunk, nats in words.nats.items() if nats >= least_words}
    weight = MEANING_WEIGHT * reach.trust
    farthest = min(cosines.values(), default=reach.usual)
    scores = {
        chunk: words.nats.get(chunk, 0.0)
        + weight * reach.nats(cosines.get(chunk, farthest))
        + WHOLE_NATS * (chunk in words.whole)
        for chunk in (*words.nats, *cosines)
        if chunk in close or chunk in partial or chunk in words.whole
    }
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def is_answered(words: WordEvidence, cosines: Mapping[int, float], reach: Reach) -> bool:
    """Whether anything has to do with the question. Nonsense has a word here and a likeness there, no chunk both."""
    if words.whole:
        return True
    if not reach.is_calibrated or not words.floor:
        return bool(words.nats) or any(cosine >= reach.floor for cosine in cosines.values())
    by_words = {chunk: nats / words.floor for chunk, nats in words.nats.items()}
    by_meaning = {chunk: max(0.0, cosine) / reach.floor for chunk, cosine in cosines.items()}
    return (
        max(by_words.values(), default=0.0) >= WORDS_ALONE
        or (max(by_meaning.values(), default=0.0) >= MEANING_ALONE and stands_out(cosines, reach))
        or any(close + by_meaning.get(chunk, 0.0) >= JOINT_FLOOR for chunk, close in by_words.items())
    )


def stands_out(cosines: Mapping[int, float], reach: Reach) -> bool:
    """Whether what is closest is closer than chance: in a language that the model does not know, nothing is."""
    return not reach.is_calibrated or reach.standing_out(max(cosines.values(), default=-1.0)) >= STANDS_OUT


def spread_of(cosines: Floats) -> tuple[float, float]:
    """The mean and the standard deviation of what a question reaches."""
    return float(np.mean(cosines)), max(float(np.std(cosines)), 1e-6)
