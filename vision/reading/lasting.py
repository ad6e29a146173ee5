"""The same line over many frames is one moment, with start and end. Pure."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from vision.reading.engine import ScreenLine

#: So alike are two readings of one line: a letter in five may be read otherwise.
ALIKE = 0.8
#: A frame in which a line is hidden for a moment does not end it.
FRAMES_MISSED = 1


@dataclass(kw_only=True)
class LastingLine:
    """A line of text from second to second, as the reader was surest of it."""

    text: str
    confidence: float
    start_s: float
    end_s: float
    key: str
    last_frame: int


def lasting_lines(frames: Iterable[tuple[float, Sequence[ScreenLine]]], *, end_s: float) -> list[LastingLine]:
    """Lines with their times, in order of their start, from what stands in each frame: (second, lines), in order.

    A line lasts until the first frame without it, the last ones until `end_s`.
    """
    done: list[LastingLine] = []
    on_screen: list[LastingLine] = []
    for number, (at_s, lines) in enumerate(frames):
        for line in lines:
            key = _key(line.text)
            same = max(on_screen, key=lambda other: _likeness(other.key, key), default=None)
            if same is not None and _likeness(same.key, key) >= ALIKE:
                same.last_frame, same.end_s = number, end_s
                if line.confidence > same.confidence:
                    same.text, same.confidence, same.key = line.text, line.confidence, key
            else:
                on_screen.append(
                    LastingLine(
                        text=line.text, confidence=line.confidence, start_s=at_s, end_s=end_s, key=key,
                        last_frame=number,
                    )
                )  # fmt: skip
        for gone in [line for line in on_screen if line.last_frame < number - FRAMES_MISSED]:
            on_screen.remove(gone)
            done.append(gone)
        for lasting in on_screen:
            if lasting.last_frame == number - 1:  # its first frame without it
                lasting.end_s = at_s
    return sorted([*done, *on_screen], key=lambda line: (line.start_s, line.end_s))


def _key(text: str) -> str:
    """What is compared: letters and digits alone, without case and marks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if character.isalnum())


def _likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if min(len(one), len(other)) < ALIKE * max(len(one), len(other)):
        return 0.0
    if any(character.isdigit() for character in one + other):
        digits = ("".join(filter(str.isdigit, text)) for text in (one, other))
        if len(set(digits)) > 1:  # a clock or a job number that is another one is another line
            return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
