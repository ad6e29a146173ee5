"""What is not text in the text of a cue: tags, inline times, entities, overrides and drawings."""

import html
import re

#: Tags that stand alone or with a class, and those that carry something more. All else in angle brackets is text.
_TAG = re.compile(
    r"</?(?:i|b|u|s|em|strong|ruby|rt|rp|br|c)(?:\.[^\s<>]*)?\s*/?>"
    r"|</?(?:font|span|p|div|v|lang|c)(?:\.[^\s<>]*)?(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_INLINE_TIME = re.compile(r"<(?:\d+:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?>")
#: WebVTT says who speaks: `<v Ada>`, `<v.loud Ada Byron>`.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]+)>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,30});")
#: ASS's, and those that converters from MicroDVD leave: `{y:i}`.
_OVERRIDE = re.compile(r"(\{(?:\\|[yYcCfFsSpP]:)[^{}]*\})")
_BRACES = re.compile(r"(\{[^{}]*\})")
_DRAWING = re.compile(r"\\p(\d+)")
#: A backslash that is none of `\N` and `\h`, or that stands in a path: then these are text, too.
_OTHER_BACKSLASH = re.compile(r"[A-Za-z]:\\|\\(?![Nh])")


def plain_lines(text: str) -> list[str]:
    """The lines of an SRT or WebVTT cue without their markup, empty ones included."""
    text = _without_overrides(text, _OVERRIDE)
    if not _OTHER_BACKSLASH.search(text):
        text = text.replace("\\N", "\n").replace("\\h", " ")
    text = _INLINE_TIME.sub("", _TAG.sub("", _BREAK.sub("\n", text)))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text).split("\n")


def voice_of(text: str) -> str:
    """Who speaks in a cue; empty where nobody is named, or more than one."""
    voices = {" ".join(html.unescape(name).split()) for name in _VOICE.findall(text)} - {""}
    return voices.pop() if len(voices) == 1 else ""


def plain_ass(text: str) -> str:
    """The text of an ASS or SSA line without overrides, notes and drawings."""
    text = _without_overrides(text, _BRACES)
    return text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")


def _without_overrides(text: str, block: re.Pattern[str]) -> str:
    if "{" not in text:
        return text
    kept, is_drawing = [], False
    for part in block.split(text):
        if block.fullmatch(part):
            for scale in _DRAWING.findall(part):
                is_drawing = int(scale) > 0
        elif not is_drawing:
            kept.append(part)
    return "".join(kept)
