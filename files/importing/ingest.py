"""Taking in what was found in files: when a file is whole, and what its row says."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from files import conf
from files.importing.inspection import Inspection, has_moved_on
from files.importing.listing import ListedFile
from files.models import DECODED, File
from files.storage.paths import raw_path, shown_path

MAX_INT = 2**31 - 1


@dataclass(frozen=True)
class SettleClock:
    """The time, and waiting for it to pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


CLOCK = SettleClock()


def is_fresh(entry: ListedFile, now_s: float) -> bool:
    """Whether the file was written so lately that it may still be growing."""
    return now_s - entry.mtime_ns / 1e9 < conf.settle_s()


def settled(
    root: Path, entries: Sequence[ListedFile], since_s: float, *, clock: SettleClock = CLOCK
) -> tuple[list[ListedFile], list[ListedFile]]:
    """Give fresh files their time, counted from `since_s`: those left alone since, and those that still change."""
    # At most that time, also where the clock was put back meanwhile.
    clock.sleep(min(conf.settle_s(), max(0.0, since_s + conf.settle_s() - clock.now())))
    whole = [entry for entry in entries if not has_moved_on(root / entry.path, entry)]
    kept = set(whole)
    return whole, [entry for entry in entries if entry not in kept]


def describe(file: File, inspection: Inspection) -> File:
    """Write what was found into a row, which is not saved."""
    entry, info = inspection.entry, inspection.info
    assert info is not None, "only readable files are described"  # noqa: S101
    file.path, file.path_raw = shown_path(entry.path), raw_path(entry.path)
    file.name = shown_path(os.path.basename(entry.path))  # noqa: PTH119  (Path would need a copy per file)
    file.size_bytes, file.mtime_ns, file.inode = entry.size_bytes, entry.mtime_ns, entry.inode
    file.state, file.missing_since = File.State.AVAILABLE, None
    # Of the same content it is known already how long it is when it is played.
    decoded_s = file.metadata.get(DECODED) if file.sampled_hash == inspection.sampled_hash else None
    if file.sampled_hash != inspection.sampled_hash:
        file.full_hash = ""
    file.sampled_hash = inspection.sampled_hash
    file.media_type = info.media_type
    file.duration_s, file.frame_rate = _finite(decoded_s or info.duration_s), _finite(info.frame_rate)
    file.width, file.height = _small(info.width), _small(info.height)
    file.rotation, file.bit_rate = info.rotation, info.bit_rate
    file.video_codec, file.audio_codec = info.video_codec[:64], info.audio_codec[:64]
    file.created_at = info.created_at or moment_of(entry.mtime_ns)
    file.metadata = info.as_metadata() | ({DECODED: decoded_s} if decoded_s else {})
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


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _small(number: int | None) -> int | None:
    return number if number is not None and 0 < number <= MAX_INT else None
