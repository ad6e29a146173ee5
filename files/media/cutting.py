"""Pieces of a proxy, cut without encoding again, for readers that see no more than so many seconds at once; and ranges
that a person marked, exact to the frame."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from files.errors import BadRangeError, FfmpegFailedError
from files.media import derived, ffmpeg
from files.media.info import FORMATS
from files.media.proxy_lookup import is_whole, proxy_path
from files.models import File, Proxy
from files.storage import disk
from files.storage.originals import as_local_path
from jobs.progress import NO_PROGRESS, Progress

LIST = "pieces.csv"
#: Beginning of the name of their folder, beside what was derived of the file.
PIECES = "pieces-"
#: Of a range that a person waits for.
LONGEST_RANGE_S = 600.0
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


@contextmanager
def cut_range(file: File, start_s: float, end_s: float, *, token: str) -> Iterator[Path]:
    """A file of its own with these seconds of a video or sound, exact to the frame; it is gone afterwards.

    Made from the largest proxy, else from the original. Raises BadRangeError, OriginalUnavailableError,
    FfmpegFailedError, NoSpaceError.
    """
    longest_s = file.duration_s or end_s
    if not file.is_playable or not 0 <= start_s < min(end_s, longest_s) or end_s - start_s > LONGEST_RANGE_S:
        raise BadRangeError(
            f"These seconds cannot be cut out of {file.name}.",
            remedy=f"Choose at most {LONGEST_RANGE_S / 60:.0f} minutes inside the file.",
        )
    proxies = [proxy for proxy in Proxy.objects.shown().filter(file=file, is_partial=False) if is_whole(proxy)]
    best = max(proxies, key=lambda proxy: proxy.height or 0, default=None)
    encoder, name = ffmpeg.h264_encoder(), "range.mp4" if file.media_type == File.MediaType.VIDEO else "range.m4a"
    video = ("-map", "0:V:0?", "-c:v", encoder, *ffmpeg.quality(encoder), "-pix_fmt", "yuv420p")
    folder = derived.folder(file.pk) / f"{PIECES}{token}"
    disk.make_dir(folder)
    try:
        with nullcontext(proxy_path(best)) if best is not None else as_local_path(file) as source:
            arguments = [
                *("-ss", f"{start_s:.3f}", "-t", f"{end_s - start_s:.3f}"),
                *("-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", f"file:{source}"),
                *(video if name.endswith("mp4") else ("-vn",)),
                *("-map", "0:a:0?", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", f"file:{folder / name}"),
            ]
            ffmpeg.run(arguments, duration_s=end_s - start_s)
        yield folder / name
    finally:
        disk.remove_tree(folder)


def _read(folder: Path, count: int) -> list[ProxyClip]:
    with (folder / LIST).open(newline="") as listed:
        rows = [(Path(name).name, float(start), float(end)) for name, start, end in csv.reader(listed)]
    if len(rows) != count or not all((folder / name).is_file() for name, _, _ in rows):
        raise FfmpegFailedError(f"The proxy gave {len(rows)} pieces instead of {count}; make the proxy again.")
    return [ProxyClip(path=folder / name, start_s=start, end_s=end) for name, start, end in rows]
