"""The way to an original: the one place that knows where its bytes are."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files.errors import MediaError, OriginalUnavailableError
from files.models import File
from files.storage.naming import shown

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
#: A link, or a file, where there was a folder.
_NO_FOLDER = (errno.ELOOP, errno.ENOTDIR)


@contextmanager
def as_local_path(file: File) -> Iterator[Path]:
    """A path to read the original from. Raises OriginalUnavailableError, which names the drive, also for what fails
    inside because the original has gone meanwhile: such a file is not damaged.

    The path leads through the folder of the file as it is open here, so that nobody who swaps a folder above it for a
    link has something else read. It holds for processes of the same account while this context lasts.
    """
    path = file.local_path
    try:
        folder = open_folder(file.root.local_path, path.parent)
    except OSError as error:
        raise (_no_ordinary_file(file) if error.errno in _NO_FOLDER else _why_unavailable(file, error)) from error
    try:
        try:
            facts = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            raise _why_unavailable(file, error) from error
        if not stat.S_ISREG(facts.st_mode):
            raise _no_ordinary_file(file)
        fixed = _through(folder, path, facts)
        try:
            yield fixed
        except (OSError, MediaError) as error:
            is_refused = isinstance(error, PermissionError) and error.filename in (os.fspath(path), os.fspath(fixed))
            if is_refused or not os.path.isfile(path):  # noqa: PTH113  (Path's raises where a drive gives errors)
                raise _why_unavailable(file, error) from error
            raise
    finally:
        os.close(folder)


def open_folder(root: Path, folder: Path) -> int:
    """A descriptor of a folder below `root`, opened step by step without following a link. Raises OSError.

    The root itself may lie behind links: it was chosen by its path.
    """
    opened = os.open(root, os.O_RDONLY | _FOLDER)
    try:
        for part in folder.relative_to(root).parts:
            below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | _FOLDER, dir_fd=opened)
            os.close(opened)
            opened = below
    except BaseException:
        os.close(opened)
        raise
    return opened


def _through(folder: int, path: Path, facts: os.stat_result) -> Path:
    """The file's path through its open folder; as it is where the system has no such paths."""
    fixed = Path(f"/proc/{os.getpid()}/fd/{folder}") / path.name
    try:
        return fixed if os.path.samestat(fixed.lstat(), facts) else path
    except OSError:
        return path


def _no_ordinary_file(file: File) -> OriginalUnavailableError:
    return OriginalUnavailableError(
        f"{shown(file.name)} in {file.root.name} is no longer an ordinary file of that folder.",
        remedy="Put the file back and scan the folder.",
        retryable=False,
    )


def _why_unavailable(file: File, error: Exception) -> OriginalUnavailableError:
    root = file.root
    try:
        is_present = any(root.local_path.iterdir())
    except OSError:
        is_present = False
    if not is_present:
        return OriginalUnavailableError(f"The drive of {root.name} ({root.path}) is not there.")
    if isinstance(error, PermissionError):
        return OriginalUnavailableError(
            f"{file.path} in {root.name} may not be read.",
            remedy="Give the account that runs this the right to read it.",
        )
    return OriginalUnavailableError(
        f"{file.path} is no longer in {root.name} ({root.path}).", remedy="Scan the folder, so that a move is noticed."
    )
