"""Opening still pictures: of the formats that are named here, by content."""

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pillow_heif
from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError
from PIL.ExifTags import IFD

from files.errors import UnreadableError
from files.media import camera_raw
from files.media.exif import ExifFacts, read_exif
from files.storage.naming import shown

#: What is opened, by Pillow's names; every other format is left to nobody.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
#: What is raised for pictures that are broken, by Pillow and by what reads their EXIF.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, RuntimeError, MemoryError, struct.error, KeyError, TypeError,
    IndexError, AttributeError, OverflowError, ZeroDivisionError,
)  # fmt: skip
#: Phones make 200 million pixels; the limit is ours alone, so Pillow's own goes.
MAX_PIXELS = 500_000_000
#: Notes and colour profiles up to this size are read; larger ones are left out of what Pillow sees.
MAX_CHUNK_BYTES = 16 * 1024 * 1024
#: Chunks of a PNG that say nothing of its pixels but may be too large to be unpacked.
_NOTES = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf")
_PNG = b"\x89PNG\r\n\x1a\n"
#: Brands of ISO base media files that hold still pictures, or series of them (ISO/IEC 23008-12).
HEIF_BRANDS = frozenset((
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"avif", b"avis", b"avci", b"avcs",
    b"jpeg", b"jpgs", b"j2ki", b"j2is", b"vvic", b"vvis", b"evbi", b"evbs", b"1pic",
))  # fmt: skip
SEPARATE_PLANES = 2
_TURNED_BY_READER = ("TIFF", "HEIF")
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
_tolerance = threading.Lock()

