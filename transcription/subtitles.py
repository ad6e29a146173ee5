"""Subtitle files: our own writers (SRT, WebVTT, text, JSON) and a reader of other people's. No Django here.

The writers are ours because the libraries at hand write `A --> B & <b>` into a WebVTT cue as it stands, which players
read as a time line and a tag.
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysubs2

from transcription.errors import BadSubtitlesError
from transcription.segments import SpokenSegment, Word

FORMATS = {"srt": "application/x-subrip", "vtt": "text/vtt", "txt": "text/plain", "json": "application/json"}
READABLE = (".srt", ".vtt", ".ass", ".ssa")

#: What broadcasters ask for and what fits a phone: two lines of 42 characters, seven seconds.
LINE_CHARS = 42
LINES = 2
CUE_CHARS = LINE_CHARS * LINES
CUE_SECONDS = 7.0
SHORTEST_CUE_MS = 10
LARGEST_FILE_BYTES = 20_000_000

_TAG_LIKE = re.compile(r"<(?=/?[A-Za-z])")
_TAG = re.compile(r"<[^<>\n]*>")


@dataclass(frozen=True)
class Cue:
    """One subtitle on the screen: milliseconds, and lines that are never empty."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


# --- writing ------------------------------------------------------------------------------------------------------


def write(kind: str, segments: Sequence[SpokenSegment], header: dict[str, Any] | None = None) -> str:
    """The text of a file of this format: `srt`, `vtt`, `txt` or `json` (`header` stands in the JSON only)."""
    if kind == "srt":
        return to_srt(segments)
    if kind == "vtt":
        return to_vtt(segments)
    if kind == "txt":
        return to_txt(segments)
    return to_json(segments, header or {})


def to_srt(segments: Iterable[SpokenSegment]) -> str:
    """SubRip. It has no escaping: an arrow and what looks like a tag are written with look-alikes."""
    blocks = [
        f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{_plain_for_srt(cue.text)}\n"
        for number, cue in enumerate(cues(segments), start=1)
    ]
    return "\n".join(blocks)


def to_vtt(segments: Iterable[SpokenSegment]) -> str:
    """WebVTT, with `&`, `<` and `>` escaped."""
    blocks = ["WEBVTT\n"] + [
        f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n{html.escape(cue.text, quote=False)}\n"
        for cue in cues(segments)
    ]
    return "\n".join(blocks)


def to_txt(segments: Iterable[SpokenSegment]) -> str:
    """One line a segment."""
    lines = [clean(segment.text) for segment in segments]
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
        }
        for segment in segments
    ]
    return json.dumps({**header, "segments": rows}, ensure_ascii=False, indent=2) + "\n"


def _plain_for_srt(text: str) -> str:
    text = text.replace("-->", "→").replace("{\\", "{ \\")
    return _TAG_LIKE.sub("‹", text)


