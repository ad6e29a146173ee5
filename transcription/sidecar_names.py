"""Subtitle files that lie beside a media file: `talk.srt`, `talk.en.vtt`, in any case. No Django here."""

import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from transcription.subtitles import READABLE

#: `en`, `pt-BR`, `zh-Hans`, and the marks that players put behind the language.
_LANGUAGE = re.compile(r"^[a-z]{2,3}(?:[-_][a-z0-9]{2,8})?$", re.IGNORECASE)
#: Two changes within this time may bear the same moment, so a folder that changed just now is listed anew.
SETTLED_NS = 2_000_000_000
_MARKS = ("forced", "sdh", "cc", "hi", "default")


@dataclass(frozen=True)
class Sidecar:
    """A subtitle file beside a media file; `language` is empty where its name says none."""

    path: Path
    language: str


def sidecar_of(media: Path, *, language: str = "") -> Sidecar | None:
    """The best subtitle file beside `media`: the wanted language first, then one without a language, then by name."""
    found = sidecars_of(media)
    wanted = language.casefold()
    return min(
        found,
        key=lambda car: (
            not (wanted and car.language.casefold() == wanted),
            bool(car.language),
            READABLE.index(car.path.suffix.lower()),
            car.path.name,
        ),
        default=None,
    )


def sidecars_of(media: Path) -> list[Sidecar]:
    """All subtitle files beside `media`."""
    stem = media.stem.casefold()
    found = []
    for path in _subtitles_in(media.parent):
        if not path.name.casefold().startswith(stem) or not path.is_file():
            continue
        language = _language(path.stem[len(media.stem) :])
        if language is not None:
            found.append(Sidecar(path, language))
    return found


def _subtitles_in(folder: Path) -> tuple[Path, ...]:
    """A folder is listed once for all the files in it: its own time changes when a name comes or goes."""
    try:
        changed_ns = folder.stat().st_mtime_ns
        if time.time_ns() - changed_ns < SETTLED_NS:
            return _listed(folder)
        return _listed_before(folder, changed_ns)
    except OSError:
        return ()


@lru_cache(maxsize=256)
def _listed_before(folder: Path, changed_ns: int) -> tuple[Path, ...]:
    return _listed(folder)


def _listed(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in READABLE))


def _language(rest: str) -> str | None:
    """The language in what follows the media's name; None if the file is another one's (`talk-2.srt`)."""
    if not rest:
        return ""
    if not rest.startswith("."):
        return None
    parts = [part for part in rest[1:].split(".") if part.casefold() not in _MARKS]
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 and _LANGUAGE.match(parts[0]) else None
