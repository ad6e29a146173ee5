"""What the floors above are told of a result: how it is shown, and what of it is searched. Plain values. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from nova.types.rows import Row

SENTENCE_ENDS = (".", "!", "?", "…")


@dataclass(frozen=True)
class TimeRange:
    """A stretch of the source, in seconds."""

    start_s: float
    end_s: float

    @classmethod
    def of(cls, span: Mapping[str, Any]) -> Self:
        """The stretch of an object with `start_s` and `end_s`; without an end it is a moment."""
        start_s = float(span.get("start_s") or 0.0)
        return cls(start_s, float(span.get("end_s") or start_s))


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of the clip with a title: one of several that follow each other."""

    title: str
    range: TimeRange
    text: str = ""
    points: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A thing, topic or person, and where it is seen or spoken of.

    `certainty` is `high`, `medium`, `low` or empty. `is_lane`: it is drawn along the player's timeline.
    """

    name: str
    kind: str
    ranges: tuple[TimeRange, ...] = ()
    detail: str = ""
    certainty: str = ""
    is_lane: bool = False


@dataclass(frozen=True)
class TextView:
    """A result that is read as a text."""

    text: str


@dataclass(frozen=True)
class StretchesView:
    """A result that divides the clip: a list beside the player, and marks on its timeline."""

    stretches: Sequence[Stretch]


@dataclass(frozen=True)
class ThingsView:
    """A result that names things: a table of what, where and how sure."""

    things: Sequence[Thing]


@dataclass(frozen=True)
class RowsView:
    """A result of any shape: a row for each value."""

    rows: Sequence[Row]


View = TextView | StretchesView | ThingsView | RowsView


@dataclass(frozen=True, kw_only=True)
class ResultPassage:
    """A text of a result that can be found. `kind` is the kind of hit that it makes: summary, chapter or element."""

    text: str
    kind: str
    start_s: float | None = None
    end_s: float | None = None

    @classmethod
    def at(cls, text: str, kind: str, span: Mapping[str, Any]) -> Self:
        """A text with the stretch of an object that has `start_s` and may have `end_s`; an end is never before it."""
        start_s, end_s = span.get("start_s"), span.get("end_s")
        if start_s is None:
            return cls(text=text, kind=kind)
        last_s = float(start_s if end_s is None else end_s)
        return cls(text=text, kind=kind, start_s=float(start_s), end_s=max(float(start_s), last_s))


def as_sentences(parts: Sequence[object]) -> str:
    """Parts as sentences, so that a long text is cut between them; None and empty ones say nothing."""
    lines = (" ".join(str(part or "").replace("\0", " ").split()) for part in parts)
    return " ".join(line if line.endswith(SENTENCE_ENDS) else f"{line}." for line in lines if line)


def texts_of(value: object) -> tuple[str, ...]:
    """The items of a list as texts; none where there is no list."""
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def time_ranges(thing: Mapping[str, Any]) -> tuple[TimeRange, ...]:
    """Where a thing with `time_ranges` is."""
    return tuple(TimeRange.of(span) for span in thing.get("time_ranges") or [])


def first_range(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first stretch of a thing with `time_ranges`; an empty one where nobody knows."""
    first: Mapping[str, Any] = (thing.get("time_ranges") or [{}])[0]
    return first
