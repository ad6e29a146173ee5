"""The pictures of a proxy or a poster, decoded in process since they are ours. Only this module here opens media.

What strangers made goes through a helper (`files.media.decoding`).
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image

from files.errors import NotPictureError, TooManyPixelsError
from files.media.decoding import small_picture_once
from files.media.image_files import DAMAGE
from files.media.info import FORMATS
from files.storage.naming import shown
from vision.errors import VisionError
from vision.frames.picking import GRID, Cells, Look

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

#: A picture to look for is looked at with some hundred pixels a side; what is larger only fills the memory.
MOST_PIXELS = 100_000_000
#: Frames a second, where nothing tells.
USUAL_RATE = 25.0
#: A frame is looked for from this long before its second: times are rounded when they are kept.
EARLY_S = 0.002
#: A jump in the proxy costs the frames from the key frame before: for what lies nearer, decoding on is quicker.
JUMP_S = 10.0


def looks(path: Path) -> Iterator[Look]:
    """Every frame of a proxy that others refer to (about two of three), in order, small, with itself as `picture`.

    The others would add two thirds to the time, and a tenth of a second of exactness. Raises VisionError.
    """
    with _opened(path) as (container, stream):
        rate = float(stream.guessed_rate or USUAL_RATE)
        for number, frame in enumerate(container.decode(stream)):
            yield Look(
                at_s=number / rate if frame.time is None else float(frame.time), cells=cells_of(frame), picture=frame
            )


def pictures_at(path: Path, seconds: Sequence[float]) -> Iterator[Image.Image]:
    """The pictures of a video at these seconds, in order and in full size: the first that is not before each second.

    Past the end it is the last one. Raises VisionError.
    """
    with _opened(path) as (container, stream):
        frames = container.decode(stream)
        current: VideoFrame | None = None
        for at_s in seconds:
            now_s = -JUMP_S if current is None else float(current.time or 0.0)
            if at_s - now_s > JUMP_S and stream.time_base:
                container.seek(int(at_s / stream.time_base), stream=stream, backward=True)
                frames = container.decode(stream)
            if current is None or now_s < at_s - EARLY_S:
                for frame in frames:
                    current = frame
                    if frame.time is None or frame.time >= at_s - EARLY_S:
                        break
            if current is None:
                raise VisionError(f"There is no picture in {shown(path.name)}.", remedy="Make its proxy again.")
            yield current.to_image()  # type: ignore[no-untyped-call]


def picture_of(path: Path) -> Image.Image:
    """A poster of ours, in RGB. Raises VisionError."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except DAMAGE as error:
        raise VisionError(f"{shown(path.name)} cannot be read: {error}", remedy="Make its proxy again.") from error


def picture_of_anybody(path: Path) -> Image.Image:
    """A picture that somebody handed in, in RGB and upright, at most 1280 pixels a side.

    Raises VisionError for what is no picture, or larger than a person would send; UnreadableError for a damaged one.
    """
    try:
        content = small_picture_once(path, most_pixels=MOST_PIXELS)
    except TooManyPixelsError as error:
        raise VisionError(
            "The picture is too large to be looked for.",
            remedy=f"Send one of at most {MOST_PIXELS // 10**6} megapixels: a small one is found as well.",
        ) from error
    except NotPictureError as error:
        raise VisionError("This is no picture that can be read.", remedy="Send a JPEG, PNG or WebP.") from error
    with Image.open(io.BytesIO(content)) as poster:
        return poster.convert("RGB")


def cells_of(frame: "VideoFrame") -> Cells:
    """uint8 (3, 36, 64): brightness and the two colours of a frame."""
    return frame.reformat(width=GRID[0], height=GRID[1], format="yuv444p").to_ndarray().astype(np.uint8, copy=False)


def cells_of_picture(picture: Image.Image) -> Cells:
    """The same of a still picture in RGB."""
    small = np.asarray(picture.convert("YCbCr").resize(GRID, Image.Resampling.BOX))
    return np.ascontiguousarray(small.transpose(2, 0, 1))


@contextmanager
def _opened(path: Path) -> "Iterator[tuple[InputContainer, VideoStream]]":
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}  # a playlist would open other files
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="ignore") as container:
            if not container.streams.video:
                raise VisionError(f"There is no picture in {shown(path.name)}.", remedy="Make its proxy again.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.skip_frame = "NONREF"
            yield container, stream
    except (FFmpegError, OSError) as error:
        raise VisionError(f"{shown(path.name)} cannot be read: {error}", remedy="Make its proxy again.") from error
