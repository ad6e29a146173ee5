"""What the player shows: sources, captions, chapters and lanes as plain values that the template only prints."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


def seconds(value: float) -> str:
    """A time for `?t=` and for attributes: milliseconds at most, no trailing zeros, no local notation."""
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


@dataclass(frozen=True, kw_only=True)
class Source:
    url: str
    content_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Track:
    url: str
    label: str
    language: str = ""
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A stretch of the clip on a lane; `x` and `width` are percentages of the clip, as SVG wants them."""

    start_s: float
    end_s: float
    title: str = ""
    number: int = 0
    x: str = "0%"
    width: str = "0%"
    middle: str = "0%"

    @property
    def t(self) -> str:
        return seconds(self.start_s)

    @property
    def end(self) -> str:
        return seconds(self.end_s)


@dataclass(frozen=True, kw_only=True)
class Lane:
    label: str
    marks: Sequence[Mark]


@dataclass(frozen=True, kw_only=True)
class PlayerCue:
    """One line of the transcript."""

    start_s: float
    end_s: float
    text: str
    is_corrected: bool = False
    can_undo: bool = False
    segment_id: int = 0
    #: Why the engine probably made it up; empty = it is taken as said.
    doubt: str = ""
    speaker: str = ""

    @property
    def t(self) -> str:
        return seconds(self.start_s)

    @property
    def end(self) -> str:
        return seconds(self.end_s)


@dataclass(frozen=True, kw_only=True)
class Player:
    """Everything `novaproject/_player.html` needs. No sources means: nothing can be played, and `note` says why."""

    title: str
    page_url: str
    media_type: str = "video"
    sources: Sequence[Source] = ()
    tracks: Sequence[Track] = ()
    poster: str = ""
    #: The address of the WebVTT that says where in the sprite each second's picture is.
    scrub: str = ""
    #: The beginning of the address of what looks like a frame; its second follows. Empty: nobody can look.
    like_frame: str = ""
    duration_s: float = 0.0
    start_s: float = 0.0
    frame_rate: str = "25"
    chapters: Sequence[Mark] = field(default_factory=tuple)
    lanes: Sequence[Lane] = field(default_factory=tuple)
    note: str = ""

    @property
    def start(self) -> str:
        return seconds(self.start_s)

    @property
    def duration(self) -> str:
        return seconds(self.duration_s)


def marks(spans: Iterable[tuple[float, float, str]], *, duration_s: float) -> list[Mark]:
    """Place (start, end, title) spans on a lane, clipped to the clip; nothing is narrower than can be seen and hit."""
    if duration_s <= 0:
        return []
    placed = []
    for number, (start_s, end_s, title) in enumerate(spans, start=1):
        start = min(max(start_s, 0.0), duration_s)
        end = min(max(end_s, start), duration_s)
        left = 100 * start / duration_s
        width = max(100 * (end - start) / duration_s - 0.2, 0.5)
        placed.append(
            Mark(
                start_s=start,
                end_s=end,
                title=title,
                number=number,
                x=f"{left:.2f}%",
                width=f"{width:.2f}%",
                middle=f"{left + width / 2:.2f}%",
            )
        )
    return placed


def parse_start(text: str | None) -> float:
    """The `?t=` of an address: `222`, `222.4`, `3:42` or `1:02:03`; anything else is the beginning."""
    total = 0.0
    try:
        for part in (text or "0").split(":"):
            total = total * 60 + float(part)
    except ValueError:
        return 0.0
    return total if 0 <= total < 1_000_000 else 0.0
