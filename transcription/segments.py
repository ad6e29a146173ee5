"""What was said, and when: the value that providers yield, and what is done to a list of them. No Django here."""

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

REPEATED = "repetition"
SILENT = "silence"

#: Whisper's own limits for text that looks like a loop and for windows that hold no speech.
COMPRESSION_LIMIT = 2.4
NO_SPEECH_LIMIT = 0.6
CONFIDENCE_OF_A_GUESS = 0.37  # e^-1: Whisper distrusts an average log probability below -1
#: The same words this many times in a row are a loop; people do say "yes, yes".
REPEATS_ALLOWED = 2
#: Engines do not agree on moments: what is left beside a correction for less than this is its own first or last word.
SHORTEST_REST_S = 1.0
#: The longest name of somebody who speaks.
SPEAKER_CHARS = 100
#: zlib needs some text before its ratio says anything.
SHORTEST_LOOP_BYTES = 80


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word; times in seconds from the start of the source."""

    start_s: float
    end_s: float
    text: str
    confidence: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"start_s": self.start_s, "end_s": self.end_s, "text": self.text, "confidence": self.confidence}


@dataclass(frozen=True, kw_only=True)
class SpokenSegment:
    """A stretch of speech; times in seconds from the start of the source, confidences from 0 to 1."""

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...] = ()
    confidence: float | None = None
    language: str = ""  # where it differs within a file
    no_speech: float | None = None  # how sure the engine is that nobody speaks here
    flags: tuple[str, ...] = field(default=())
    is_corrected: bool = False
    speaker: str = ""  # who speaks; empty where nobody said


def words_from_json(rows: Sequence[dict[str, Any]] | None) -> tuple[Word, ...]:
    """The reverse of `Word.as_json`."""
    return tuple(
        Word(start_s=row["start_s"], end_s=row["end_s"], text=row["text"], confidence=row.get("confidence"))
        for row in rows or ()
    )


def tidy(segments: Iterable[SpokenSegment], *, duration_s: float | None = None) -> list[SpokenSegment]:
    """In order, inside the clip, end after start, plain floats (engines give numpy's), nothing empty."""
    limit = duration_s if duration_s else math.inf
    kept = []
    for segment in segments:
        text = " ".join(segment.text.split())
        start_s = _seconds(segment.start_s, limit)
        if not text or start_s is None or start_s >= limit:
            continue
        end_s = max(start_s, _seconds(segment.end_s, limit) or 0.0)
        words = tuple(tidy_word(word, limit) for word in segment.words if word.text.strip())
        kept.append(
            replace(
                segment,
                start_s=start_s,
                end_s=end_s,
                text=text,
                words=words,
                confidence=_share(segment.confidence),
                no_speech=_share(segment.no_speech),
            )
        )
    return sorted(kept, key=lambda segment: (segment.start_s, segment.end_s))


def tidy_word(word: Word, limit: float) -> Word:
    start_s = _seconds(word.start_s, limit) or 0.0
    end_s = max(start_s, _seconds(word.end_s, limit) or 0.0)
    return Word(start_s=start_s, end_s=end_s, text=word.text.strip(), confidence=_share(word.confidence))


def _seconds(value: float, limit: float) -> float | None:
    number = min(float(value), limit)
    return min(round(max(number, 0.0), 3), limit) if math.isfinite(number) else None


def _share(value: float | None) -> float | None:
    if value is None or math.isnan(float(value)):
        return None
    return round(min(max(float(value), 0.0), 1.0), 4)


def flag_hallucinations(segments: Sequence[SpokenSegment]) -> list[SpokenSegment]:
    """Mark what an engine makes up when nobody speaks: loops, and words over silence. Nothing is dropped."""
    flagged = []
    said, times = "", 0
    for segment in segments:
        key = segment.text.casefold().strip(" .,!?…")
        times = times + 1 if key == said else 1
        said = key
        flags = list(segment.flags)
        if times > REPEATS_ALLOWED or is_loop(segment.text):
            flags.append(REPEATED)
        if is_over_silence(segment):
            flags.append(SILENT)
        flagged.append(replace(segment, flags=tuple(dict.fromkeys(flags))))
    return flagged


def is_loop(text: str) -> bool:
    """Whether the text repeats itself the way a stuck decoder does. Source: Whisper's compression ratio."""
    raw = text.encode()
    return len(raw) >= SHORTEST_LOOP_BYTES and len(raw) / len(zlib.compress(raw)) > COMPRESSION_LIMIT


def is_over_silence(segment: SpokenSegment) -> bool:
    """Whether the engine itself thinks that nobody speaks here and is not sure of its words."""
    return (
        segment.no_speech is not None
        and segment.no_speech > NO_SPEECH_LIMIT
        and (segment.confidence is None or segment.confidence < CONFIDENCE_OF_A_GUESS)
    )


def keep_corrections(segments: Sequence[SpokenSegment], corrected: Sequence[SpokenSegment]) -> list[SpokenSegment]:
    """The new segments with a person's corrections put back in place of whatever overlaps them by half or more.

    Of a segment that is longer than what was corrected the rest is kept.
    """
    if not corrected:
        return list(segments)
    kept = [part for segment in segments for part in left_beside(segment, corrected)]
    return sorted([*kept, *corrected], key=lambda segment: (segment.start_s, segment.end_s))


def left_beside(segment: SpokenSegment, corrected: Sequence[SpokenSegment]) -> list[SpokenSegment]:
    """What is left of a segment beside the corrections that take its place."""
    over = [row for row in corrected if mostly_covers(row, segment)]
    if not over:
        return [segment]
    if not segment.words:  # said twice in part is better than lost
        covered_s = sum(min(row.end_s, segment.end_s) - max(row.start_s, segment.start_s) for row in over)
        return [segment] if covered_s < (segment.end_s - segment.start_s) / 2 else []
    gap = " " if " " in segment.text else ""
    return [
        replace(segment, start_s=run[0].start_s, end_s=run[-1].end_s, text=gap.join(w.text for w in run), words=run)
        for run in runs_outside(segment.words, over)
        if run[-1].end_s - run[0].start_s >= SHORTEST_REST_S
    ]


def runs_outside(words: Sequence[Word], over: Sequence[SpokenSegment]) -> Iterator[tuple[Word, ...]]:
    """The words that no correction covers, those that follow each other together."""

    def is_outside(word: Word) -> bool:
        middle_s = (word.start_s + word.end_s) / 2
        return not any(row.start_s <= middle_s <= row.end_s for row in over)

    for outside, run in groupby(words, key=is_outside):
        if outside:
            yield tuple(run)


def mostly_covers(corrected: SpokenSegment, segment: SpokenSegment) -> bool:
    overlap_s = min(corrected.end_s, segment.end_s) - max(corrected.start_s, segment.start_s)
    length_s = min(segment.end_s - segment.start_s, corrected.end_s - corrected.start_s)
    return overlap_s >= 0 and overlap_s >= length_s / 2


def full_text(segments: Iterable[SpokenSegment]) -> str:
    """All that was said, without what was flagged as made up."""
    return " ".join(segment.text for segment in segments if not segment.flags)


def with_names(segments: Iterable[SpokenSegment]) -> Iterator[SpokenSegment]:
    """The segments with `Ada: ` before the words where another person begins to speak."""
    last = ""
    for segment in segments:
        prefix = f"{segment.speaker}: " if segment.speaker and segment.speaker != last else ""
        first = tuple(replace(word, text=f"{prefix}{word.text}") for word in segment.words[:1])
        yield (
            replace(segment, text=f"{prefix}{segment.text}", words=(*first, *segment.words[1:])) if prefix else segment
        )
        last = segment.speaker


def shift(segment: SpokenSegment, offset_s: float) -> SpokenSegment:
    """The same words, `offset_s` later: for audio that was cut into pieces."""
    words = tuple(replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s) for word in segment.words)
    return replace(segment, start_s=segment.start_s + offset_s, end_s=segment.end_s + offset_s, words=words)
