"""Results of analyses as chunks that should exist: summary, chapters, elements. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from embeddings.indexing.chunks import Draft, clean, from_text


def drafts_of(kind: str, result: Mapping[str, Any], *, source_id: int) -> list[Draft]:
    """The chunks of one result of this analysis type; none for a type that has no words to find."""
    make = _ANALYSES.get(kind)
    return [draft for draft in make(result, source_id) if draft.text] if make else []


def _summary(result: Mapping[str, Any], source_id: int) -> list[Draft]:
    return from_text(str(result.get("text") or ""), kind="summary", source_id=source_id)


def _chapters(result: Mapping[str, Any], source_id: int) -> list[Draft]:
    drafts: list[Draft] = []
    for chapter in result.get("chapters") or []:
        points = [str(point) for point in chapter.get("key_points") or []]
        text = _sentences([str(chapter.get("title") or ""), str(chapter.get("summary") or ""), *points])
        start_s, end_s = _times(chapter)
        drafts += from_text(text, kind="chapter", source_id=source_id, start_s=start_s, end_s=end_s, first=len(drafts))
    return drafts


def _elements(result: Mapping[str, Any], source_id: int) -> list[Draft]:
    drafts: list[Draft] = []
    for text, times in _named_elements(result):
        start_s, end_s = _times(times)
        drafts += from_text(text, kind="element", source_id=source_id, start_s=start_s, end_s=end_s, first=len(drafts))
    return drafts


_ANALYSES = {"summary": _summary, "chapters": _chapters, "elements": _elements}


def _named_elements(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each thing, topic and speaker in words, with the first stretch of time that it is there."""
    for thing in result.get("equipment") or []:
        category = str(thing.get("category") or "")
        yield clean(str(thing.get("name") or "") + (f" ({category})" if category else "")), _first_range(thing)
    for topic in result.get("topics") or []:
        keywords = ", ".join(str(word) for word in topic.get("keywords") or [])
        yield (
            _sentences([str(topic.get("topic") or ""), str(topic.get("description") or ""), keywords]),
            _first_range(topic),
        )
    for speaker in result.get("speakers") or []:
        role = str(speaker.get("role") or "")
        if role:
            yield clean(f"Speaker: {role}"), _first_range(speaker)


def _first_range(element: Mapping[str, Any]) -> Mapping[str, Any]:
    ranges = element.get("time_ranges") or [{}]
    first: Mapping[str, Any] = ranges[0]
    return first


def _times(place: Mapping[str, Any]) -> tuple[float | None, float | None]:
    start_s, end_s = place.get("start_s"), place.get("end_s")
    if start_s is None:
        return None, None
    return float(start_s), max(float(start_s), float(start_s if end_s is None else end_s))


def _sentences(parts: list[str]) -> str:
    """Parts as sentences, so that a long text is cut between them."""
    whole = (clean(part) for part in parts)
    return " ".join(part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in whole if part)
