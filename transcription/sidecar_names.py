"""Which subtitle files lie beside a media file, and what their names say. No Django here.

`talk.srt`, `talk.en.vtt`, `talk.mp4.srt`, `talk.English.srt`, `talk.pt-BR.forced.srt`, `talk.en.2.srt`: in any case,
and however accents are composed.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path

from files.storage.paths import has_media_extension, shown_path
from transcription.languages import base_language, fold, language_tag
from transcription.subtitles.reader import READABLE

#: Two changes within this time may bear the same moment, so a folder that changed just now is listed anew.
SETTLED_NS = 2_000_000_000
#: Subtitle files of other formats: told, and not read.
UNREADABLE = (".sub", ".idx", ".sup", ".ttml", ".dfxp", ".smi", ".sami", ".stl", ".lrc", ".mpl", ".usf", ".scc")
_FORCED = frozenset(("forced", "foreign"))
_IMPAIRED = frozenset(("sdh", "cc", "hi", "hoh"))
_MEANINGLESS = frozenset(("default", "full", "und", "track", "sub", "subs", "subtitles", "captions"))
_PART = re.compile(r"[.\s]*(?:\(([^)]*)\)|\[([^\]]*)\]|([^.(\[]+|[(\[]))")
#: Between a name and its language, where somebody did not take a full stop: `talk_en`, `talk-en`, `talk en`.
_OTHER_JOINTS = ("_", "-", " ")


class SidecarKind(IntEnum):
    """How much of what is said a subtitle file holds, by its name: the best first."""

    FULL = 0
    IMPAIRED = 1  # with sounds described, for those who cannot hear
    TITLED = 2  # a commentary, notes
    FORCED = 3  # only what is foreign


@dataclass(frozen=True)
class Sidecar:
    """A subtitle file beside a media file; `language` is empty where its name says none, `number` 0 likewise."""

    path: Path
    language: str
    kind: SidecarKind = SidecarKind.FULL
    number: int = 0
    title: str = ""

    @property
    def name(self) -> str:
        """The file's name as text that can be shown and stored."""
        return shown_path(self.path.name)

    @property
    def is_readable(self) -> bool:
        return self.path.suffix.lower() in READABLE


@dataclass(frozen=True)
class _Listing:
    """What a folder holds: its subtitle files, and the folded names and stems of its media files."""

    subtitles: tuple[tuple[str, Path], ...]  # by the folded stem, in its order
    media: frozenset[str]


def sidecars_of(media: Path, *, languages: Sequence[str] = ()) -> list[Sidecar]:
    """All subtitle files of `media`, the best first.

    What is forced goes last. Before that: `languages` in their order, then the whole before what is made for those who
    cannot hear, then a plain name before one with a language, and a file that is read before one that is not.
    """
    listing = listing_of(media.parent)
    stem = fold(media.stem)
    first = bisect_left(listing.subtitles, (stem,))
    near = takewhile(lambda entry: entry[0].startswith(stem), islice(listing.subtitles, first, None))
    sidecars = [sidecar for entry in near if (sidecar := sidecar_at(*entry, media, listing)) is not None]
    wanted = [base_language(language) for language in languages]

    def goodness(sidecar: Sidecar) -> tuple[object, ...]:
        base = base_language(sidecar.language)
        return (
            not sidecar.is_readable,
            sidecar.kind is SidecarKind.FORCED,
            wanted.index(base) if base in wanted else len(wanted),
            sidecar.kind,
            bool(sidecar.language),
            sidecar.number,
            READABLE.index(sidecar.path.suffix.lower()) if sidecar.is_readable else 0,
            fold(sidecar.path.name),
        )

    return sorted(sidecars, key=goodness)


def sidecar_at(stem: str, path: Path, media: Path, listing: _Listing) -> Sidecar | None:
    """What the name says, if the file is this media file's and no other's."""
    for owner in (fold(media.name), fold(media.stem)):
        rest = stem.removeprefix(owner)
        if rest.startswith(_OTHER_JOINTS) and language_tag(rest[1:].partition(".")[0]):
            rest = f".{rest[1:]}"
        if stem.startswith(owner) and (not rest or rest[0] == "." or rest.lstrip()[:1] in ("(", "[")):
            longer = (name for name in listing.media if len(name) > len(owner) and name != fold(media.name))
            if any(stem == name or stem.startswith(f"{name}.") for name in longer):
                return None
            return describe(path, rest) if path.is_file() else None
    return None


def describe(path: Path, rest: str) -> Sidecar:
    """The language, the kind and the number in what follows the media's name."""
    parts = ["".join(match).strip() for match in _PART.findall(rest)]
    tags = [language_tag(part) for part in parts]
    # `hi` is Hindi, unless another language is named: then it is for the hearing impaired.
    named = [index for index, tag in enumerate(tags) if tag]
    chosen = next((index for index in named if parts[index] not in _IMPAIRED), named[0] if named else None)
    kind, number, titles = SidecarKind.FULL, 0, []
    for index, part in enumerate(parts):
        if index == chosen or part in _MEANINGLESS:
            continue
        if part in _FORCED:
            kind = SidecarKind.FORCED
        elif part in _IMPAIRED:
            kind = max(kind, SidecarKind.IMPAIRED)
        elif part.isdecimal() and len(part) <= 3:
            number = int(part)
        elif not tags[index]:
            titles.append(part)
            kind = max(kind, SidecarKind.TITLED)
    return Sidecar(path, tags[chosen] or "" if chosen is not None else "", kind, number, ".".join(titles))


def listing_of(folder: Path) -> _Listing:
    """A folder is listed once for all the files in it: its own time changes when a name comes or goes."""
    try:
        changed_ns = folder.stat().st_mtime_ns
        if time.time_ns() - changed_ns < SETTLED_NS:
            return _listed(folder)
        return listing_before(folder, changed_ns)
    except OSError:
        return _Listing((), frozenset())


@lru_cache(maxsize=256)
def listing_before(folder: Path, changed_ns: int) -> _Listing:
    return _listed(folder)


def _listed(folder: Path) -> _Listing:
    paths = list(folder.iterdir())
    subtitles = sorted((fold(p.stem), p) for p in paths if p.suffix.lower() in (*READABLE, *UNREADABLE))
    media = [path for path in paths if has_media_extension(path.name)]
    return _Listing(tuple(subtitles), frozenset(fold(name) for path in media for name in (path.name, path.stem)))
