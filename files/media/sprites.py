"""The sheet of small pictures that the player shows while scrubbing. Pure."""

import math
from dataclasses import dataclass

MOST_CELLS = 100
COLUMNS = 10
CELL_LONG_SIDE = 160
#: For a source that does not say how long it is.
UNKNOWN_DURATION_INTERVAL_S = 10.0
#: A rest shorter than this part of an interval gets no cell: sound often ends a little after the picture.
IGNORED_REST = 0.1


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """A grid of cells, each `interval_s` long, left to right, then down."""

    interval_s: float
    columns: int
    rows: int
    width: int  # of one cell
    height: int

    @property
    def cells(self) -> int:
        return self.columns * self.rows


def plan(duration_s: float | None, width: int, height: int) -> Sprite:
    """A grid for a clip: at most 100 cells, none shorter than a second."""
    interval_s = max(1.0, math.ceil(duration_s / MOST_CELLS * 10) / 10) if duration_s else UNKNOWN_DURATION_INTERVAL_S
    cells = _cells(duration_s, interval_s) if duration_s else MOST_CELLS
    columns = min(COLUMNS, cells)
    factor = CELL_LONG_SIDE / max(width, height)
    return Sprite(
        interval_s=interval_s,
        columns=columns,
        rows=math.ceil(cells / columns),
        width=max(2, 2 * round(width * factor / 2)),
        height=max(2, 2 * round(height * factor / 2)),
    )


def write_vtt(sprite: Sprite, duration_s: float, image: str = "sprite.jpg") -> str:
    """WebVTT whose cues name a rectangle of `image` (media fragments, W3C `#xywh=`) each."""
    cues = ["WEBVTT"]
    for cell in range(min(sprite.cells, _cells(duration_s, sprite.interval_s))):
        start_s = cell * sprite.interval_s
        end_s = min(start_s + sprite.interval_s, max(duration_s, start_s + 0.001))
        x, y = cell % sprite.columns * sprite.width, cell // sprite.columns * sprite.height
        cues.append(f"{_stamp(start_s)} --> {_stamp(end_s)}\n{image}#xywh={x},{y},{sprite.width},{sprite.height}")
    return "\n\n".join(cues) + "\n"


def cell_at(sprite: Sprite, at_s: float) -> tuple[int, int, int, int]:
    """The rectangle (left, top, right, bottom) of the cell that shows second `at_s`."""
    cell = min(sprite.cells - 1, max(0, int(at_s / sprite.interval_s)))
    x, y = cell % sprite.columns * sprite.width, cell // sprite.columns * sprite.height
    return x, y, x + sprite.width, y + sprite.height


def _cells(duration_s: float, interval_s: float) -> int:
    return max(1, math.ceil(duration_s / interval_s - IGNORED_REST))


def _stamp(at_s: float) -> str:
    seconds, milliseconds = divmod(round(at_s * 1000), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
