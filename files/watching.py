"""Watching folders for changes where the file system tells of them, so that new files need no next scan."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import watchfiles

from files import conf
from files.import_tasks import request_scan
from files.models import Root

logger = logging.getLogger(__name__)

#: The list of folders is read anew so often: one may have been added, removed, or have come back.
ANEW_S = 300.0
#: Changes that follow each other so closely are one: a copy of many files makes one scan.
QUIET_MS = 5000
#: File systems of other machines tell nothing, or wake their disks for it.
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")
Changes = Iterator[set[tuple[Any, str]]]


def watch_folders(changes: Callable[[Mapping[Path, Root]], Changes] | None = None) -> int:
    """The tick: wait for changes in the folders of the library for a while; scan those that have some.

    Returns how many scans were asked for. What is still being copied is left to the scan, which waits for it.
    """
    if not conf.watches_folders():
        return 0
    watched = {root.local_path: root for root in Root.objects.scannable() if is_local(root.local_path)}
    if not watched:
        return 0
    count = 0
    try:
        for seen in (changes or _changes)(watched):
            paths = [Path(path) for _, path in seen]
            for folder, root in watched.items():
                if any(path.is_relative_to(folder) for path in paths):
                    request_scan(root)
                    count += 1
    except OSError as error:  # the system's limit of watches, or a drive that went: the next scan sees it all the same
        logger.warning("Folders cannot be watched now (%s); they are looked through every SCAN_MINUTES", error)
    return count


def _changes(watched: Mapping[Path, Root]) -> Changes:
    """Sets of changes, until it is time to read the list of folders anew."""
    waited_ms = 0.0
    step_ms = 10_000
    for seen in watchfiles.watch(
        *watched, debounce=QUIET_MS, rust_timeout=step_ms, yield_on_timeout=True, raise_interrupt=False
    ):
        if seen:
            yield seen
        waited_ms += step_ms
        if waited_ms >= ANEW_S * 1000:
            return


def is_local(path: Path, mounts: str = "/proc/self/mounts") -> bool:
    """Whether the folder lies on a disk of this machine, as far as the system says."""
    try:
        lines = Path(mounts).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux: the watcher knows how to ask there
        return True
    rows = (line.split() for line in lines)
    kinds = [(row[1].replace("\\040", " "), row[2]) for row in rows if len(row) > 2]
    inside = [(place, kind) for place, kind in kinds if path.is_relative_to(place)]
    return not inside or max(inside, key=lambda one: len(one[0]))[1] not in REMOTE
