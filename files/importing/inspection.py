"""Looking into one file: what it holds, or why it cannot be taken in. Without Django: helpers start quickly."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from files.errors import FilesError, NotMediaError, StillCopyingError, UnreadableError
from files.importing.listing import ListedFile, entry_of
from files.media.info import MediaInfo
from files.media.probe import probe
from files.storage.paths import HEAD_BYTES, begins_like_media, has_media_extension, shown_path
from files.storage.sampling import sampled_hash

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was found in one file: either `info`, or the `error` why not."""

    entry: ListedFile
    info: MediaInfo | None = None
    sampled_hash: str = ""
    error: FilesError | None = None


def inspect_file(root: Path, entry: ListedFile, *, look: Callable[[Path], MediaInfo] = probe) -> Inspection:
    """Look into one file. Never raises for what the file is: one bad file stops no other.

    `look` opens it as media; in processes that are not to be taken along by a crash it asks a helper.
    """
    path = root / entry.path
    try:
        with path.open("rb") as source:
            head = source.read(HEAD_BYTES)
        if not (has_media_extension(path.name) or begins_like_media(head)):
            raise NotMediaError(f"{shown_path(path.name)} is not a media file.")
        info = look(path)
        digest = sampled_hash(path)
        if has_moved_on(path, entry):
            raise StillCopyingError(f"{shown_path(path.name)} changed while it was being read.")
    except FilesError as error:
        return Inspection(entry=entry, error=error)
    except OSError as error:
        return Inspection(entry=entry, error=unreadable(path, error.strerror or str(error)))
    except Exception as error:  # whatever a library makes of a broken file, its neighbours go on
        logger.warning("Could not look into %s", shown_path(str(path)), exc_info=True)
        return Inspection(entry=entry, error=unreadable(path, f"{type(error).__name__}: {error}"))
    return Inspection(entry=entry, info=info, sampled_hash=digest)


def has_moved_on(path: Path, entry: ListedFile) -> bool:
    """Whether size or time differ from what was listed."""
    try:
        return entry_of(entry.path, path.lstat()) != entry
    except OSError:
        return True


def unreadable(path: Path, reason: str) -> UnreadableError:
    return UnreadableError(
        f"{shown_path(path.name)} cannot be read: {reason}.", remedy="Check its permissions and the drive."
    )
