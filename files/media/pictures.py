"""Still pictures: a poster of an image or of a cover, upright, in ordinary JPEG and in the colours of a screen."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageCms, ImageOps, ImageStat
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from files.errors import NotPictureError, TooManyPixelsError
from files.media import image_files
from files.media.image_files import DAMAGE
from files.media.info import FORMATS
from files.storage.naming import shown

POSTER_SIDE = 1280
QUALITY = 82
#: Below this spread of brightness (of 255) a frame shows nothing: a fade, a slate, a wall.
DULL = 10.0
WHITE_IS_ZERO = 0
#: Times are rounded on their way through a file.
EARLY_S = 0.002
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_SRGB = ImageCms.createProfile("sRGB")
_LAB = ImageCms.createProfile("LAB")


@dataclass(frozen=True, kw_only=True)
class Poster:
    """A JPEG, and whether the picture that it shows was cut off or broken further down."""

    content: bytes
    is_damaged: bool = False


def poster_of_image(path: Path, *, most_pixels: int = image_files.MAX_PIXELS) -> Poster:
    """A JPEG of a picture, turned as its EXIF says, at most 1280 pixels a side, without its metadata.

    Raises UnreadableError where nothing of it can be shown: NotPictureError, TooManyPixelsError.
    """
    with image_files.opened(path) as picture:
        if picture is None:
            raise NotPictureError(f"{shown(path.name)} is no picture any more.")
        if math.prod(picture.stored_size) > most_pixels:
            raise TooManyPixelsError(f"{shown(path.name)} has more than {most_pixels // 10**6} million pixels.")
        image = picture.image
        try:
            image.draft("RGB", (POSTER_SIDE, POSTER_SIDE))  # a JPEG is then decoded at a fraction of its size
            is_whole = image_files.load(image)
            return Poster(content=_jpeg(image, picture.orientation), is_damaged=not is_whole)
        except DAMAGE as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise image_files.damaged(path, error) from error


def poster_of_cover(path: Path) -> bytes | None:
    """A JPEG of the cover inside a sound file; None where it has none that can be read."""
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            for stream in container.streams.video:
                if stream.disposition & av.stream.Disposition.attached_pic:
                    packet = next(container.demux(stream))
                    with image_files.open_bytes(bytes(packet)) as image:
                        return _jpeg(image)
    except (av.error.FFmpegError, StopIteration, *DAMAGE):
        return None
    return None


def cells_of(strip: Path) -> list[Image.Image]:
    """The pictures in an MJPEG strip of ours."""
    with av.open(str(strip), format="mjpeg") as container:
        return [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]


def sheet_of(cells: Sequence[Image.Image], columns: int) -> bytes:
    """A JPEG sheet of these pictures, left to right, then down; the last row may be short."""
    width, height = cells[0].size
    sheet = Image.new("RGB", (columns * width, math.ceil(len(cells) / columns) * height))
    for index, cell in enumerate(cells):
        sheet.paste(cell, (index % columns * width, index // columns * height))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def liveliness(image: Image.Image) -> float:
    """How much there is to see: the spread of its brightness, 0 of a single colour, about 50 of a landscape."""
    return float(ImageStat.Stat(image.convert("L").resize((64, 64))).stddev[0])


def is_dull(poster: bytes) -> bool:
    """Whether a picture is black, or all but of one colour."""
    with Image.open(io.BytesIO(poster)) as image:
        return liveliness(image) < DULL


def frame_at(proxy: Path, at_s: float) -> bytes | None:
    """A JPEG of the frame that a proxy of ours shows at this second; None past its end."""
    with av.open(str(proxy), format="mp4") as container:
        stream = container.streams.video[0]
        container.seek(int(at_s * av.time_base), backward=True)
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= at_s - EARLY_S:
                return _jpeg(frame.to_image())  # type: ignore[no-untyped-call]
    return None


def cut(sheet: Path, box: tuple[int, int, int, int]) -> bytes:
    """A JPEG of a rectangle (left, top, right, bottom) of a picture of ours."""
    with Image.open(sheet) as image:
        return _jpeg(image.crop(box))


def _jpeg(image: Image.Image, orientation: int = 1) -> bytes:
    profile = image.info.get("icc_profile")
    small = plain(image)
    small.thumbnail((POSTER_SIDE, POSTER_SIDE))
    if orientation in _TURNS:
        small = small.transpose(_TURNS[orientation])
    if small.mode in ("RGBA", "LA", "PA") or "transparency" in small.info:
        seen = small.convert("RGBA")
        colours = in_screen_colours(seen.convert("RGB"), profile).convert("RGB")
        flat = Image.composite(colours, Image.new("RGB", seen.size, "white"), seen.getchannel("A"))
    else:
        flat = in_screen_colours(small, profile).convert("RGB")
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def plain(image: Image.Image) -> Image.Image:
    """A picture of 8 bits a sample that can be scaled: palettes become colours, and deeper greys are brought to 8 bits.

    What says nothing of its range, as pictures of floating numbers do, is taken to fill it.
    """
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    if image.mode.startswith("I;16"):
        return _to_8_bits(image.convert("I"), 0, 65535, is_negative=is_negative(image))
    if image.mode not in ("I", "F"):
        return image
    least, most = (float(side) for side in image.getextrema())  # type: ignore[arg-type]
    if not (math.isfinite(least) and math.isfinite(most)):
        raise ValueError("its values are no numbers")
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    highest = next((top for top in usual if most <= top), most)
    return _to_8_bits(image, min(0.0, least), highest, is_negative=is_negative(image))


def is_negative(image: Image.Image) -> bool:
    """Whether it is a TIFF in which 0 is white, as scanners write them; Pillow turns those of 8 bits only."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO


def _to_8_bits(image: Image.Image, least: float, most: float, *, is_negative: bool) -> Image.Image:
    factor = 255 / (most - least)
    grey = image.point(lambda value: value * factor - least * factor).convert("L")
    return ImageOps.invert(grey) if is_negative else grey


def in_screen_colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB, which is what a browser takes a picture without a profile for.

    A profile that is broken, or meant for other pictures than this, says nothing.
    """
    if image.mode == "LAB":
        return _transformed(image, _LAB)
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        wanted = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(source.profile.xcolor_space.strip())
        if wanted == "RGB" and image.mode in ("L", "1"):
            image = image.convert("RGB")
        return _transformed(image, source) if image.mode == wanted else image
    except (ImageCms.PyCMSError, *DAMAGE):
        return image


def _transformed(image: Image.Image, profile: Any) -> Image.Image:
    made = ImageCms.profileToProfile(image, profile, _SRGB, outputMode="RGB")
    return made if made is not None else image
