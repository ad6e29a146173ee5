"""Chapters as an OpenTimelineIO timeline: a track with a clip for each chapter, and a marker on each. Pure.

Source: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
"""

import json
from typing import Any

from nova.exports.frames import in_frames, name_line
from nova.exports.source import ExportSource
from nova.exports.timecode import Rate
from nova.types.views import Stretch


def write(source: ExportSource) -> str:
    rate = Rate.of(source.frame_rate)
    frames = list(in_frames(source.stretches, rate))
    last = max([0, *(end for _, end, _ in frames)])
    media = {
        "OTIO_SCHEMA": "ExternalReference.1" if source.media_url else "MissingReference.1",
        **({"target_url": source.media_url} if source.media_url else {}),
        "name": source.name,
        "metadata": {},
        "available_range": time_range(0, max(last, rate.frames(source.duration_s or 0)), rate),
        "available_image_bounds": None,
    }
    children: list[dict[str, Any]] = []
    at = 0
    for start, end, stretch in frames:
        if start > at:
            children.append(item("Gap.1", "", time_range(at, start, rate)))
        children.append(clip(stretch, time_range(start, end, rate), media))
        at = end
    track = {**item("Track.1", "Chapters", None), "kind": "Video", "children": children}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": source.name,
        "metadata": {},
        "global_start_time": None,
        "tracks": {**item("Stack.1", "tracks", None), "children": [track]},
    }
    return json.dumps(timeline, ensure_ascii=False, indent=2) + "\n"


def time_range(start: int, end: int, rate: Rate) -> dict[str, Any]:
    """A stretch of frames in OTIO's rational times."""
    start_time, duration = (
        {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.exact), "value": float(frames)}
        for frames in (start, end - start)
    )
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": start_time, "duration": duration}


def item(schema: str, name: str, source_range: dict[str, Any] | None) -> dict[str, Any]:
    """What every item of a timeline has."""
    common = {"metadata": {}, "effects": [], "markers": [], "enabled": True}
    return {"OTIO_SCHEMA": schema, "name": name, "source_range": source_range, **common}


def clip(stretch: Stretch, source_range: dict[str, Any], media: dict[str, Any]) -> dict[str, Any]:
    """A chapter as a clip with a marker that carries its text and points."""
    title = name_line(stretch.title)
    marker = {
        "OTIO_SCHEMA": "Marker.2",
        "name": title,
        "metadata": {"key_points": list(stretch.points)},
        "color": "GREEN",
        "comment": stretch.text,
        "marked_range": source_range,
    }
    return {
        **item("Clip.2", title, source_range),
        "metadata": {"summary": stretch.text},
        "markers": [marker],
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
