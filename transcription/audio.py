"""The adapter that reads audio: 16 kHz mono samples, in blocks cut where it is quiet, so that memory is bounded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from transcription.errors import EngineError

RATE = 16_000
Samples = NDArray[np.float32]

#: Where a block may end: in its last part, at the quietest stretch of this length.
SEARCH_SHARE = 0.25
QUIET_S = 0.3
#: Below this loudness (root mean square of full scale, about -60 dB) nobody speaks.
SILENCE_RMS = 0.001


#: Frames hold a few milliseconds: converting this many samples at once takes a third of the time.
TOGETHER = 500_000


@dataclass(frozen=True)
class Block:
    """A stretch of audio: where it begins, in seconds, and its samples from -1 to 1."""

    offset_s: float
    samples: Samples

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE


def read_blocks(path: Path, *, longest_s: float) -> Iterator[Block]:
    """The audio of a file in blocks of at most `longest_s`, cut where it is quiet. Raises EngineError."""
    longest = int(longest_s * RATE)
    waiting: list[Samples] = []
    count = done = 0
    for chunk in _decoded(path):
        waiting.append(chunk)
        count += len(chunk)
        while count > longest:
            joined = np.concatenate(waiting)
            cut = quiet_moment(joined[:longest])
            yield Block(done / RATE, joined[:cut])
            waiting, count, done = [joined[cut:]], count - cut, done + cut
    if count:
        yield Block(done / RATE, np.concatenate(waiting))


def quiet_moment(samples: Samples) -> int:
    """The index in the middle of the quietest stretch in the last part of `samples`."""
    first = int(len(samples) * (1 - SEARCH_SHARE))
    width = int(QUIET_S * RATE)
    tail = samples[first:]
    if len(tail) < 2 * width:
        return len(samples)
    energy = np.square(tail[: len(tail) // width * width].reshape(-1, width)).mean(axis=1)
    return first + int(energy.argmin()) * width + width // 2


def is_silent(samples: Samples, start_s: float, end_s: float) -> bool:
    """Whether there is nothing to hear between these moments of a block."""
    part = samples[int(start_s * RATE) : max(int(end_s * RATE), int(start_s * RATE) + 1)]
    return part.size == 0 or float(np.sqrt(np.square(part).mean())) < SILENCE_RMS


def _decoded(path: Path) -> Iterator[Samples]:
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                return
            resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
            together = AudioFifo()
            for frame in container.decode(audio=0):
                frame.pts = None  # samples are counted, and a FIFO refuses a gap
                together.write(frame)
                if together.samples >= TOGETHER:
                    yield from _samples(resampler.resample(together.read()))
            if together.samples:
                yield from _samples(resampler.resample(together.read()))
            yield from _samples(resampler.resample(None))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise EngineError(
            f"The audio could not be read: {error}.", remedy="Make the proxy and audio of this file again."
        ) from error


def _samples(frames: list[Any]) -> Iterator[Samples]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1)