def clock(moment_ms: int, mark: str) -> str:
    seconds, milliseconds = divmod(moment_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


# --- from segments to cues ----------------------------------------------------------------------------------------


def cues(segments: Iterable[SpokenSegment]) -> list[Cue]:
    """Cues that players accept: in order, of readable length, none empty, none ending before it starts."""
    made: list[Cue] = []
    for segment in segments:
        for part in _parts(segment):
            lines = tuple(_wrapped(part.text))
            start_ms = max(round(part.start_s * 1000), made[-1].start_ms if made else 0)
            made.append(Cue(start_ms, max(round(part.end_s * 1000), start_ms + SHORTEST_CUE_MS), lines))
    return made


def _parts(segment: SpokenSegment) -> Iterator[Word]:
    """The segment cut into pieces of at most one cue: between words, at their times where those are known."""
    text = clean(segment.text)
    if not text:
        return
    words = _timed_words(segment, text)
    current: list[Word] = []
    for word in words:
        joined = " ".join([*(w.text for w in current), word.text])
        too_long = len(_wrapped(joined)) > LINES
        if current and (too_long or word.end_s - current[0].start_s > CUE_SECONDS):
            yield _joined(current)
            current = []
        current.append(word)
    yield _joined(current)


def _joined(words: Sequence[Word]) -> Word:
    return Word(start_s=words[0].start_s, end_s=words[-1].end_s, text=" ".join(word.text for word in words))


def _timed_words(segment: SpokenSegment, text: str) -> list[Word]:
    """The words with their times; where the engine gave none, each has its share of the segment by length."""
    known = [Word(start_s=w.start_s, end_s=w.end_s, text=clean(w.text)) for w in segment.words]
    known = [word for word in known if word.text]
    if known and not segment.is_corrected and " ".join(word.text for word in known) == text:
        return known
    pieces = [piece for word in text.split(" ") for piece in _broken(word)]
    total = sum(len(piece) for piece in pieces)
    length_s = max(segment.end_s - segment.start_s, 0.0)
    words, done = [], 0
    for piece in pieces:
        start_s = segment.start_s + length_s * done / total
        done += len(piece)
        words.append(Word(start_s=start_s, end_s=segment.start_s + length_s * done / total, text=piece))
    return words


def _broken(word: str) -> list[str]:
    """A word that is longer than a line (a language without spaces, an address), cut where no character suffers."""
    pieces, current = [], ""
    for character in word:
        if len(current) >= LINE_CHARS and not _clings(current[-1], character):
            pieces.append(current)
            current = ""
        current += character
    return [*pieces, current]


def _clings(before: str, character: str) -> bool:
    """Whether the character belongs to the one before it: accents, emoji sequences, halves of flags."""
    is_skin_or_flag = "\U0001f3fb" <= character <= "\U0001f3ff" or "\U0001f1e6" <= character <= "\U0001f1ff"
    return unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf") or before == "\u200d" or is_skin_or_flag


def _wrapped(text: str) -> list[str]:
    """Lines of at most `LINE_CHARS`, broken at spaces."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= LINE_CHARS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def clean(text: str) -> str:
    """One line, single spaces, without control characters: nothing that could end a cue early."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(kept.split())


# --- reading ------------------------------------------------------------------------------------------------------


def read(path: Path) -> list[SpokenSegment]:
    """The segments of a subtitle file, in order. Raises BadSubtitlesError."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadSubtitlesError(f"{path.name} is too large for a subtitle file.")
        raw = path.read_bytes()
    except OSError as error:
        raise BadSubtitlesError(f"{path.name} cannot be read: {error.strerror}.") from error
    return parse(decode(raw), kind=path.suffix.lower().lstrip("."), name=path.name)


def decode(raw: bytes) -> str:
    """Text of unknown encoding: UTF-8 or UTF-16 by their marks, else Windows' western code page, which never fails."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def parse(text: str, *, kind: str, name: str = "the subtitles") -> list[SpokenSegment]:
    """Parse the text of an `srt`, `vtt`, `ass` or `ssa` file. Raises BadSubtitlesError."""
    if kind == "vtt":
        text = _without_notes(text)
    try:
        events = pysubs2.SSAFile.from_string(text, format_="ass" if kind == "ssa" else kind, **_options(kind))
    except (pysubs2.Pysubs2Error, ValueError, IndexError, KeyError) as error:
        raise BadSubtitlesError(f"{name} is not a {kind.upper()} file that can be read.") from error
    segments = [
        SpokenSegment(start_s=max(event.start, 0) / 1000, end_s=max(event.end, event.start, 0) / 1000, text=said)
        for event in events
        if not event.is_comment and (said := _spoken(event, kind))
    ]
    if not segments and text.strip().removeprefix("WEBVTT").strip():
        raise BadSubtitlesError(f"{name} holds no subtitle that can be read.")
    return sorted(segments, key=lambda segment: (segment.start_s, segment.end_s))


def _without_notes(text: str) -> str:
    """WebVTT without its comments, styles and regions, which pysubs2 would add to the cue above them."""
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n\n".join(block for block in blocks if not block.lstrip("\n").startswith(("NOTE", "STYLE", "REGION")))


def _options(kind: str) -> dict[str, Any]:
    return {"keep_html_tags": True} if kind in ("srt", "vtt") else {}


def _spoken(event: pysubs2.SSAEvent, kind: str) -> str:
    if kind not in ("srt", "vtt"):
        return clean(event.plaintext)
    text = event.text.replace("\\N", "\n").replace("\\h", " ")
    text = _TAG.sub("", re.sub(r"\{\\[^}]*\}", "", text))
    return clean(html.unescape(text) if kind == "vtt" else text)
