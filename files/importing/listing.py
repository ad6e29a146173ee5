"""What lies in a folder: one `scandir` and one `stat` per file, nothing opened, no link followed."""

import gc
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from files.importing.leftovers import NOTHING, Leftovers
from files.storage.paths import raw_path, shown_path
from jobs.progress import NO_PROGRESS, Progress

#: SQLite's integers are signed; some network file systems use all 64 bits for their inodes, and broken clocks know
#: years whose nanoseconds do not fit.
MAX_INT = 2**63 - 1


class ListedFile(NamedTuple):
    """A regular file; `path` is relative to the root, as the operating system spells it."""

    path: str
    size_bytes: int
    mtime_ns: int
    inode: int


def entry_of(path: str, facts: os.stat_result) -> ListedFile:
    return ListedFile(path, facts.st_size, min(facts.st_mtime_ns, MAX_INT), facts.st_ino & MAX_INT)


class RefusedPath(NamedTuple):
    """Something that is not taken in."""

    path: str
    kind: str
    reason: str
    remedy: str


@dataclass
class FolderListing:
    """What was found below one folder of a root."""

    entries: list[ListedFile] = field(default_factory=list)
    refusals: list[RefusedPath] = field(default_factory=list)
    #: Folders and files that could not be read: nothing is known of what is there.
    unread: list[str] = field(default_factory=list)
    #: What other machines left there. A row of it stays as it is: it came in before such things were left out.
    left_out: list[str] = field(default_factory=list)
    hidden: int = 0

    def is_unknown(self, path: str) -> bool:
        """Whether nothing was found out about this path."""
        unknown = (*self.unread, *self.left_out)
        return any(not outer or path == outer or path.startswith(f"{outer}/") for outer in unknown)

    def add_unreadable(self, path: str, error: OSError) -> None:
        self.unread.append(path)
        reason = f"It cannot be read: {error.strerror}."
        self.refusals.append(RefusedPath(path, "unreadable_place", reason, "Check its permissions and the drive."))


def list_folder(
    root: Path,
    folder: str = "",
    *,
    recursive: bool = True,
    leave_out: frozenset[str] = frozenset(),
    leftovers: Leftovers = NOTHING,
    progress: Progress = NO_PROGRESS,
) -> FolderListing:
    """List the files below `folder` of `root`. `leave_out` holds absolute paths of folders that are not entered.

    Hidden names and leftovers of other machines are left out and counted; links that lead out of the root, devices,
    pipes and sockets are refused.
    """
    listing = FolderListing()
    base = os.fspath(root)
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        progress.check()
        folders = list_one_folder(base, inner, listing, leftovers)
        if recursive:
            waiting += [path for path in reversed(folders) if f"{base}/{path}" not in leave_out]
    refuse_twins(listing)
    return listing


def list_one_folder(base: str, folder: str, listing: FolderListing, leftovers: Leftovers = NOTHING) -> list[str]:
    """Add the files of one folder; returns its folders."""
    prefix = f"{folder}/" if folder else ""
    folders: list[str] = []
    try:
        place = f"{base}/{folder}" if folder else base
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    listing.hidden += 1
                elif leftovers.holds(entry.name, place):
                    listing.left_out.append(prefix + entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(prefix + entry.name)
                else:
                    _add(entry, prefix + entry.name, base, listing)
    except OSError as error:
        listing.add_unreadable(folder, error)
    return folders


def _add(entry: os.DirEntry[str], path: str, base: str, listing: FolderListing) -> None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # it went away while we looked
        return
    except OSError as error:
        listing.add_unreadable(path, error)
        return
    if stat.S_ISREG(facts.st_mode):
        listing.entries.append(entry_of(path, facts))
    elif stat.S_ISLNK(facts.st_mode):
        # A link inside the root is passed over, since its target is found where it lies; any other is refused.
        target = os.path.realpath(f"{base}/{path}")
        if target != base and not target.startswith(f"{base}/"):
            reason = f"It is a link that leads out of the folder, to {shown_path(target)}."
            listing.refusals.append(RefusedPath(path, "link", reason, "Import the folder that it leads to."))
    else:
        listing.refusals.append(
            RefusedPath(path, "special", "It is a device, a pipe or a socket, not a file.", "It is left alone.")
        )


def refuse_twins(listing: FolderListing) -> None:
    """A name that is not UTF-8 may be shown like another file's name, and a path is one row's."""
    odd = [entry for entry in listing.entries if not entry.path.isascii() and raw_path(entry.path) is not None]
    if not odd:
        return
    taken = {entry.path for entry in listing.entries}
    for entry in odd:
        shown = shown_path(entry.path)
        if shown in taken:
            reason = "Its name is not UTF-8, and is written here like the name of another file."
            listing.refusals.append(RefusedPath(entry.path, "name", reason, "Rename one of the two."))
            listing.unread.append(entry.path)
            listing.entries.remove(entry)
        taken.add(shown)


@contextmanager
def without_collection() -> Iterator[None]:
    """Make many small tuples without a search for cycles after each thousand: it took a sixth of a re-scan."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
