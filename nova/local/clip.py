"""What the free local model is given: a clip with its cuts and what is spoken in it. Pure, offline, deterministic.

The model does not understand anything. Each analysis type says in its own module (`nova/types/`) what it makes of a
clip: it picks sentences and words, puts chapters where the picture changes, and leaves empty what it cannot know.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ENDS = (".", "!", "?", "…", "。", "！", "？")


@dataclass(frozen=True)
class SpokenLine:
    """A stretch of speech, in seconds from the start of the source."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a clip: `cuts` are (second, strength), `faults` what could not be seen, in sentences."""

    duration_s: float
    cuts: Sequence[tuple[float, float]]
    lines: Sequence[SpokenLine]
    name: str = ""
    language: str = ""
    faults: Sequence[str] = ()

    def pauses(self) -> list[tuple[float, float]]:
        """Where nobody speaks between two lines: (start of the next line, length of the pause)."""
        pairs = zip(self.lines, self.lines[1:], strict=False)
        return [
            (after.start_s, after.start_s - before.end_s) for before, after in pairs if after.start_s > before.end_s
        ]

    def lines_between(self, start_s: float, end_s: float) -> list[SpokenLine]:
        """The lines whose middle lies in this stretch."""
        return [line for line in self.lines if start_s <= (line.start_s + line.end_s) / 2 < end_s]


def sentence(text: str) -> str:
    """A text on one line with a full stop, if nothing else ends it."""
    line = " ".join(text.split())
    return line if line.endswith(ENDS) else f"{line}."


def duration_in_words(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
