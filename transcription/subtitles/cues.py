"""From segments to the cues that a player shows: in order, of readable length, none empty."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from transcription.segments import SpokenSegment, Word

#: What broadcasters ask for and what fits a phone: two lines of 42 characters, seven seconds.
LINE_CHARS = 42
LINES = 2
CUE_SECONDS = 7.0
SHORTEST_CUE_MS = 10


@dataclass(frozen=True)
class Cue:
    """One subtitle on the screen: milliseconds, and lines that are never empty."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def cues(segments: Iterable[SpokenSegment]) -> list[Cue]:
    """Cues that players accept: in order, of readable length, none empty, none ending before it starts."""
    made: list[Cue] = []
    for segment in segments:
        for words in words_by_cue(segment):
            start_ms = max(round(words[0].start_s * 1000), made[-1].start_ms if made else 0)
            end_ms = max(round(words[-1].end_s * 1000), start_ms + SHORTEST_CUE_MS)
            lines = tuple(wrap(" ".join(word.text for word in words)))
            made.append(Cue(start_ms, end_ms, lines, segment.speaker))
    return made


def words_by_cue(segment: SpokenSegment) -> Iterator[list[Word]]:
    """The words of a segment, as many together as one cue takes."""
    current: list[Word] = []
    for word in timed_words(segment):
        is_too_long = len(wrap(" ".join([*(w.text for w in current), word.text]))) > LINES
        if current and (is_too_long or word.end_s - current[0].start_s > CUE_SECONDS):
            yield current
            current = []
        current.append(word)
    if current:
        yield current


def timed_words(segment: SpokenSegment) -> list[Word]:
    """The words with their times; where the engine gave none, each has its share of the segment by length."""
    text = clean(segment.text)
    heard = [replace(word, text=clean(word.text)) for word in segment.words]
    heard = [word for word in heard if word.text]
    if heard and not segment.is_corrected and " ".join(word.text for word in heard) == text:
        return heard
    pieces = [piece for word in text.split(" ") for piece in split_long_word(word)] if text else []
    total = sum(len(piece) for piece in pieces)
    length_s = max(segment.end_s - segment.start_s, 0.0)
    words, done = [], 0
    for piece in pieces:
        start_s = segment.start_s + length_s * done / total
        done += len(piece)
        words.append(Word(start_s=start_s, end_s=segment.start_s + length_s * done / total, text=piece))
    return words


def split_long_word(word: str) -> list[str]:
    """A word in pieces of a line (a language without spaces, an address); no accent or emoji is torn from its base."""
    pieces, current = [], ""
    for character in word:
        is_skin_or_flag = "\U0001f3fb" <= character <= "\U0001f3ff" or "\U0001f1e6" <= character <= "\U0001f1ff"
        is_mark = unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf")
        if len(current) >= LINE_CHARS and not (is_mark or is_skin_or_flag or current[-1] == "\u200d"):
            pieces.append(current)
            current = ""
        current += character
    return [*pieces, current]


def wrap(text: str) -> list[str]:
    """Lines of at most `LINE_CHARS`, broken at spaces; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= LINE_CHARS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def clean(text: str) -> str:
    """One line, single spaces, without control characters: nothing that could end a cue early."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text if c != "\ufeff")
    return " ".join(kept.split())
