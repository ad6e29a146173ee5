"""Chapters as an edit decision list (CMX3600), one cut a chapter, source and record times alike. Pure."""

from nova.exports.frames import in_frames, name_line
from nova.exports.source import ExportSource
from nova.exports.timecode import Rate

#: Reel and channel of a CMX3600 event whose source is a file: "auxiliary".
REEL = "AX"


def write(source: ExportSource) -> str:
    """Drop-frame at 29.97 and 59.94, as its second line says. Raises ValueError for no frame rate."""
    rate = Rate.of(source.frame_rate)
    lines = [f"TITLE: {name_line(source.name)}", f"FCM: {'DROP FRAME' if rate.dropped else 'NON-DROP FRAME'}"]
    for number, (start, end, stretch) in enumerate(in_frames(source.stretches, rate), start=1):
        span = f"{rate.timecode(start)} {rate.timecode(end)}"
        lines += [
            "",
            f"{number:03}  {REEL:<8} V     C        {span} {span}",
            f"* FROM CLIP NAME: {name_line(source.name)}",
            f"* COMMENT: {name_line(stretch.title)}",
        ]
    return "\n".join(lines) + "\n"
