"""Pieces of a proxy, cut without encoding again: for readers that see no more than so many seconds at once."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from files.errors import FfmpegFailedError
from files.media import derived, ffmpeg
from files.media.info import FORMATS
from files.models import File
from files.storage import disk
from jobs.progress import NO_PROGRESS, Progress

LIST = "pieces.csv"
#: Beginning of the name of their folder, beside what was derived of the file.
PIECES = "pieces-"
#: The time of a key frame, rounded up, lies behind it: asked for again, it would be missed for the next one.
EARLY_S = 0.001


@dataclass(frozen=True, kw_only=True)
class ProxyClip:
    """A file with a part of a video; its second 0 is `start_s` of the whole."""

    path: Path
    start_s: float
    end_s: float


@contextmanager
def pieces(
    file: File, source: Path, cuts_s: Sequence[float], *, token: str, progress: Progress = NO_PROGRESS
) -> Iterator[list[ProxyClip]]:
    """Cut `source`, a proxy of `file`, at the first key frame after each of `cuts_s`; the pieces are gone afterwards.

    Times are those of the key frames, so pieces neither overlap nor leave a gap. Without cuts it is `source` itself.
    Raises FfmpegFailedError, NoSpaceError, Cancelled.
    """
    if not cuts_s:
        yield [ProxyClip(path=source, start_s=0.0, end_s=file.duration_s or 0.0)]
        return
    folder = derived.folder(file.pk) / f"{PIECES}{token}"
    disk.remove_tree(folder)
    disk.require_space(disk.make_dir(folder), source.stat().st_size)
    try:
        arguments = [
            *("-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", f"file:{source}"),
            *("-map", "0:V:0", "-c", "copy", "-f", "segment", "-segment_format", "mp4", "-reset_timestamps", "1"),
            *("-segment_times", ",".join(f"{at - EARLY_S:.3f}" for at in cuts_s)),
            *("-segment_list", f"file:{folder / LIST}", "-segment_list_type", "csv"),
            f"file:{folder / '%03d.mp4'}",
        ]
        ffmpeg.run(arguments, duration_s=file.duration_s, progress=progress, message="Cutting")
        yield _read(folder, len(cuts_s) + 1)
    finally:
        disk.remove_tree(folder)


def _read(folder: Path, count: int) -> list[ProxyClip]:
    with (folder / LIST).open(newline="") as listed:
        rows = [(Path(name).name, float(start), float(end)) for name, start, end in csv.reader(listed)]
    if len(rows) != count or not all((folder / name).is_file() for name, _, _ in rows):
        raise FfmpegFailedError(f"The proxy gave {len(rows)} pieces instead of {count}; make the proxy again.")
    return [ProxyClip(path=folder / name, start_s=start, end_s=end) for name, start, end in rows]
