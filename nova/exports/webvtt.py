"""Chapters as WebVTT, for a track of kind "chapters". Pure."""

import html

from nova.exports.frames import name_line
from nova.exports.source import ExportSource
from transcription.subtitles.writers import clock


def write(source: ExportSource) -> str:
    blocks = ["WEBVTT\n"]
    for number, stretch in enumerate(source.stretches, start=1):
        start_ms = round(stretch.range.start_s * 1000)
        end_ms = max(start_ms + 1, round(stretch.range.end_s * 1000))  # a cue may not be empty
        title = html.escape(name_line(stretch.title) or f"Chapter {number}", quote=False)
        blocks.append(f"{clock(start_ms, '.')} --> {clock(end_ms, '.')}\n{title}\n")
    return "\n".join(blocks)
