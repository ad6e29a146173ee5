"""The free model `local`: summary, chapters and elements from cuts and transcript. Pure, offline, deterministic.

It does not understand anything. It picks the sentences that say most, puts chapters where the picture changes and
nobody is in the middle of a sentence, and names what is spoken of most. What it cannot know it leaves empty: it sees no
equipment and counts no people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nova.local import salience

#: Sentences in a summary of each depth.
SENTENCES = {"brief": 2, "standard": 5, "detailed": 12}
MOST_CHAPTERS = 12
SHORTEST_CHAPTER_S = 5.0
#: A chapter may begin this much after a cut, where a sentence would be cut in two otherwise.
SNAP_S = 2.0
TITLE_CHARS = 60
MOST_TOPICS = 8
#: Mentions this close together are one stretch of a topic.
TOPIC_GAP_S = 15.0
ENDS = (".", "!", "?", "…", "。", "！", "？")
HIGH_SHARE, MEDIUM_SHARE = 0.5, 0.2


@dataclass(frozen=True)
class SpokenLine:
    """A stretch of speech, in seconds from the start of the source."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Clip:
    """What the model is given: `cuts` are (second, strength)."""

    duration_s: float
    cuts: Sequence[tuple[float, float]]
    lines: Sequence[SpokenLine]
    name: str = ""
    language: str = ""


def analyse(kind: str, clip: Clip, options: dict[str, Any]) -> dict[str, Any]:
    """The result of one analysis type, in its shape. Raises KeyError for a type that this model does not know."""
    return {"summary": summary, "chapters": chapters, "elements": elements}[kind](clip, options)


def summary(clip: Clip, options: dict[str, Any]) -> dict[str, Any]:
    depth = str(options.get("summary_depth") or "standard")
    chosen = salience.best([line.text for line in clip.lines], SENTENCES.get(depth, SENTENCES["standard"]))
    text = " ".join(_sentence(sentence) for sentence in chosen) or _without_speech(clip)
    language = clip.language if chosen else "en"
    return {"text": text, "depth": depth, "language": language, "word_count": len(text.split())}


def chapters(clip: Clip, options: dict[str, Any]) -> dict[str, Any]:
    starts = [0.0, *_chapter_starts(clip)]
    ends = [*starts[1:], clip.duration_s]
    return {
        "chapters": [
            _chapter(index, start_s, end_s, _lines_between(clip, start_s, end_s))
            for index, (start_s, end_s) in enumerate(zip(starts, ends, strict=True), start=1)
        ]
    }


def elements(clip: Clip, options: dict[str, Any]) -> dict[str, Any]:
    words = salience.keywords([line.text for line in clip.lines], MOST_TOPICS)
    return {
        "equipment": [],
        "topics": [_topic(word, clip) for word in words],
        "people": {"max_count": None, "multiple_speakers": None},
        "speakers": [],
    }


def _without_speech(clip: Clip) -> str:
    scenes = len(clip.cuts) + 1
    shots = "one shot" if scenes == 1 else f"{scenes} shots"
    return f"A clip of {_duration(clip.duration_s)} with {shots}; nothing is known of what is said in it."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _chapter_starts(clip: Clip) -> list[float]:
    """Where chapters begin, the first left out: the strongest cuts that leave room between them."""
    room_s = max(SHORTEST_CHAPTER_S, clip.duration_s / MOST_CHAPTERS)
    starts: list[float] = []
    candidates = [(_snapped(at_s, clip), strength) for at_s, strength in clip.cuts] or _pauses(clip)
    for at_s, _ in sorted(candidates, key=lambda candidate: (-candidate[1], candidate[0])):
        if all(abs(at_s - other) >= room_s for other in (0.0, clip.duration_s, *starts)):
            starts.append(at_s)
    return sorted(starts)[: MOST_CHAPTERS - 1]


def _pauses(clip: Clip) -> list[tuple[float, float]]:
    """Where nobody speaks between two lines: (start of the next line, length of the pause)."""
    pairs = zip(clip.lines, clip.lines[1:], strict=False)
    return [(after.start_s, after.start_s - before.end_s) for before, after in pairs if after.start_s > before.end_s]


def _snapped(at_s: float, clip: Clip) -> float:
    """The cut, or the end of the sentence that goes on over it, if that is near."""
    for line in clip.lines:
        if line.start_s < at_s < line.end_s:
            near_start, near_end = at_s - line.start_s, line.end_s - at_s
            if min(near_start, near_end) <= SNAP_S:
                return line.start_s if near_start < near_end else line.end_s
    return at_s


def _lines_between(clip: Clip, start_s: float, end_s: float) -> list[SpokenLine]:
    return [line for line in clip.lines if start_s <= (line.start_s + line.end_s) / 2 < end_s]


def _chapter(index: int, start_s: float, end_s: float, lines: Sequence[SpokenLine]) -> dict[str, Any]:
    spoken = [line.text for line in lines]
    leading = salience.best(spoken, 1)
    return {
        "index": index,
        "title": _title(leading[0]) if leading else "",
        "start_s": round(start_s, 3),
        "end_s": round(end_s, 3),
        "summary": " ".join(_sentence(text) for text in salience.best(spoken, 2)),
        "key_points": salience.keywords(spoken, 5),
    }


def _title(sentence: str) -> str:
    words = " ".join(sentence.split()).rstrip("".join((*ENDS, " ")))
    if len(words) <= TITLE_CHARS:
        return words
    return words[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _sentence(text: str) -> str:
    whole = " ".join(text.split())
    return whole if whole.endswith(ENDS) else f"{whole}."


def _topic(word: str, clip: Clip) -> dict[str, Any]:
    said = [line for line in clip.lines if word in salience.words_of(line.text)]
    together = salience.keywords([line.text for line in said], 6)
    share = len(said) / max(1, len(clip.lines))
    importance = "high" if share >= HIGH_SHARE else "medium" if share >= MEDIUM_SHARE else "low"
    return {
        "topic": word,
        "importance": importance,
        "description": _sentence(said[0].text) if said else "",
        "keywords": [other for other in together if other != word],
        "time_ranges": _ranges(said),
    }


def _ranges(lines: Sequence[SpokenLine]) -> list[dict[str, float]]:
    """Stretches of time, mentions close to each other joined."""
    ranges: list[dict[str, float]] = []
    for line in lines:
        if ranges and line.start_s - ranges[-1]["end_s"] <= TOPIC_GAP_S:
            ranges[-1]["end_s"] = max(ranges[-1]["end_s"], round(line.end_s, 3))
        else:
            ranges.append({"start_s": round(line.start_s, 3), "end_s": round(line.end_s, 3)})
    return ranges
