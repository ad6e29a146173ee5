"""Columns over time as numbers for an inline SVG and for the table behind it. Pure: the template only writes them down.

Widths are in percent, heights in pixels: so a plot fills its place from 360 pixels up, and its words keep their size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10

HEIGHT = 120
#: Room above the columns for the number on the axis.
TOP = 16
#: A sum too small to be seen is drawn this high all the same.
LEAST = 2.0
#: Of the room of a column, so much is drawn.
FILLED = 0.8
Number = Decimal | int


@dataclass(frozen=True, kw_only=True)
class Series:
    """One colour of the columns: what it is called, and its class in the style sheet."""

    name: str
    css: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """One moment: its name, and a number for each series, from the bottom up."""

    label: str
    values: tuple[Number, ...]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A rectangle; `x` and `width` in percent, `y` and `height` in pixels."""

    css: str
    x: str
    width: str
    y: str
    height: str
    text: str


@dataclass(frozen=True, kw_only=True)
class AxisTick:
    """A word under the columns."""

    text: str
    x: str
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawn plot, its words, and its rows as text."""

    key: str
    title: str
    description: str
    series: Sequence[Series]
    bars: Sequence[Bar]
    ticks: Sequence[AxisTick]
    top_text: str
    first_column: str
    rows: Sequence[tuple[str, Sequence[str]]]
    height: int = TOP + HEIGHT
    top: int = TOP
    tick_y: int = TOP + HEIGHT + 16
    full_height: int = TOP + HEIGHT + 22


def draw(
    columns: Sequence[Column],
    series: Sequence[Series],
    *,
    key: str,
    title: str,
    first_column: str,
    shown: Callable[[Number], str],
) -> Plot | None:
    """Stacked columns, drawn to a round number. None where there is nothing to see."""
    highest = max((sum(column.values) for column in columns), default=0)
    if not highest:
        return None
    top = round_up(highest)
    best = max(columns, key=lambda column: sum(column.values))
    total = sum(sum(column.values) for column in columns)
    return Plot(
        key=key,
        title=title,
        description=f"{columns[0].label} to {columns[-1].label}: {shown(total)} together, "
        f"most in {best.label}: {shown(highest)}.",
        series=series,
        bars=[bar for at, column in enumerate(columns) for bar in _bars(at, column, series, len(columns), top, shown)],
        ticks=_ticks(columns),
        top_text=shown(top),
        first_column=first_column,
        rows=[(column.label, [shown(value) for value in column.values]) for column in columns],
    )


def round_up(value: Number) -> Decimal:
    """The next number that begins with 1, 2 or 5."""
    power = Decimal(10) ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if value <= step * power)


def _bars(
    at: int, column: Column, series: Sequence[Series], n: int, top: Decimal, shown: Callable[[Number], str]
) -> list[Bar]:
    room, y, bars = 100 / n, float(TOP + HEIGHT), []
    for one, value in zip(series, column.values, strict=True):
        if not value:
            continue
        height = max(LEAST, float(value / top) * HEIGHT)
        y = max(0.0, y - height)
        x, text = (at + (1 - FILLED) / 2) * room, f"{column.label}: {shown(value)} {one.name}"
        bars.append(
            Bar(
                css=one.css,
                x=f"{x:.2f}%",
                width=f"{room * FILLED:.2f}%",
                y=f"{y:.1f}",
                height=f"{height:.1f}",
                text=text,
            )
        )
    return bars


def _ticks(columns: Sequence[Column]) -> list[AxisTick]:
    """The first, the middle and the last: they find room on a phone."""
    last = len(columns) - 1
    middle = ceil(last / 2)
    wanted = {0: "start", last: "end"} if last < 4 else {0: "start", middle: "middle", last: "end"}
    places = {"start": 0.0, "middle": (middle + 0.5) / len(columns) * 100, "end": 100.0}
    return [AxisTick(text=columns[at].label, x=f"{places[how]:.2f}%", anchor=how) for at, how in wanted.items()]
