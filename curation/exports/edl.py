"""Clips as an edit decision list (CMX3600), one event a clip, one after the other. Pure.

An event names its reel only; the comments that editing programs read name the clip and its file.
"""

from curation.exports.clip import ClipList
from nova.exports.edl import REEL
from nova.exports.frames import name_line


def write(source: ClipList) -> str:
    """The record side runs at the rate of the first clip."""
    rate = source.clips[0].rate
    lines = [f"TITLE: {name_line(source.name)}", f"FCM: {'DROP FRAME' if rate.dropped else 'NON-DROP FRAME'}"]
    at = 0
    for number, clip in enumerate(source.clips, start=1):
        start, end = clip.frames
        channel = "A" if not clip.has_picture else "B" if clip.has_audio else "V"
        after = at + max(1, rate.frames(clip.length_s))
        span = f"{clip.rate.timecode(start)} {clip.rate.timecode(end)} {rate.timecode(at)} {rate.timecode(after)}"
        lines += [
            "",
            f"{number:03}  {REEL:<8} {channel:<5} C        {span}",
            f"* FROM CLIP NAME: {name_line(clip.file_name)}",
            f"* SOURCE FILE: {clip.path}",
        ]
        if clip.name != clip.file_name:
            lines.append(f"* COMMENT: {name_line(clip.name)}")
        at = after
    return "\n".join(lines) + "\n"
