"""Clips as FCPXML 1.9, for Final Cut Pro, DaVinci Resolve and others: a project with one clip after the other. Pure.

Source: https://developer.apple.com/documentation/professional-video-applications/fcpxml-reference
"""

from fractions import Fraction
from xml.etree import ElementTree

from curation.exports.clip import Clip, ClipList
from nova.exports.frames import name_line
from nova.exports.timecode import Rate

#: For clips that name no size.
USUAL_SIZE = (1920, 1080)


def write(source: ClipList) -> str:
    """The sequence has the rate and size of the first clip with a picture."""
    root = ElementTree.Element("fcpxml", version="1.9")
    resources = ElementTree.SubElement(root, "resources")
    leading = next((clip for clip in source.clips if clip.has_picture), source.clips[0])
    formats = {_format_key(leading): "r1"}
    _add_format(resources, "r1", leading)
    assets: dict[int, str] = {}
    for clip in source.clips:
        key = _format_key(clip)
        if key not in formats and clip.has_picture:
            formats[key] = f"f{len(formats) + 1}"
            _add_format(resources, formats[key], clip)
        if clip.file_id not in assets:
            assets[clip.file_id] = f"a{clip.file_id}"
            _add_asset(resources, assets[clip.file_id], clip, formats.get(key, "r1"))
    event = ElementTree.SubElement(ElementTree.SubElement(root, "library"), "event", name=name_line(source.name))
    project = ElementTree.SubElement(event, "project", name=name_line(source.name))
    sequence = ElementTree.SubElement(
        project, "sequence", format="r1", tcStart="0s", tcFormat="DF" if leading.rate.dropped else "NDF"
    )
    spine = ElementTree.SubElement(sequence, "spine")
    at = 0
    for clip in source.clips:
        at += _add_clip(spine, clip, assets[clip.file_id], at, leading.rate)
    sequence.set("duration", _time(at, leading.rate))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{text}\n'


def _format_key(clip: Clip) -> tuple[Fraction, int | None, int | None]:
    return clip.rate.exact, clip.width, clip.height


def _add_format(resources: ElementTree.Element, name: str, clip: Clip) -> None:
    width, height = (clip.width, clip.height) if clip.width and clip.height else USUAL_SIZE
    ElementTree.SubElement(
        resources, "format", id=name, frameDuration=_time(1, clip.rate), width=str(width), height=str(height)
    )


def _add_asset(resources: ElementTree.Element, name: str, clip: Clip, format_name: str) -> None:
    length = "0s" if clip.is_still else _time(clip.media_frames, clip.rate)
    asset = ElementTree.SubElement(resources, "asset", id=name, name=_text(clip.file_name), start="0s", duration=length)
    if clip.has_picture:
        asset.attrib |= {"hasVideo": "1", "videoSources": "1", "format": format_name}
    if clip.has_audio:
        asset.attrib |= {"hasAudio": "1", "audioSources": "1", "audioChannels": "2"}
    ElementTree.SubElement(asset, "media-rep", kind="original-media", src=clip.url)


def _add_clip(spine: ElementTree.Element, clip: Clip, asset: str, at: int, rate: Rate) -> int:
    """Add it at this frame of the sequence; returns how many of the sequence's frames it lasts."""
    start, _ = clip.frames
    frames = max(1, rate.frames(clip.length_s))
    place = {"offset": _time(at, rate), "name": name_line(_text(clip.name)), "duration": _time(frames, rate)}
    kind = "video" if clip.is_still else "asset-clip"
    element = ElementTree.SubElement(spine, kind, {"ref": asset, **place})
    element.set("start", _time(start, clip.rate))
    if clip.note:
        ElementTree.SubElement(element, "note").text = _text(clip.note)
    span = {"start": _time(start, clip.rate), "duration": _time(frames, rate)}
    for tag in () if clip.is_still else clip.tags:
        ElementTree.SubElement(element, "keyword", {**span, "value": _text(tag)})
    return frames


def _time(frames: int, rate: Rate) -> str:
    """A number of frames as the exact fraction of a second that FCPXML writes."""
    seconds = Fraction(frames) / rate.exact
    return f"{seconds.numerator}s" if seconds.denominator == 1 else f"{seconds.numerator}/{seconds.denominator}s"


def _text(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(char for char in text if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff"))
