"""Where the picture changes: cuts of a video, found in its decoded frames. The only module here that opens media.

Consecutive frames are compared as small grey pictures. A cut is a change that is large, and much larger than the
changes around it, so that fast movement is not taken for one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from files.media.info import FORMATS
from jobs.progress import NO_PROGRESS, Progress
from nova.errors import AnalysisError

GRID = (64, 36)
#: Mean change of brightness (0 to 255) that a cut has at least; a fade between like scenes stays below.
CUT_AT_LEAST = 12.0
#: A cut stands out of its neighbourhood by this factor.
CUT_ABOVE_NEIGHBOURS = 3.0
NEIGHBOURS = 8
#: Frames a second, where nothing tells.
USUAL_RATE = 25.0


@dataclass(frozen=True)
class Cut:
    """A change of picture at `at_s` seconds; `strength` is the mean change of brightness, 0 to 255."""

    at_s: float
    strength: float


def find_cuts(path: Path, *, duration_s: float | None, progress: Progress = NO_PROGRESS) -> list[Cut]:
    """The cuts of the video at `path`, in order. Raises AnalysisError where no picture can be read, and Cancelled."""
    times: list[float] = []
    changes: list[float] = []
    before = None
    try:
        for at_s, picture in _pictures(path):
            if before is not None:
                times.append(at_s)
                changes.append(float(np.abs(picture - before).mean()))
            before = picture
            progress.update(min(1.0, at_s / duration_s) if duration_s else 0.0, "looking for cuts")
    except FFmpegError as exc:
        raise AnalysisError(f"{path.name} cannot be read for its cuts: {exc}", remedy="Make its proxy again.") from exc
    if before is None:
        raise AnalysisError(f"There is not one frame in {path.name} that can be read.", remedy="Make its proxy again.")
    return cuts_of(times, changes)


def cuts_of(times: list[float], changes: list[float]) -> list[Cut]:
    """The cuts among the changes between frames. `changes[i]` leads to the frame at `times[i]`."""
    cuts = []
    for index, change in enumerate(changes):
        around = changes[max(0, index - NEIGHBOURS) : index] + changes[index + 1 : index + 1 + NEIGHBOURS]
        usual = float(np.median(around)) if around else 0.0
        if change >= CUT_AT_LEAST and change >= CUT_ABOVE_NEIGHBOURS * max(usual, 1.0):
            cuts.append(Cut(round(times[index], 3), round(change, 2)))
    return cuts


def _pictures(path: Path) -> "Iterator[tuple[float, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]]":
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}  # a playlist would open other files
    with av.open(f"file:{path}", options=options, metadata_errors="ignore") as container:
        if not container.streams.video:
            return
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        rate = float(stream.guessed_rate or USUAL_RATE)
        for number, frame in enumerate(container.decode(stream)):
            small = frame.reformat(width=GRID[0], height=GRID[1], format="gray").to_ndarray()
            at_s = number / rate if frame.time is None else frame.time  # a bare stream has no times
            yield float(at_s), small.astype(np.float32)
