"""What other machines leave among media: bins and thumbnails of storage boxes, low copies of cameras. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate

#: Names and patterns, in any case; with a slash, the name of the folder around it comes first.
DEFAULT = (
    # Synology, QNAP, NetApp, Asustor
    "@eaDir", "@tmp", "@sharesnap", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@snapshot", "~snapshot",
    "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder",
    # Windows and Linux
    "$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "FOUND.[0-9][0-9][0-9]", "lost+found",
    # macOS, in archives that were unpacked elsewhere
    "__MACOSX",
    # GoPro, DJI and Insta360: low copies and thumbnails beside the recording
    "*.LRV", "*.THM", "*.LRF",
    # Sony XAVC and XDCAM: low copies and thumbnails
    "THMBNL", "M4ROOT/SUB", "XDROOT/SUB", "C[0-9][0-9][0-9][0-9]S03.MP4",
    # Panasonic P2: low copies and icons
    "CONTENTS/PROXY", "CONTENTS/ICON",
    # caches of photo and video programs
    "*.lrdata", "Adobe Premiere Pro Video Previews", "Adobe Premiere Pro Audio Previews", "Media Cache Files",
    "CacheClip",
)  # fmt: skip


def names_of(setting: Sequence[str]) -> list[str]:
    """The list that a setting makes: `+name` adds to the usual one, `-name` takes from it; plain names replace it."""
    plain = [name for name in setting if name[:1] not in ("+", "-")]
    names = [*(plain or DEFAULT), *(name[1:] for name in setting if name.startswith("+"))]
    gone = {name[1:].casefold() for name in setting if name.startswith("-")}
    return [name for name in dict.fromkeys(names) if name and name.casefold() not in gone]


@dataclass(frozen=True)
class Leftovers:
    """Says of a name in a folder whether an import leaves it out."""

    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, names: Sequence[str]) -> "Leftovers":
        """`?`, `*` and `[…]` stand for what they stand for in a shell."""
        parts = [translate(name if "/" in name else f"*/{name}") for name in names]
        return cls(re.compile("|".join(parts), re.I) if parts else None)

    def holds(self, name: str, folder: str) -> bool:
        """`folder` is the path of the folder that the name was found in."""
        return self.pattern is not None and self.pattern.match(f"{folder.rpartition('/')[2]}/{name}") is not None


NOTHING = Leftovers(None)
