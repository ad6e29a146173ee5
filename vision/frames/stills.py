"""The pictures of the frames, small: JPEGs one after the other in one file beside what else was made of a video."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from files.media import derived
from files.storage import disk
from vision.models import Frame

#: Pixels of the shorter side: what the common models of pictures look at, so that they need no second decode.
SIDE = 256
QUALITY = 80
STILLS = "stills.jpegs"


def path_of(file_id: int) -> Path:
    return derived.folder(file_id) / STILLS


class StillsWriter:
    """Appends stills to a file of its own; `add` says where each lies."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.size_bytes = 0

    def add(self, picture: Image.Image) -> tuple[int, int]:
        """(offset, bytes) of the still of this picture."""
        still = jpeg_of(picture)
        self._out.write(still)
        place = (self.size_bytes, len(still))
        self.size_bytes += len(still)
        return place


@contextmanager
def written(file_id: int, *, token: str) -> Iterator[StillsWriter]:
    """Write the stills of a file anew; they are in place when the block has ended well."""
    target = path_of(file_id)
    temp = disk.temporary(target, token)
    try:
        with disk.open_new(temp) as out:
            yield StillsWriter(out)
        disk.replace(temp, target)
    finally:
        disk.remove(temp)


def read(frame: Frame) -> bytes | None:
    """The JPEG of a frame; None where its file is gone or shorter than it was."""
    try:
        with path_of(frame.file_id).open("rb") as stills:
            stills.seek(frame.still_offset)
            still = stills.read(frame.still_bytes)
    except FileNotFoundError:
        return None
    return still if len(still) == frame.still_bytes and still.startswith(b"\xff\xd8") else None


def read_pictures(frames: Iterable[Frame]) -> Iterator[Image.Image]:
    """The stills of frames as pictures in RGB, in order, as far as they are there: ends at the first that is gone."""
    for frame in frames:
        still = read(frame)
        if still is None:
            return
        yield Image.open(io.BytesIO(still)).convert("RGB")


def jpeg_of(picture: Image.Image) -> bytes:
    """The still of a picture."""
    out = io.BytesIO()
    shrunk(picture).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def shrunk(picture: Image.Image) -> Image.Image:
    """The picture with a shorter side of 256 pixels, or as it is where it is smaller."""
    factor = SIDE / min(picture.size)
    if factor >= 1:
        return picture.convert("RGB")
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.convert("RGB").resize(size, Image.Resampling.BOX, reducing_gap=2.0)
