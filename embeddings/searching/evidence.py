"""How much a find says: words and meaning in one measure, so that both can be weighed against each other. Pure.

The measure is the nat: how improbable it is that a chunk has so much of the question by chance. BM25 counts a word by
the logarithm of its rarity, so its score is one already; as much as chance finds somewhere among so many chunks says
nothing, so words count from there on. A cosine becomes one by how far it stands out from what the question reaches
elsewhere in the library: where what answers lies in a bell of its own beside that of all others, its logarithm of odds
grows with the distance. In what meaning says the space is then trusted as far as it has earned it (`calibration`):
where a model does not know a language, its neighbours are chance, and words decide alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from embeddings.vectors import Floats

#: What a standard deviation is worth in nats where a space is trusted fully. By 18 sets of questions (in the words of
#: the recording and in others, in languages that a model knows well, a little and not at all, with an English and a
#: multilingual model), hybrid was at most .05 below the better of its parts in the first five, and on the whole above.
NATS_A_DEVIATION = 30.0
#: A space that knows a little of a language knows less than that of what is asked in it.
TRUST_POWER = 1.5
#: How much words count that reach no more than chance finds. They count fully at twice that.
CHANCE_WORDS = 0.05
#: What a chunk with every word of the question has before others: more than meaning says of nearly any. With 5, a name
#: that stood in one chunk came first in half of the cases; questions of many words are hardly ever whole anywhere.
WHOLE_NATS = 100.0
#: And what it has before them if it has them as they were typed.
EXACT_NATS = 50.0
#: Beyond the logarithm of the chunks that there are, which is what chance alone finds somewhere.
ABOVE_CHANCE = 1.5
#: A question is answered where one chunk reaches so much of the two floors together; a floor alone is 1.
JOINT_FLOOR = 1.5
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
        """What a cosine says for a chunk, as far as this space is trusted."""
        return math.pow(self.trust, TRUST_POWER) * NATS_A_DEVIATION * max(0.0, self.standing_out(cosine))

    def part_of_floor(self, cosine: float) -> float:
        """How much of the way from the usual cosine to the floor this one goes: 1 reaches it."""
        return max(0.0, cosine - self.usual) / max(self.floor - self.usual, 1e-6)


@dataclass(frozen=True, kw_only=True)
class WordEvidence:
    """Chunks that have words of the question, with what BM25 says; `whole` are those that have every one."""

    nats: Mapping[int, float] = field(default_factory=dict)
    whole: frozenset[int] = frozenset()
    #: Those that have every one as it was typed, and not in another form of it.
    exact: frozenset[int] = frozenset()
    #: How many chunks there are.
    count: int = 0

    @property
    def floor(self) -> float:
        return math.log(self.count) + ABOVE_CHANCE if self.count > FEW_CHUNKS else 0.0

    @property
    def weight(self) -> float:
        """How much words say to this question: little where the best chunk has no more of them than by chance."""
        if self.whole or not self.floor:
            return 1.0
        return min(1.0, max(CHANCE_WORDS, max(self.nats.values(), default=0.0) / self.floor - 1))


def fused(words: WordEvidence, cosines: Mapping[int, float], reach: Reach) -> dict[int, float]:
    """The evidence for each chunk that answers, best first; empty where nothing does."""
    if not is_answered(words, cosines, reach):
        return {}
    least_words = PARTIAL_SHARE * max(words.nats.values(), default=0.0)
    close = {chunk for chunk, cosine in cosines.items() if cosine >= reach.tail_floor}
    partial = {chunk for chunk, nats in words.nats.items() if nats >= least_words}
    weight = words.weight
    farthest = min(cosines.values(), default=reach.usual)
    scores = {
        chunk: weight * words.nats.get(chunk, 0.0)
        + reach.nats(cosines.get(chunk, farthest))
        + WHOLE_NATS * (chunk in words.whole)
        + EXACT_NATS * (chunk in words.exact)
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
    by_meaning = {chunk: reach.part_of_floor(cosine) for chunk, cosine in cosines.items()}
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
