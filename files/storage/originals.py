"""The way to an original: the one place that knows where its bytes are."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files.errors import MediaError, OriginalUnavailableError
from files.models import File
from files.storage.naming import shown


@contextmanager
def as_local_path(file: File) -> Iterator[Path]:
    """A path to read the original from. Raises OriginalUnavailableError, which names the drive, also for what fails
    inside because the original has gone meanwhile: such a file is not damaged.
    """
    path, root = file.local_path, file.root
    try:
        mode = path.stat().st_mode
        is_inside = path.resolve().is_relative_to(root.local_path.resolve())
    except OSError as error:
        raise _why_unavailable(file, error) from error
    if not stat.S_ISREG(mode) or not is_inside:
        raise OriginalUnavailableError(
            f"{shown(file.name)} in {root.name} is no longer an ordinary file of that folder.",
            remedy="Put the file back and scan the folder.",
            retryable=False,
        )
    try:
        yield path
    except (OSError, MediaError) as error:
        is_refused = isinstance(error, PermissionError) and error.filename == os.fspath(path)
        if is_refused or not os.path.isfile(path):  # noqa: PTH113  (Path's raises where a drive gives errors)
            raise _why_unavailable(file, error) from error
        raise


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
