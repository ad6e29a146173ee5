"""OpenTimelineIO as a second opinion on our timelines and timecode."""

import json
from typing import Any

import pytest

from nova.exports import otio as otio_file
from nova.exports.source import ExportSource
from nova.exports.timecode import Rate
from tests.nova.reply_samples import CHAPTERS

otio = pytest.importorskip("opentimelineio", reason="It has no wheel for this Python.")

FOUND: list[dict[str, Any]] = CHAPTERS["chapters"]
LATE = {"index": 3, "title": "Late", "start_s": 30.0, "end_s": 30.0, "summary": "", "key_points": []}


def written(chapters: list[dict[str, Any]], **facts: Any) -> str:
    return otio_file.write(ExportSource(name="train.mp4", results={"chapters": {"chapters": chapters}}, **facts))


@pytest.mark.parametrize("frames_per_s", [23.976, 24, 25, 29.97, 30, 50, 59.94, 60])
@pytest.mark.parametrize("seconds", [0, 59.99, 60.04, 599.99, 600.0, 3723.5, 40_000])
def test_timecode_is_what_opentimelineio_says(frames_per_s: float, seconds: float) -> None:
    rate = Rate.of(frames_per_s)
    frame = rate.frames(seconds)

    theirs = otio.opentime.RationalTime(frame, float(rate.exact)).to_timecode(
        float(rate.exact), drop_frame=bool(rate.dropped)
    )

    assert rate.timecode(frame) == theirs


@pytest.mark.parametrize("url", ["", "file:///videos/train.mp4"])
def test_opentimelineio_reads_clips_gaps_and_markers(url: str) -> None:
    text = written([*FOUND, LATE], frame_rate=24, duration_s=40.0, media_url=url)
    timeline = otio.adapters.read_from_string(text, "otio_json")

    track = timeline.tracks[0]
    assert [type(item).__name__ for item in track] == ["Clip", "Clip", "Gap", "Clip"]
    assert [track.range_of_child(clip).start_time.to_seconds() for clip in track.find_clips()] == [0, 7.5, 30]
    assert [clip.name for clip in track.find_clips()] == ["The viaduct", 'The "sleeping" car', "Late"]
    second = track[1]
    assert second.markers[0].comment == "A lazy wave."
    assert second.markers[0].marked_range == second.source_range
    assert second.media_reference.available_range.duration.to_seconds() == 40
    assert getattr(second.media_reference, "target_url", "") == url


@pytest.mark.parametrize("frame_rate", [24, 29.97])
def test_our_otio_is_written_as_opentimelineio_writes_it(frame_rate: float) -> None:
    ours = written(FOUND, frame_rate=frame_rate, media_url="file:///a.mp4")

    theirs = otio.adapters.write_to_string(otio.adapters.read_from_string(ours, "otio_json"), "otio_json")

    assert without_colours(json.loads(theirs)) == without_colours(json.loads(ours))


def without_colours(value: Any) -> Any:
    """Newer versions add a colour to items."""
    if isinstance(value, dict):
        return {k: without_colours(v) for k, v in value.items() if not (k == "color" and v is None)}
    return [without_colours(item) for item in value] if isinstance(value, list) else value
