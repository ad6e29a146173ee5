"""Which frames of a video are worth looking at. Pure: it is shown one small picture after the other.

Each shot gives at least one frame, a long one another every few seconds. What is black, of one colour, or the same as
the frame kept before it is passed over. In each stretch the calmest frame is taken: neither blurred nor half a
dissolve.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: What a frame is looked at in: planes Y, U and V, so many cells across and down.
GRID = (64, 36)
#: Mean change of brightness (0 to 255) that a cut has at least, and how far it stands out of the changes around it.
CUT_AT_LEAST, CUT_ABOVE_NEIGHBOURS, NEIGHBOURS = 12.0, 3.0, 8
#: How far a cell's brightness or colour differs where something is there: encoding alone makes less.
OTHER_BRIGHTNESS, OTHER_COLOUR = 14, 10
#: A picture with fewer cells of another colour than most has nothing in it; a short word of a title has some twenty.
SHOWN_CELLS = 10
#: As few changed cells are a cursor or a clock; a new line of text on a slide changes more.
CHANGED_CELLS = 5
#: The next frame is looked for in the last part of the time that may pass without one.
WINDOW_PART = 0.25
#: Mean change of brightness of a picture that stands still: what encoding alone makes.
STILL_CHANGE = 0.3
#: The first frame of a shot lies near its beginning.
FIRST_WITHIN_S = 1.0

Cells = NDArray[np.uint8]


@dataclass(kw_only=True)
class Look:
    """One look at a video: uint8 (3, 36, 64) cells at a second, and how much changed since the look before.

    `picture` is whatever the caller wants back when the look is chosen.
    """

    at_s: float
    cells: Cells
    picture: object = None
    change: float = 0.0


class FramePicker:
    """Shown all looks at a video in order, it gives back those that are worth keeping."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.shots = self.blank = self.same = 0
        self._ahead: deque[Look] = deque()
        self._behind: deque[float] = deque(maxlen=NEIGHBOURS)
        self._before: Cells | None = None
        self._kept: Look | None = None
        #: The best of the stretch that is looked through now, and the seconds between which that lies.
        self._best: Look | None = None
        self._opens_s = self._closes_s = 0.0
        self._is_first_of_shot = True

    def show(self, look: Look) -> Iterator[Look]:
        """Take one more look in. Yields what is certain to be kept by now, which is of some seconds before."""
        if self._before is not None:
            look.change = float(np.abs(look.cells[0].astype(np.int16) - self._before[0]).mean())
        self._before = look.cells
        self._ahead.append(look)
        if len(self._ahead) > NEIGHBOURS:
            yield from self._judge()

    def end(self) -> Iterator[Look]:
        """After the last look: what is kept of the rest."""
        while self._ahead:
            yield from self._judge()
        yield from self._end_shot()

    def _judge(self) -> Iterator[Look]:
        """The oldest look that waits, now that those after it are known."""
        look = self._ahead.popleft()
        if not self.shots or self._is_cut(look):
            yield from self._end_shot()
            self.shots += 1
            self._is_first_of_shot = True
            self._opens_s, self._closes_s = look.at_s, look.at_s + min(FIRST_WITHIN_S, self.every_s * WINDOW_PART)
        self._behind.append(look.change)
        if self._best is not None and look.at_s > self._closes_s:
            yield from self._close(self._best)
        if self._has_settled(look):
            yield from self._close(look)
        if look.at_s < self._opens_s:
            return
        if is_blank(look.cells):
            self.blank += 1
        elif self._best is None or look.change < self._best.change:
            self._best = look

    def _has_settled(self, look: Look) -> bool:
        """Whether the picture stands still again and shows something else: the next slide, one more line on it."""
        if self._kept is None or self._is_first_of_shot or look.change > STILL_CHANGE:
            return False
        return is_other(self._kept.cells, look.cells) and not is_blank(look.cells)

    def _is_cut(self, look: Look) -> bool:
        if look.change < CUT_AT_LEAST:
            return False
        usual = float(np.median([*self._behind, *(other.change for other in self._ahead)] or [0.0]))
        return look.change >= CUT_ABOVE_NEIGHBOURS * max(usual, 1.0)

    def _end_shot(self) -> Iterator[Look]:
        """A shot too short for its first stretch gives its frame now; of a later stretch nothing is needed."""
        if self._best is not None and self._is_first_of_shot:
            yield from self._close(self._best)
        self._best = None

    def _close(self, best: Look) -> Iterator[Look]:
        """Keep the best of a stretch, unless it shows what is kept already, and set the next stretch."""
        self._best, self._is_first_of_shot = None, False
        self._closes_s = best.at_s + self.every_s
        self._opens_s = self._closes_s - self.every_s * WINDOW_PART
        if self._kept is not None and not is_other(self._kept.cells, best.cells):
            self.same += 1
            return
        self._kept = best
        yield best


def is_blank(cells: Cells) -> bool:
    """Whether there is nothing to see: black, or all of one colour."""
    usual = np.median(cells, axis=(1, 2), keepdims=True).astype(np.uint8)
    return _cells_apart(cells, usual) < SHOWN_CELLS


def is_other(cells: Cells, others: Cells) -> bool:
    """Whether the one shows anything that the other does not."""
    return _cells_apart(cells, others) > CHANGED_CELLS


def _cells_apart(cells: Cells, others: Cells) -> int:
    apart = np.abs(cells.astype(np.int16) - others.astype(np.int16))
    return int((apart > _APART[:, None, None]).any(axis=0).sum())


_APART = np.array([OTHER_BRIGHTNESS, OTHER_COLOUR, OTHER_COLOUR], dtype=np.int16)
