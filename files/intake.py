"""Looking into files, several at once: what they hold, or why they cannot be taken in."""

import logging
import math
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from files import conf
from files.errors import FilesError, NotMediaError, StillCopyingError, UnreadableError
from files.hashing import sampled_hash
from files.listing import Entry, entry_of
from files.media import MediaInfo
from files.models import File
from files.paths import HEAD_BYTES, begins_like_media, has_media_extension, raw_path, shown_path
from files.probe import probe

logger = logging.getLogger(__name__)
MAX_INT = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was found in one file: either `info`, or the `error` why not."""

    entry: Entry
    info: MediaInfo | None = None
    sampled_hash: str = ""
    error: FilesError | None = None


def look_into_all(root: Path, entries: Sequence[Entry], pool: ThreadPoolExecutor) -> Iterator[Looked]:
    """Look into these files, in their order, on the threads of the pool."""
    return pool.map(lambda entry: look_into(root, entry), entries)


def make_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf.probe_workers(), thread_name_prefix="probe")


def look_into(root: Path, entry: Entry) -> Looked:
    """Look into one file. Never raises for what the file is: one bad file stops no other."""
    path = root / entry.path
    try:
        if not _may_be_media(path):
            raise NotMediaError(f"{shown_path(path.name)} is not a media file.")
        info = probe(path)
        digest = sampled_hash(path)
        if has_moved_on(path, entry):
            raise StillCopyingError(f"{shown_path(path.name)} changed while it was looked at.")
    except FilesError as error:
        return Looked(entry=entry, error=error)
    except OSError as error:
        return Looked(entry=entry, error=_unreadable(path, error.strerror or str(error)))
    except Exception as error:  # whatever a library makes of a broken file, its neighbours go on
        logger.warning("Could not look into %s", shown_path(str(path)), exc_info=True)
        return Looked(entry=entry, error=_unreadable(path, f"{type(error).__name__}: {error}"))
    return Looked(entry=entry, info=info, sampled_hash=digest)


def is_fresh(entry: Entry, now_s: float) -> bool:
    """Whether the file was written so lately that it may still be growing."""
    return now_s - entry.mtime_ns / 1e9 < conf.settle_s()


def settled(root: Path, entries: Sequence[Entry], since_s: float) -> tuple[list[Entry], list[Entry]]:
    """Give fresh files their time, counted from `since_s`: those left alone since, and those that still change."""
    time.sleep(max(0.0, since_s + conf.settle_s() - time.time()))
    whole = [entry for entry in entries if not has_moved_on(root / entry.path, entry)]
    kept = set(whole)
    return whole, [entry for entry in entries if entry not in kept]


def has_moved_on(path: Path, entry: Entry) -> bool:
    """Whether size or time differ from what was listed."""
    try:
        return entry_of(entry.path, path.lstat()) != entry
    except OSError:
        return True


def describe(file: File, looked: Looked) -> File:
    """Write what was found into a row, which is not saved."""
    entry, info = looked.entry, looked.info
    assert info is not None, "only readable files are described"  # noqa: S101
    file.path, file.path_raw = shown_path(entry.path), raw_path(entry.path)
    file.name = shown_path(os.path.basename(entry.path))  # noqa: PTH119  (Path would need a copy per file)
    file.size_bytes, file.mtime_ns, file.inode = entry.size_bytes, entry.mtime_ns, entry.inode
    file.state, file.missing_since = File.State.AVAILABLE, None
    if file.sampled_hash != looked.sampled_hash:
        file.full_hash = ""
    file.sampled_hash = looked.sampled_hash
    file.media_type = info.media_type
    file.duration_s, file.frame_rate = _finite(info.duration_s), _finite(info.frame_rate)
    file.width, file.height = _small(info.width), _small(info.height)
    file.rotation, file.bit_rate = info.rotation, info.bit_rate
    file.video_codec, file.audio_codec = info.video_codec[:64], info.audio_codec[:64]
    file.created_at = info.created_at or moment_of(entry.mtime_ns)
    file.metadata = info.as_metadata()
    return file


#: The columns that `describe` writes.
DESCRIBED = [
    "path", "path_raw", "name", "size_bytes", "mtime_ns", "inode", "state", "missing_since", "full_hash",
    "sampled_hash", "media_type", "duration_s", "frame_rate", "width", "height", "rotation", "bit_rate",
    "video_codec", "audio_codec", "created_at", "metadata",
]  # fmt: skip


def moment_of(mtime_ns: int) -> datetime:
    """A file's time as a moment; clocks of cameras and broken disks know years that Python does not."""
    try:
        return datetime.fromtimestamp(mtime_ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime(1970, 1, 1, tzinfo=UTC)


def _may_be_media(path: Path) -> bool:
    if has_media_extension(path.name):
        return True
    with path.open("rb") as source:
        return begins_like_media(source.read(HEAD_BYTES))


def _unreadable(path: Path, reason: str) -> UnreadableError:
    return UnreadableError(
        f"{shown_path(path.name)} cannot be read: {reason}.", remedy="Check its permissions and the drive."
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _small(number: int | None) -> int | None:
    return number if number is not None and 0 < number <= MAX_INT else None
