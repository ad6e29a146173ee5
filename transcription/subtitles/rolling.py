"""Captions that roll: each shows the lines of the one before it once more, as machines write them under live speech."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

#: Captions that roll follow each other without a gap; clocks are rounded.
LARGEST_GAP_S = 0.1
LEAST_ROLLS = 2


@dataclass(frozen=True)
class ReadCue:
    """What stands in a file: seconds, and lines of plain text."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    speaker: str = ""


def unrolled(cues: Sequence[ReadCue]) -> list[ReadCue]:
    """The cues with each line once, where it first appears, if these captions roll; else as they are.

    They roll where a cue begins with the end of the one before it and goes on with something new. A refrain that is
    only repeated does not.
    """
    if not cues:
        return []
    shared = [0, *(shared_lines(before, cue) for before, cue in pairwise(cues))]
    rolls = sum(0 < count < len(cue.lines) for count, cue in zip(shared, cues, strict=True))
    if rolls < LEAST_ROLLS or sum(map(bool, shared)) * 2 < len(cues) - 1:
        return list(cues)
    kept: list[ReadCue] = []
    for cue, count in zip(cues, shared, strict=True):
        if count < len(cue.lines):
            kept.append(replace(cue, lines=cue.lines[count:]))
        elif kept:  # nothing new: what was shown last stays a little longer
            kept[-1] = replace(kept[-1], end_s=max(kept[-1].end_s, cue.end_s))
    return kept


def shared_lines(before: ReadCue, cue: ReadCue) -> int:
    """How many lines at the beginning of a cue are those at the end of the one before."""
    if cue.start_s - before.end_s > LARGEST_GAP_S:
        return 0
    longest = min(len(before.lines), len(cue.lines))
    return next((n for n in range(longest, 0, -1) if before.lines[-n:] == cue.lines[:n]), 0)
