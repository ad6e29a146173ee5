"""Taking a folder into the library, where it lies: nothing in it is moved, copied or changed."""

from pathlib import Path

from files.importing import roots
from files.importing.arrivals import Arrived, nobody_waits
from files.importing.ingest import CLOCK, SettleClock
from files.importing.reports import ImportReport
from files.importing.scanning import ScanScope, scan
from jobs.progress import NO_PROGRESS, Progress


def import_directory(
    path: str | Path,
    *,
    recursive: bool = True,
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
    arrived: Arrived = nobody_waits,
    clock: SettleClock = CLOCK,
) -> ImportReport:
    """Register each media file below `path` by reference, by its content and not by its name.

    A folder inside a known root belongs to that root; known roots that lie below `path` are imported as well. What was
    removed from the library comes back, what could not be read is tried again. `arrived` is told of new and
    changed files, in the transaction that writes them.

    Raises FolderNotFoundError, PathRefusedError, RootAbsentError, RootDiffersError.
    """
    folder = roots.checked_folder(path)
    root = roots.find_root(folder) or roots.new_root(folder) if dry_run else roots.find_or_make_root(folder)
    inside = folder.relative_to(root.local_path)
    scope = ScanScope(
        folder="" if inside == Path() else str(inside), recursive=recursive, dry_run=dry_run, by_request=True
    )
    report = scan(root, scope, progress=progress, arrived=arrived, clock=clock)
    if recursive:
        whole = ScanScope(dry_run=dry_run, by_request=True)
        for nested in roots.nested_roots(folder):
            if nested.pk != root.pk:
                report.add(scan(nested, whole, progress=progress, arrived=arrived, clock=clock))
    return report


def importable(folder: Path, allowed: list[Path]) -> bool:
    """Whether a door without a shell behind it may import this: inside an import root or a known one."""
    return any(folder.is_relative_to(place) for place in allowed) or roots.find_root(folder) is not None
