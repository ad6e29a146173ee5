"""How far a picture stands out for a question. Pure.

One flat limit does not hold: the right picture of one question lies below wrong ones of another. So a question is
judged by itself. Its vector is taken without what it has in common with captions that have nothing to do with
anything: what is left of a picture's likeness to it is the *margin*. How far a margin lies above those of a sample of
the library, in widths of the sample's lower half (which what was asked for does not stretch), is how far it *stands
out*. What captions without a meaning for this library reach in both is the floor, learnt from the library itself.
"""

import math
from dataclasses import dataclass

import numpy as np

from embeddings.vectors import Floats

#: So many of the unrelated captions lie below the floor: a few may be what the library shows, by chance.
FLOOR_QUANTILE = 0.9
#: Below this no model means anything, however even a small library is.
LEAST_MARGIN = 0.03
#: Of a margin so much above the floor it does not matter whether it stands out: a library may be of one thing only.
PLAIN_MARGIN = 1.5
#: A sample of fewer frames says nothing of how far one stands out.
LEAST_SAMPLE = 30
#: Standing out by less than this more than the floor is a guess.
GUESS = 1.15


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What a picture must reach in a space: learnt from `sample` frames of the library."""

    margin: float
    stands_out: float
    sample: int


@dataclass(frozen=True, kw_only=True)
class PictureQuestion:
    """A question, ready to be compared: float32 (dimension,), and how the sample lies for it."""

    vector: Floats
    middle: float
    width: float

    def stands_out(self, margin: float) -> float:
        """How far a margin lies above the sample's, in its widths."""
        return (margin - self.middle) / self.width


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a picture is for a question."""

    is_found: bool
    is_guess: bool = False
    #: By how many widths it stands out beyond what is needed.
    lead: float = 0.0


def question_of(vector: Floats, captions: Floats, sample: Floats) -> PictureQuestion:
    """The question behind a unit vector, by unrelated captions and a sample: float32 (n, dimension)."""
    own: Floats = vector - captions.mean(axis=0)
    # One thread, as in `embeddings.stores.bit_matrix`: several that wait for each other took fourteen milliseconds.
    middle, width = spread(np.einsum("ij,j->i", sample, own))
    return PictureQuestion(vector=own, middle=middle, width=width)


def learn(captions: Floats, sample: Floats) -> Floor:
    """The floor of a space: what each unrelated caption reaches at most over the sample, judged as a question is."""
    margins, standings = [], []
    for place in range(len(captions)):
        others = np.delete(captions, place, axis=0)
        question = question_of(captions[place], others, sample)
        best = float((sample @ question.vector).max(initial=0.0))
        margins.append(best)
        standings.append(question.stands_out(best))
    return Floor(
        margin=max(LEAST_MARGIN, float(np.quantile(margins, FLOOR_QUANTILE))) if margins else LEAST_MARGIN,
        stands_out=float(np.quantile(standings, FLOOR_QUANTILE)) if standings else 0.0,
        sample=len(sample),
    )


def judge(margin: float, question: PictureQuestion, floor: Floor, *, library: int) -> Judgement:
    """Whether a picture is what is asked for. Of more frames than the sample had the best lies higher by chance."""
    if margin < floor.margin:
        return Judgement(is_found=False)
    needed = floor.stands_out + _rise(floor.sample, library)
    stands_out = question.stands_out(margin)
    lead = max(0.0, stands_out - needed)
    if floor.sample < LEAST_SAMPLE or margin >= PLAIN_MARGIN * floor.margin:
        return Judgement(is_found=True, is_guess=margin < GUESS * floor.margin, lead=lead)
    return Judgement(is_found=stands_out >= needed, is_guess=stands_out < GUESS * needed, lead=lead)


def spread(margins: Floats) -> tuple[float, float]:
    """The middle, and the width of the lower half: one standard deviation where they lie as in a bell."""
    if not len(margins):
        return 0.0, 1.0
    middle, low = np.quantile(margins, [0.5, 0.1587])
    return float(middle), max(float(middle - low), 1e-4)


def _rise(sample: int, library: int) -> float:
    """How much higher the largest of `library` values of a bell lies than that of `sample`, in standard deviations."""
    return math.sqrt(2 * math.log(max(library, sample, 2))) - math.sqrt(2 * math.log(max(sample, 2)))
