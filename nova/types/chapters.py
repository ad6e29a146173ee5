"""Chapters: the clip divided where its subject changes, without gap or overlap."""

from typing import Any

from nova.local import salience
from nova.local.clip import ENDS, ClipFacts, sentence
from nova.types.shapes import TEXTS, list_of, object_of
from nova.types.spec import AUDIO, DEPTHS, VIDEO, Result, TypeSpec
from nova.types.views import ResultPassage, Stretch, StretchesView, TimeRange, as_sentences, texts_of

MOST_CHAPTERS = 12
SHORTEST_CHAPTER_S = 5.0
#: A chapter may begin this much after a cut, where a sentence would be cut in two otherwise.
SNAP_S = 2.0
TITLE_CHARS = 60

SCHEMA = object_of(
    chapters=list_of(
        {"x-sequence": True, "x-key": "title"},
        index={"type": "integer", "minimum": 1, "x-index": True},
        title={"type": "string", "description": "Up to eight words."},
        start_s={"type": "number", "minimum": 0, "description": "Where it begins, in seconds."},
        end_s={"type": "number", "minimum": 0, "description": "Where it ends, in seconds."},
        summary={"type": "string", "description": "One to three sentences."},
        key_points={**TEXTS, "description": "Up to five short points.", "x-distinct": True},
    )
)


def from_clip(clip: ClipFacts, depth: str) -> dict[str, Any]:
    """Chapters that begin at the strongest cuts (without cuts: after the longest pauses) with room between them."""
    room_s = max(SHORTEST_CHAPTER_S, clip.duration_s / MOST_CHAPTERS)
    starts: list[float] = []
    candidates = [(snapped(at_s, clip), strength) for at_s, strength in clip.cuts] or clip.pauses()
    for at_s, _ in sorted(candidates, key=lambda candidate: (-candidate[1], candidate[0])):
        if all(abs(at_s - other) >= room_s for other in (0.0, clip.duration_s, *starts)):
            starts.append(at_s)
    starts = [0.0, *sorted(starts)[: MOST_CHAPTERS - 1]]
    ends = [*starts[1:], clip.duration_s]
    return {
        "chapters": [
            chapter_from_clip(clip, index, TimeRange(start_s, end_s))
            for index, (start_s, end_s) in enumerate(zip(starts, ends, strict=True), start=1)
        ]
    }


def snapped(at_s: float, clip: ClipFacts) -> float:
    """The cut, or the nearer end of the sentence that goes on over it, if that is near."""
    for line in clip.lines:
        if line.start_s < at_s < line.end_s:
            near_start, near_end = at_s - line.start_s, line.end_s - at_s
            if min(near_start, near_end) <= SNAP_S:
                return line.start_s if near_start < near_end else line.end_s
    return at_s


def chapter_from_clip(clip: ClipFacts, index: int, span: TimeRange) -> dict[str, Any]:
    """One chapter in the words that are spoken in it."""
    spoken = [line.text for line in clip.lines_between(span.start_s, span.end_s)]
    title = " ".join(" ".join(salience.best(spoken, 1)).split()).rstrip("".join((*ENDS, " ")))
    if len(title) > TITLE_CHARS:
        title = title[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return {
        "index": index,
        "title": title,
        "start_s": round(span.start_s, 3),
        "end_s": round(span.end_s, 3),
        "summary": " ".join(sentence(text) for text in salience.best(spoken, 2)),
        "key_points": salience.keywords(spoken, 5),
    }


def passages(result: Result) -> list[ResultPassage]:
    """Each chapter by its title, summary and points."""
    return [
        ResultPassage.at(
            as_sentences([chapter.get("title"), chapter.get("summary"), *texts_of(chapter.get("key_points"))]),
            "chapter",
            chapter,
        )
        for chapter in result.get("chapters") or []
    ]


def view(result: Result) -> StretchesView:
    return StretchesView(
        [
            Stretch(
                title=str(chapter.get("title") or f"Chapter {number}"),
                range=TimeRange.of(chapter),
                text=str(chapter.get("summary") or ""),
                points=texts_of(chapter.get("key_points")),
            )
            for number, chapter in enumerate(result.get("chapters") or [], start=1)
        ]
    )


SPEC = TypeSpec(
    "chapters",
    "chapters: divide the clip where its subject changes; the chapters follow each other without gap or overlap, "
    "the first begins at 0 and the last ends with the clip. A short clip may have only one.",
    SCHEMA,
    media=(VIDEO, AUDIO),
    usual_tokens=dict.fromkeys(DEPTHS, 800),
    make_locally=from_clip,
    passages=passages,
    view=view,
)