Image.init()  # else `Image.open(formats=…)` raises KeyError for the formats beyond its first five
Image.MAX_IMAGE_PIXELS = None
PngImagePlugin.MAX_TEXT_CHUNK = MAX_CHUNK_BYTES
pillow_heif.register_heif_opener()


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that was opened, its pixels not read yet. `stored_size` is before it is turned upright."""

    image: Image.Image
    format_name: str
    stored_size: tuple[int, int]
    exif: ExifFacts
    #: How it is to be turned, as EXIF counts: the reader has turned some already.
    orientation: int

    @property
    def shown_size(self) -> tuple[int, int]:
        return self.stored_size[::-1] if self.orientation > 4 else self.stored_size

    @property
    def frames(self) -> int:
        """More than 1 where it moves. (A HEIF with several pictures shows its first one and does not.)"""
        if self.image.format not in _ANIMATED:
            return 1
        try:
            return int(getattr(self.image, "n_frames", 1))
        except DAMAGE:  # they are counted by reading all of them: the first one may be sound
            return 1


@contextmanager
def opened(path: Path) -> Iterator[Picture | None]:
    """A picture of one of the formats that are named here; None where there is none. Of a camera raw, its preview.

    Raises UnreadableError where a picture is broken, too large, or of a kind that cannot be read here; OSError where
    reading fails.
    """
    with path.open("rb") as source, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd EXIF
        try:
            picture = _picture(source, path.name)
        except UnidentifiedImageError as error:
            if camera_raw.is_tiff(source):
                raise UnreadableError(
                    f"{shown(path.name)} is a TIFF whose colours are stored in a way that is not read here.",
                    remedy="Save it with 8 or 16 bits a colour, as TIFF or PNG, and import that.",
                ) from error
            yield None
            return
        except DAMAGE as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's; Pillow's own have none
                raise
            raise damaged(path, error) from error
        with picture.image:
            width, height = picture.stored_size
            if max(width * height, picture.image.width * picture.image.height) > MAX_PIXELS:
                raise UnreadableError(
                    f"{shown(path.name)} claims {width} x {height} pixels, which is more than can be shown."
                )
            yield picture


def open_bytes(content: bytes) -> Image.Image:
    """A picture that came inside another file, such as the cover of a song; of the same formats only."""
    return _open(io.BytesIO(content))


def damaged(path: Path, error: BaseException) -> UnreadableError:
    return UnreadableError(f"{shown(path.name)} is a damaged picture: {error or type(error).__name__}")


def load(image: Image.Image) -> bool:
    """Read the pixels, of a file that was cut off as many as there are; whether all were there."""
    try:
        image.load()
    except DAMAGE:
        with _tolerance:  # the switch is all of Pillow's
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                image.load()
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
        return False
    return True


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so says that it holds still pictures, whatever a video player makes of it."""
    if head[4:8] != b"ftyp":
        return False
    end = min(struct.unpack(">I", head[:4])[0], len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    return head[8:12] in HEIF_BRANDS or bool(brands & HEIF_BRANDS and not brands & {b"isom", b"mp41", b"mp42", b"qt  "})


def _picture(source: BinaryIO, name: str) -> Picture:
    preview = camera_raw.find_preview(source, name)
    if preview is not None:
        exif = exif_of_raw(source, preview)
        image = _open(io.BytesIO(preview.content))
        facts, inner = read_exif(exif), _exif_of(image)
        orientation = preview.orientation or inner.orientation
        known = facts if facts.created_at or facts.tags else inner
        return Picture(
            image=image, format_name="raw", stored_size=preview.photo_size, exif=known, orientation=orientation
        )
    source.seek(0)
    image = _open(source)
    facts = _exif_of(image)
    # Pillow gives a TIFF's size as it is seen, and turns its pixels; libheif turns what it reads.
    orientation = 1 if image.format in _TURNED_BY_READER else facts.orientation
    return Picture(
        image=image,
        format_name=(image.format or "").lower(),
        stored_size=image.size,
        exif=facts,
        orientation=orientation,
    )


def exif_of_raw(source: BinaryIO, preview: camera_raw.Preview) -> Image.Exif:
    """What the camera says of a raw photo; nothing where it says it in the preview alone."""
    source.seek(0)
    exif = Image.Exif()
    with suppress(*DAMAGE):
        exif.load_from_fp(io.BytesIO(preview.exif[0]) if preview.exif else source)
    for ifd, tiff in zip((IFD.Exif, IFD.GPSInfo), preview.exif[1:], strict=False):
        part = Image.Exif()
        with suppress(*DAMAGE):
            part.load_from_fp(io.BytesIO(tiff))
            exif.get_ifd(ifd).update(part)
    return exif


def _exif_of(image: Image.Image) -> ExifFacts:
    try:
        return read_exif(image.getexif())
    except DAMAGE:
        return ExifFacts()


def _open(source: BinaryIO) -> Image.Image:
    try:
        image = Image.open(source, formats=FORMATS)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            read_deep_planes(image)
        return image
    except UnidentifiedImageError:
        raise
    except DAMAGE:
        source.seek(0)
        if source.read(len(_PNG)) != _PNG:
            raise
        return Image.open(_without_notes(source), formats=FORMATS)


def read_deep_planes(image: TiffImagePlugin.TiffImageFile) -> None:
    """Have the planes of 16 bits read as such: Pillow takes each for one of 8, and shows noise."""
    is_deep = set(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, ())) == {16}
    if is_deep and image.tag_v2.get(TiffImagePlugin.PLANAR_CONFIGURATION) == SEPARATE_PLANES:
        end = "L" if image.tag_v2.prefix == b"II" else "B"
        image.tile = [
            tile._replace(args=(f"{tile.args[0]};16{end}", *tile.args[1:]))
            if tile.codec_name == "raw" and isinstance(tile.args, tuple)
            else tile
            for tile in image.tile
        ]


class _Pieces(io.RawIOBase):
    """Some stretches of a file, one after the other, as if they were all."""

    def __init__(self, source: BinaryIO, stretches: list[tuple[int, int]]) -> None:
        self._source, self._stretches, self._at = source, stretches, 0
        self._size = sum(length for _, length in stretches)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        behind = self._at
        for start, length in self._stretches:
            if behind < length:
                self._source.seek(start + behind)
                content = self._source.read(min(len(buffer), length - behind))
                buffer[: len(content)] = content
                self._at += len(content)
                return len(content)
            behind -= length
        return 0


def _without_notes(source: BinaryIO) -> BinaryIO:
    """A PNG without its notes, profile and EXIF: what is wrong with these does not decide whether it is a picture."""
    stretches, at = [(0, len(_PNG))], len(_PNG)
    while True:
        source.seek(at)
        header = source.read(8)
        if len(header) < 8:
            break
        length, kind = struct.unpack(">I4s", header)
        if kind not in _NOTES:
            stretches.append((at, length + 12))
        at += length + 12
    return io.BufferedReader(_Pieces(source, stretches))  # type: ignore[type-var]
