"""Other people's subtitle files, as segments: each line of text once, at its time, or reported."""

import re
from dataclasses import dataclass
from pathlib import Path

from files.storage.paths import shown_path
from transcription.errors import BadSubtitlesError
from transcription.segments import SPEAKER_CHARS, SpokenSegment
from transcription.subtitles.ass_files import read_ass
from transcription.subtitles.cue_files import CueFile
from transcription.subtitles.cues import clean
from transcription.subtitles.encodings import decode

READABLE = (".srt", ".vtt", ".ass", ".ssa", ".sbv")
LARGEST_FILE_BYTES = 20_000_000

_LINE_END = re.compile(r"\r\n|\n|\r")
_ASS = re.compile(r"^\s*(?:\[(?:script info|events)\]?|dialogue\s*:[^,]*,\s*\d+:)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ReadSubtitles:
    """The segments of a subtitle file in the order of time, and what was told apart on the way."""

    segments: list[SpokenSegment]
    passed_over: list[str]  # lines of text that stand at no time, as `line 12: …`
    encoding: str = "utf-8"
    unreadable: int = 0  # characters, each shown as U+FFFD


def read(path: Path, *, language: str = "") -> ReadSubtitles:
    """Read a subtitle file; `language` helps to find its encoding. Raises BadSubtitlesError, if it is empty, too."""
    name = shown_path(path.name)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadSubtitlesError(f"{name} is too large for a subtitle file.")
        raw = path.read_bytes()
    except OSError as error:
        raise BadSubtitlesError(f"{name} cannot be read: {error.strerror}.") from error
    return read_bytes(raw, language=language, name=name)


def read_bytes(raw: bytes, *, language: str = "", name: str = "the subtitles") -> ReadSubtitles:
    """The same of bytes: what they are is told by themselves, not by the name."""
    decoded = decode(raw, language=language, name=name)
    segments, passed_over = parse(decoded.text)
    if not segments:
        is_empty = not decoded.text.strip().removeprefix("WEBVTT").strip()
        raise BadSubtitlesError(f"{name} is empty." if is_empty else f"{name} holds no subtitle that can be read.")
    return ReadSubtitles(
        segments=segments, passed_over=passed_over, encoding=decoded.encoding, unreadable=decoded.unreadable
    )


def parse(text: str) -> tuple[list[SpokenSegment], list[str]]:
    """The segments of the text of an SRT, WebVTT, ASS or SSA file, and the lines that stand at no time."""
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    if _ASS.search(text) and not text.lstrip("\ufeff \r\n").startswith("WEBVTT"):
        cues, passed_over = read_ass(lines)
        cues = list(dict.fromkeys(cues))  # outlines and shadows are layers that say the same
    else:
        first = next((index for index, line in enumerate(lines) if line.strip()), 0)
        file = CueFile(lines[first:], is_vtt=lines[first].lstrip("\ufeff ").startswith("WEBVTT"))
        cues, passed_over = file.read(), [first + index for index in file.passed_over]
    segments = [
        SpokenSegment(start_s=cue.start_s, end_s=cue.end_s, text=said, speaker=clean(cue.speaker)[:SPEAKER_CHARS])
        for cue in cues
        if (said := clean(" ".join(cue.lines)))
    ]
    reported = [f"line {index + 1}: {clean(lines[index])}" for index in sorted(set(passed_over))]
    return sorted(segments, key=lambda segment: (segment.start_s, segment.end_s)), reported
