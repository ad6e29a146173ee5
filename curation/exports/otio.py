"""Clips as an OpenTimelineIO timeline: one after the other on a video track, their sound on a track of its own. Pure.

Source: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
"""

import json
from collections.abc import Sequence
from typing import Any

from curation.exports.clip import Clip, ClipList
from nova.exports.frames import name_line
from nova.exports.otio import item, time_range


def write(source: ClipList) -> str:
    tracks = [_track("Video 1", "Video", [(clip, clip.has_picture) for clip in source.clips])]
    if any(clip.has_audio for clip in source.clips):
        tracks.append(_track("Audio 1", "Audio", [(clip, clip.has_audio) for clip in source.clips]))
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": source.name,
        "metadata": {},
        "global_start_time": None,
        "tracks": {**item("Stack.1", "tracks", None), "children": tracks},
    }
    return json.dumps(timeline, ensure_ascii=False, indent=2) + "\n"


def _track(name: str, kind: str, clips: Sequence[tuple[Clip, bool]]) -> dict[str, Any]:
    """A clip that is not on this track leaves a gap of its length, so that picture and sound stay in step."""
    children = [_clip(clip) if is_on_track else item("Gap.1", "", _length(clip)) for clip, is_on_track in clips]
    return {**item("Track.1", name, None), "kind": kind, "children": children}


def _length(clip: Clip) -> dict[str, Any]:
    start, end = clip.frames
    return time_range(0, end - start, clip.rate)


def _clip(clip: Clip) -> dict[str, Any]:
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": clip.url,
        "name": clip.file_name,
        "metadata": {},
        "available_range": time_range(0, clip.media_frames, clip.rate),
        "available_image_bounds": None,
    }
    said = {"tags": list(clip.tags), "rating": clip.rating, "favourite": clip.is_favourite, "note": clip.note}
    return {
        **item("Clip.2", name_line(clip.name), time_range(*clip.frames, clip.rate)),
        "metadata": {"novaproject": {"file_id": clip.file_id, **said}},
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
