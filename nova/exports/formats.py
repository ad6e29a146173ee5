"""Results as files of other programs: chapters as VTT, EDL and OTIO, everything as JSON and CSV. Pure."""

import csv
import html
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nova.exports.timecode import Rate
from nova.lines import one_line
from transcription.subtitles import clock

Chapters = Sequence[Mapping[str, Any]]

#: A cell that a spreadsheet would compute begins so (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = ("type", "part", "name", "start_s", "end_s", "text")
#: Reel and channel of a CMX3600 event whose source is a file: "auxiliary".
REEL = "AX"
NAME_CHARS = 200


def chapters_vtt(chapters: Chapters) -> str:
    """WebVTT for a track of kind "chapters"."""
    blocks = ["WEBVTT\n"]
    for number, chapter in enumerate(chapters, start=1):
        start_ms = round(chapter["start_s"] * 1000)
        end_ms = max(start_ms + 1, round(chapter["end_s"] * 1000))  # a cue may not be empty
        title = html.escape(_line(chapter["title"]) or f"Chapter {number}", quote=False)
        blocks.append(f"{clock(start_ms, '.')} --> {clock(end_ms, '.')}\n{title}\n")
    return "\n".join(blocks)


def chapters_edl(chapters: Chapters, *, title: str, frame_rate: float) -> str:
    """CMX3600, one cut a chapter, source and record times alike. Raises ValueError for no frame rate.

    Drop-frame at 29.97 and 59.94, as its second line says.
    """
    rate = Rate.of(frame_rate)
    lines = [f"TITLE: {_line(title)}", f"FCM: {'DROP FRAME' if rate.dropped else 'NON-DROP FRAME'}"]
    for number, (start, end, chapter) in enumerate(_frames(chapters, rate), start=1):
        span = f"{rate.timecode(start)} {rate.timecode(end)}"
        lines += [
            "",
            f"{number:03}  {REEL:<8} V     C        {span} {span}",
            f"* FROM CLIP NAME: {_line(title)}",
            f"* COMMENT: {_line(chapter['title'])}",
        ]
    return "\n".join(lines) + "\n"


def chapters_otio(
    chapters: Chapters, *, title: str, frame_rate: float, duration_s: float | None = None, media_url: str = ""
) -> str:
    """An OpenTimelineIO timeline: a track with a clip for each chapter, and a marker on each."""
    rate = Rate.of(frame_rate)
    last = max([0, *(end for _, end, _ in _frames(chapters, rate))])
    media = _media(media_url, title, _range(0, max(last, rate.frames(duration_s or 0)), rate))
    children: list[dict[str, Any]] = []
    at = 0
    for start, end, chapter in _frames(chapters, rate):
        if start > at:
            children.append(_item("Gap.1", "", _range(at, start, rate)))
        children.append(_clip(chapter, _range(start, end, rate), media))
        at = end
    track = {**_item("Track.1", "Chapters", None), "kind": "Video", "children": children}
    stack = {**_item("Stack.1", "tracks", None), "children": [track]}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": title,
        "metadata": {},
        "global_start_time": None,
        "tracks": stack,
    }
    return json.dumps(timeline, ensure_ascii=False, indent=2) + "\n"


def results_json(results: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """All results under their types, after what is said of them."""
    return json.dumps({**header, "results": results}, ensure_ascii=False, indent=2) + "\n"


def results_csv(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One row for each thing and each stretch of time, for a spreadsheet; of any analysis type."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for kind, result in results.items():
        for row in rows(result, ""):
            writer.writerow([_cell(kind), *map(_cell, row)])
    return out.getvalue()


def _frames(chapters: Chapters, rate: Rate) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """First frame and the one after the last of each chapter: in order, without overlap, none empty."""
    at = 0
    for chapter in sorted(chapters, key=lambda one: (one["start_s"], one["end_s"])):
        start = max(at, rate.frames(chapter["start_s"]))
        at = max(start + 1, rate.frames(chapter["end_s"]))
        yield start, at, chapter


def _line(text: object) -> str:
    return one_line(str(text), NAME_CHARS)


# --- OpenTimelineIO: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html -----------


def _time(frame: int, rate: Rate) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.exact), "value": float(frame)}


def _range(start: int, end: int, rate: Rate) -> dict[str, Any]:
    times = {"start_time": _time(start, rate), "duration": _time(end - start, rate)}
    return {"OTIO_SCHEMA": "TimeRange.1", **times}


def _item(schema: str, name: str, source_range: dict[str, Any] | None) -> dict[str, Any]:
    common = {"metadata": {}, "effects": [], "markers": [], "enabled": True}
    return {"OTIO_SCHEMA": schema, "name": name, "source_range": source_range, **common}


def _media(url: str, name: str, available: dict[str, Any]) -> dict[str, Any]:
    common = {"name": name, "metadata": {}, "available_range": available, "available_image_bounds": None}
    if not url:
        return {"OTIO_SCHEMA": "MissingReference.1", **common}
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url, **common}


def _clip(chapter: Mapping[str, Any], source_range: dict[str, Any], media: dict[str, Any]) -> dict[str, Any]:
    title, said = _line(chapter["title"]), str(chapter.get("summary", ""))
    marker = {
        "OTIO_SCHEMA": "Marker.2",
        "name": title,
        "metadata": {"key_points": list(chapter.get("key_points", []))},
        "color": "GREEN",
        "comment": said,
        "marked_range": source_range,
    }
    return {
        **_item("Clip.2", title, source_range),
        "metadata": {"summary": said},
        "markers": [marker],
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


# --- rows of a spreadsheet --------------------------------------------------------------------------------------------

Row = tuple[str, str, float | str, float | str, str]


def rows(value: Mapping[str, Any], path: str) -> Iterator[Row]:
    """Lists of things as a row each, everything else as one row for each value."""
    for name, part in value.items():
        where = f"{path}.{name}".lstrip(".")
        if isinstance(part, Mapping):
            yield from rows(part, where)
        elif isinstance(part, list) and any(isinstance(item, Mapping) for item in part):
            for item in part:
                yield from _thing(item, where) if isinstance(item, Mapping) else [(where, "", "", "", _text(item))]
        else:
            yield where, "", "", "", _text(part)


def _thing(item: Mapping[str, Any], path: str) -> Iterator[Row]:
    """A thing with its own stretch of time, or with several: then a row for each."""
    named = next((name for name, part in item.items() if isinstance(part, str)), "")
    ranges: Sequence[Mapping[str, Any]] = next((part for part in item.values() if _are_ranges(part)), [])
    rest = {
        name: part
        for name, part in item.items()
        if name not in (named, "start_s", "end_s", "index") and not _are_ranges(part) and part not in ([], "", None)
    }
    text = "; ".join(f"{name}: {_text(part)}" for name, part in rest.items())
    for place in ranges or [item]:
        yield path, str(item.get(named, "")), place.get("start_s", ""), place.get("end_s", ""), text


def _are_ranges(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_range(one) for one in value)


def _is_range(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"start_s", "end_s"}


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _cell(value: float | str) -> float | str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
