"""Still pictures: a poster of an image or of a cover, upright, in ordinary JPEG."""

import io
import math
import warnings
from pathlib import Path

import av
from PIL import Image, ImageOps

from files.errors import UnreadableError
from files.media.info import FORMATS
from files.storage.naming import shown

#: What Pillow raises for pictures that are broken.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, Image.DecompressionBombError)
POSTER_SIDE = 1280
QUALITY = 82


def poster_of_image(path: Path) -> bytes:
    """A JPEG of a picture, turned as its EXIF says, at most 1280 pixels a side, without its metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return _jpeg(image)
    except DAMAGE as error:
        raise UnreadableError(f"{shown(path.name)} is a damaged picture: {error}") from error


def poster_of_cover(path: Path) -> bytes | None:
    """A JPEG of the cover inside a sound file; None where it has none that can be read."""
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            for stream in container.streams.video:
                if stream.disposition & av.stream.Disposition.attached_pic:
                    packet = next(container.demux(stream))
                    with Image.open(io.BytesIO(bytes(packet))) as image:
                        return _jpeg(image)
    except (av.error.FFmpegError, StopIteration, *DAMAGE):
        return None
    return None


def sheet_of(strip: Path, columns: int) -> bytes:
    """A JPEG sheet of the pictures in an MJPEG strip of ours, left to right, then down; the last row may be short."""
    with av.open(str(strip), format="mjpeg") as container:
        cells = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]
    width, height = cells[0].size
    sheet = Image.new("RGB", (columns * width, math.ceil(len(cells) / columns) * height))
    for index, cell in enumerate(cells):
        sheet.paste(cell, (index % columns * width, index // columns * height))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def cut(sheet: Path, box: tuple[int, int, int, int]) -> bytes:
    """A JPEG of a rectangle (left, top, right, bottom) of a picture of ours."""
    with Image.open(sheet) as image:
        return _jpeg(image.crop(box))


def _jpeg(image: Image.Image) -> bytes:
    image.draft("RGB", (POSTER_SIDE, POSTER_SIDE))  # a JPEG not yet read is then decoded at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((POSTER_SIDE, POSTER_SIDE))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        seen = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    out = io.BytesIO()
    upright.convert("RGB").save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
