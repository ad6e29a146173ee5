"""Stretches of a clip in whole frames, as editing programs count. Pure."""

from collections.abc import Iterator, Sequence

from nova.exports.timecode import Rate
from nova.lines import one_line
from nova.types.views import Stretch

NAME_CHARS = 200


def in_frames(stretches: Sequence[Stretch], rate: Rate) -> Iterator[tuple[int, int, Stretch]]:
    """First frame and the one after the last of each stretch: in order, without overlap, none empty."""
    at = 0
    for stretch in sorted(stretches, key=lambda stretch: (stretch.range.start_s, stretch.range.end_s)):
        start = max(at, rate.frames(stretch.range.start_s))
        at = max(start + 1, rate.frames(stretch.range.end_s))
        yield start, at, stretch


def name_line(text: object) -> str:
    """A name on one line, as long as these programs show it."""
    return one_line(str(text), NAME_CHARS)
