"""The times of subtitle files, as people and programs really write them."""

import re
from dataclasses import dataclass

_CLOCK = re.compile(r"(-?)\s*(?:(\d{1,5})\s*:\s*)?(\d{1,3})\s*:\s*(\d{1,3})(?:\s*[.,:;]\s*(\d{1,9}))?")
_DOTTED = re.compile(r"(-?)\s*(\d{1,5})\s*\.\s*(\d{1,2})\s*\.\s*(\d{1,2})\s*[.,]\s*(\d{1,3})")
_SECONDS = re.compile(r"(-?)()()(\d{1,6})[.,](\d{1,3})")
_FORMS = (_CLOCK, _DOTTED, _SECONDS)
_ARROW = re.compile(r"[-‐-―−][-‐-―− ]{0,3}>|[→⟶➔]")
_SOME_CLOCK = re.compile(r"\d\s*[:.,]\s*\d")
#: YouTube's .sbv: two times with hours and milliseconds, a comma between.
_SBV = re.compile(r"\s*(\d+:\d\d:\d\d\.\d{3}),(\d+:\d\d:\d\d\.\d{3})\s*")
_SETTING = re.compile(r"\S+:\S+")
_NUMBER_BEFORE = re.compile(r"[\s\ufeff#]*(?:\d+\s+)?")
#: Signs of other keyboards, and letters that text recognition reads for digits.
_OTHER_SIGNS = str.maketrans("：，．", ":,.")
_LOOK_ALIKES = str.maketrans("OoIl", "0011")
#: For how long a cue is shown whose end cannot be read.
UNKNOWN_END_S = 2.0


@dataclass(frozen=True)
class TimeLine:
    """The line that says when a cue is shown; seconds. `text` is what stands behind the times and is no setting."""

    start_s: float
    end_s: float
    text: str = ""


def parse_time_line(line: str) -> TimeLine | None:
    """The times of a line such as `00:00:01,000 --> 00:00:03,000`; None if it is no such line."""
    sbv = _SBV.fullmatch(line)
    if sbv:
        return _time_line(_leading_seconds(sbv[1]), _leading_seconds(sbv[2]))
    parts = _ARROW.split(line.translate(_OTHER_SIGNS), maxsplit=1)
    if len(parts) < 2:
        return None
    before = parts[0][_NUMBER_BEFORE.match(parts[0]).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    start = _whole_seconds(before) or _whole_seconds(before.translate(_LOOK_ALIKES))
    if start is None:
        return None
    end = _leading_seconds(parts[1])
    if end is None or not _is_apart(parts[1], end[1]):
        end = _leading_seconds(parts[1].translate(_LOOK_ALIKES))
    if end is None or not _is_apart(parts[1], end[1]):
        rest = parts[1].strip(" \t0123456789:.,;")
        return TimeLine(max(0.0, start[0]), max(0.0, start[0]) + UNKNOWN_END_S, rest)
    words = parts[1][end[1] :].split()
    return _time_line(start, end, "" if all(_SETTING.fullmatch(word) for word in words) else " ".join(words))


def is_broken_time_line(line: str) -> bool:
    """Whether the line was meant to say when a cue is shown, and cannot be read."""
    parts = _ARROW.split(line, maxsplit=1)
    return len(parts) > 1 and bool(_SOME_CLOCK.search(line)) and not any(c.isalpha() for c in parts[0])


def parse_clock(text: str) -> float | None:
    """The seconds of one time alone, such as `0:00:01.50`."""
    found = _whole_seconds(text)
    return found[0] if found else None


def _time_line(start: tuple[float, int] | None, end: tuple[float, int] | None, text: str = "") -> TimeLine | None:
    if start is None or end is None:
        return None
    start_s = max(0.0, start[0])
    return TimeLine(start_s, max(start_s, end[0]), text)


def _is_apart(text: str, end: int) -> bool:
    """Whether the time that ends here ends with its word."""
    return not text[end:] or text[end].isspace()


def _whole_seconds(text: str) -> tuple[float, int] | None:
    """The time that a text is, and nothing beside it."""
    found = _leading_seconds(text)
    return None if found is None or text[found[1] :].strip() else found


def _leading_seconds(text: str) -> tuple[float, int] | None:
    """The time at the beginning of a text, in seconds, and where it ends."""
    skipped = len(text) - len(text.lstrip())
    for form in _FORMS:
        match = form.match(text, skipped)
        if match:
            sign, hours, minutes, seconds, fraction = match.groups(default="")
            whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
            value = whole + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)
            return (-value if sign else value), match.end()
    return None
