"""Taking a folder into the library, where it lies: nothing in it is moved, copied or changed."""

from pathlib import Path

from files.importing import roots
from files.importing.reports import ImportReport
from files.importing.scanning import Arrived, Scan, ScanScope, nobody_waits
from files.models import Root
from jobs.progress import NO_PROGRESS, Progress


def import_directory(
    path: str | Path,
    *,
    recursive: bool = True,
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
    arrived: Arrived = nobody_waits,
) -> ImportReport:
    """Register each media file below `path` by reference, by its content and not by its name.

    A folder inside a known root belongs to that root; known roots that lie below `path` are imported as well. What was
    removed from the library comes back, what could not be read is tried again. `arrived` is told of new and
    changed files, in the transaction that writes them.

    Raises FolderNotFoundError, PathRefusedError, RootAbsentError, RootDiffersError.
    """
    folder = roots.checked_folder(path)
    root = _root_for(folder, dry_run=dry_run)
    scope = ScanScope(folder=_inside(folder, root), recursive=recursive, dry_run=dry_run, by_request=True)
    report = Scan(root, scope, progress=progress, arrived=arrived).run()
    if recursive:
        whole = ScanScope(dry_run=dry_run, by_request=True)
        for nested in roots.nested_roots(folder):
            if nested.pk != root.pk:
                report.add(Scan(nested, whole, progress=progress, arrived=arrived).run())
    return report


def _root_for(folder: Path, *, dry_run: bool) -> Root:
    if dry_run:
        return roots.find_root(folder) or roots.new_root(folder)
    return roots.find_or_make_root(folder)


def _inside(folder: Path, root: Root) -> str:
    """The folder relative to its root; empty for the root itself."""
    relative = folder.relative_to(root.local_path)
    return "" if relative == Path() else str(relative)


def importable(folder: Path, allowed: list[Path]) -> bool:
    """Whether a door without a shell behind it may import this: inside an import root or a known one."""
    return any(folder.is_relative_to(place) for place in allowed) or roots.find_root(folder) is not None
