"""A transcript as a file: SRT, WebVTT, text or JSON.

pysubs2 writes SRT and WebVTT too. But it writes `A --> B & <b>` into a WebVTT cue as it stands, which players read as a
time line and a tag, cuts `{…}` out of the text, and shows what lies past 99:59:59 at that time: so the few lines are
our own, and pysubs2 reads them back in the tests.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from transcription.segments import SpokenSegment, with_names
from transcription.subtitles.cues import Cue, clean, cues

FORMATS = {"srt": "application/x-subrip", "vtt": "text/vtt", "txt": "text/plain", "json": "application/json"}

_TAG_LIKE = re.compile(r"<(?=/?[A-Za-z])")


def write(kind: str, segments: Sequence[SpokenSegment], header: dict[str, Any] | None = None) -> str:
    """The text of a file of this format (see FORMATS); `header` stands before the segments in the JSON only."""
    if kind == "json":
        return to_json(segments, header or {})
    writers: dict[str, Callable[[Iterable[SpokenSegment]], str]] = {"srt": to_srt, "vtt": to_vtt, "txt": to_txt}
    return writers[kind](segments)


def to_srt(segments: Iterable[SpokenSegment]) -> str:
    """SubRip. It has no escaping: an arrow and what looks like a tag are written with look-alikes."""
    blocks = []
    for number, cue in enumerate(cues(with_names(segments)), start=1):
        text = _TAG_LIKE.sub("‹", cue.text.replace("-->", "→").replace("{\\", "{ \\"))
        blocks.append(f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{text}\n")
    return "\n".join(blocks)


def to_vtt(segments: Iterable[SpokenSegment]) -> str:
    """WebVTT, with `&`, `<` and `>` escaped."""
    blocks = ["WEBVTT\n"] + [
        f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n{voice(cue)}{html.escape(cue.text, quote=False)}\n"
        for cue in cues(segments)
    ]
    return "\n".join(blocks)


def to_txt(segments: Iterable[SpokenSegment]) -> str:
    """One line a segment."""
    lines = [clean(segment.text) for segment in with_names(segments)]
    return "".join(f"{line}\n" for line in lines if line)


def to_json(segments: Iterable[SpokenSegment], header: dict[str, Any]) -> str:
    """Everything that is known of each segment, after the header."""
    rows = [
        {
            "start_s": segment.start_s,
            "end_s": segment.end_s,
            "text": segment.text,
            "words": [word.as_json() for word in segment.words] or None,
            "confidence": segment.confidence,
            "flags": list(segment.flags),
            "is_corrected": segment.is_corrected,
            "speaker": segment.speaker,
        }
        for segment in segments
    ]
    return json.dumps({**header, "segments": rows}, ensure_ascii=False, indent=2) + "\n"


def voice(cue: Cue) -> str:
    """WebVTT's way to say who speaks."""
    return f"<v {html.escape(clean(cue.speaker), quote=False)}>" if cue.speaker else ""


def clock(moment_ms: int, mark: str) -> str:
    """`01:02:03,456`, with the mark of the format before the milliseconds."""
    seconds, milliseconds = divmod(moment_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"
