"""From what is known of a file to pieces of text that can be found, each with its place in time. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

#: A chunk is what one hit stands for: long enough to carry a thought, short enough to open the player at the right
#: place, and within the 256 word pieces that small sentence models read.
AIM_CHARS = 260
MAX_CHARS = 560
MAX_SECONDS = 45.0
#: A silence this long ends a thought.
PAUSE_SECONDS = 3.0
_SPACES = re.compile(r"\s+")
#: What ends a sentence; the wide ones have no space after them.
_WIDE_ENDS = ("。", "！", "？")
_ENDS = (".", "!", "?", "…", *_WIDE_ENDS)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])(?![。！？])\s*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class TimedText:
    """One transcript segment: seconds from the start of the source."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A chunk that should exist. `marks` are (offset in the text, second): where in time a word of it stands."""

    kind: str
    source_id: int
    ordinal: int
    text: str
    start_s: float | None = None
    end_s: float | None = None
    marks: tuple[tuple[int, float], ...] = field(default=())
    #: Names what was looked at, where the vector is that of a picture and there is no text.
    media: str = ""

    @property
    def content_hash(self) -> str:
        """What a vector depends on: the text alone, or the picture."""
        return text_hash(self.media or self.text)

    @property
    def identity(self) -> tuple[str, int, int, float | None, float | None, str]:
        """Equal identities mean that the stored chunk can stay, and its vectors with it."""
        return (self.kind, self.source_id, self.ordinal, self.start_s, self.end_s, self.content_hash)


def text_hash(text: str) -> str:
    """The first 128 bits of the text's SHA-256, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def clean(text: str) -> str:
    """One line, single spaces, no NUL, nothing that UTF-8 cannot hold, letters composed: macOS takes names apart."""
    whole = unicodedata.normalize("NFC", text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8"))
    return _SPACES.sub(" ", whole).strip()


def from_lines(lines: Iterable[TimedText], *, kind: str, source_id: int) -> list[Draft]:
    """Transcript segments grouped to chunks: at a sentence's end, at a pause, or when they grow too long."""
    drafts: list[Draft] = []
    group: list[TimedText] = []
    for line in (TimedText(one.start_s, one.end_s, clean(one.text)) for one in lines):
        if not line.text:
            continue
        if group and _breaks_before(group, line):
            drafts.append(_from_group(group, kind, source_id, len(drafts)))
            group = []
        group.append(line)
    if group:
        drafts.append(_from_group(group, kind, source_id, len(drafts)))
    return drafts


def from_text(
    text: str, *, kind: str, source_id: int, start_s: float | None = None, end_s: float | None = None, first: int = 0
) -> list[Draft]:
    """A text of one place in time, cut at sentences where it is longer than a chunk."""
    pieces = list(_pieces(clean(text), MAX_CHARS))
    return [
        Draft(kind=kind, source_id=source_id, ordinal=first + i, text=piece, start_s=start_s, end_s=end_s)
        for i, piece in enumerate(pieces)
    ]


def name_text(name: str, folders: Sequence[str]) -> str:
    """A file's name as people look for it: as it is, its words apart, and the folders that it lies in."""
    name = clean(name)
    stem = name.rsplit(".", 1)[0] or name
    words = clean(_CAMEL.sub(" ", stem.replace("_", " ").replace("-", " ").replace(".", " ")))
    parts = [name, words if words.casefold() != name.casefold() else "", " ".join(clean(f) for f in folders)]
    return " · ".join(part for part in parts if part)


def second_at(marks: Sequence[tuple[int, float]], offset: int, default: float | None) -> float | None:
    """The second at which the word at this offset of a chunk's text is said."""
    found = default
    for place, second in marks:
        if place > offset:
            break
        found = second
    return found


def _breaks_before(group: Sequence[TimedText], line: TimedText) -> bool:
    length = sum(len(one.text) + 1 for one in group)
    last = group[-1]
    is_thought_over = last.text.endswith(_ENDS) or line.start_s - last.end_s >= PAUSE_SECONDS
    return (
        length + len(line.text) > MAX_CHARS
        or line.end_s - group[0].start_s > MAX_SECONDS
        or (length >= AIM_CHARS and is_thought_over)
        or line.start_s - last.end_s >= PAUSE_SECONDS * 3
    )


def _from_group(group: Sequence[TimedText], kind: str, source_id: int, ordinal: int) -> Draft:
    marks: list[tuple[int, float]] = []
    offset = 0
    for line in group:
        marks.append((offset, line.start_s))
        offset += len(line.text) + 1
    return Draft(
        kind=kind,
        source_id=source_id,
        ordinal=ordinal,
        text=" ".join(line.text for line in group),
        start_s=group[0].start_s,
        end_s=max(line.end_s for line in group),
        marks=tuple(marks),
    )


def _pieces(text: str, limit: int) -> Iterator[str]:
    """The text in pieces of at most `limit` characters, cut at sentence ends, else at spaces, else anywhere."""
    piece = ""
    for part in (cut for sentence in _SENTENCE_END.split(text) for cut in _cuts(sentence, limit)):
        if piece and len(piece) + 1 + len(part) > limit:
            yield piece
            piece = ""
        piece += part if not piece or piece.endswith(_WIDE_ENDS) else f" {part}"
    if piece:
        yield piece


def _cuts(sentence: str, limit: int) -> Iterator[str]:
    while len(sentence) > limit:
        at = sentence.rfind(" ", 1, limit + 1)
        at = at if at > 0 else limit
        yield sentence[:at]
        sentence = sentence[at:].lstrip()
    if sentence:
        yield sentence
