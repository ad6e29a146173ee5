"""ASS and SSA, however damaged: every line of the script that is spoken is kept or reported."""

import re
from collections.abc import Sequence

from transcription.subtitles.markup import plain_ass
from transcription.subtitles.rolling import ReadCue
from transcription.subtitles.times import parse_clock

#: Used where the file does not say its own: the ninth comma is the last before the text, in ASS and in SSA.
USUAL_FIELDS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
_LINE = re.compile(r"\s*(\w*)\s*:\s*(.*)")
_LOOKS_SPOKEN = re.compile(r"[^,]*,\s*\d+:\d+:\d+[.:,]\d+\s*,\s*\d+:\d+:\d+")
#: Before a line whose end of line was lost.
_GLUED = re.compile(r"(?<=\S)(?=dialogue\s*:\s*\d+,)", re.IGNORECASE)
#: Sections whose lines are about the script.
_ABOUT = re.compile(r"script info|.*styles\+?|aegisub .*")
#: What is left of a spoken line, wherever it stands.
_TIME = re.compile(r"\d:\d\d[.:,]\d+\s*,")
_SECTION = re.compile(r"\s*\[([^\]]*)\]?\s*")
#: Sections of encoded files, whose lines are no text.
_ENCODED = ("fonts", "graphics")


def read_ass(lines: Sequence[str]) -> tuple[list[ReadCue], list[int]]:
    """The spoken lines of a script, and the indices of those that could not be read."""
    cues: list[ReadCue] = []
    passed_over: list[int] = []
    fields: Sequence[str] = USUAL_FIELDS
    section = ""
    parts = ((index, part) for index, line in enumerate(lines) for part in _GLUED.split(line))
    for index, line in parts:
        header = _SECTION.fullmatch(line)
        if header:
            section = header[1].strip().lower()
            continue
        match = _LINE.fullmatch(line)
        name, rest = (match[1].lower(), match[2]) if match else ("", line)
        if name == "format":
            named = [field.strip().lower() for field in rest.split(",")]
            fields = named if {"start", "end", "text"} <= set(named) else USUAL_FIELDS
        elif name == "comment" or not line.strip() or section in _ENCODED or line.lstrip().startswith((";", "!")):
            continue
        elif name == "dialogue" or _LOOKS_SPOKEN.match(rest):
            cue = parse_dialogue(rest, fields)
            if cue is None:
                passed_over.append(index)
            elif cue.lines:
                cues.append(cue)
        elif not name or not (_ABOUT.fullmatch(section) or name == "style") or _TIME.search(rest):
            passed_over.append(index)
    return cues, passed_over


def parse_dialogue(rest: str, fields: Sequence[str]) -> ReadCue | None:
    """One line of the script; without lines where nothing in it is text, None where its fields cannot be told."""
    values = rest.split(",", len(fields) - 1)
    if len(values) < len(fields):
        return None
    entry = dict(zip(fields, values, strict=True))
    start_s, end_s = parse_clock(entry["start"]), parse_clock(entry["end"])
    if start_s is None or end_s is None:
        return None
    start_s = max(0.0, start_s)
    lines = [" ".join(line.split()) for line in plain_ass(entry["text"]).split("\n")]
    speaker = " ".join(entry.get("name", entry.get("actor", "")).split())
    return ReadCue(start_s, max(start_s, end_s), tuple(line for line in lines if line), speaker)
