"""Damaged pictures and clips: each is taken in, or refused in words; none crashes or hangs its reader.

A few of each kind in every run; `make fuzz-media` tries thousands (FUZZ_PICTURES, FUZZ_CLIPS, FUZZ_SEED).
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from files.errors import FfmpegError, MediaError
from files.media import proxying
from files.media.pictures import poster_of_image
from files.media.probe import probe
from tests import media
from tests.files import fuzzing
from tests.files.factories import make_file, make_root

#: Mutations of one test: so many are done well within its time limit.
TOGETHER = 25
PICTURES, CLIPS = fuzzing.rounds("pictures", 75), fuzzing.rounds("clips", 25)


def parts_of(count: int) -> range:
    return range(0, count, TOGETHER)


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    """A small picture of each kind, with all that can hang on one."""
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make] = 6, "Camera"
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "2023:07:05 14:30:00"
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitude: (1.0, 2.0, 3.0), GPS.GPSLongitude: (4.0, 5.0, 6.0)})
    image = media.make_quarters((96, 64))

    def saved(kind: str, picture: Image.Image = image, **options: object) -> bytes:
        out = io.BytesIO()
        picture.save(out, kind, **options)
        return out.getvalue()

    heif = io.BytesIO()
    pillow_heif.from_pillow(image).save(heif, exif=exif.tobytes(), quality=50)
    jpeg = saved("JPEG", media.make_quarters((640, 480)))
    thumbnail = {0x100: (4, 16), 0x101: (4, 10), 0x103: (3, 1), 0x106: (3, 2), 0x112: (3, 6), 0xC612: (1, (1, 4, 0, 0))}
    preview = {0x100: (4, 640), 0x101: (4, 480), 0x103: (3, 7), 0x111: (4, ("blob", 0)), 0x117: (4, len(jpeg))}
    return {
        "a.jpg": saved("JPEG", exif=exif, icc_profile=bytes(500)),
        "b.jpg": saved("JPEG", progressive=True),
        "a.png": saved("PNG", exif=exif),
        "b.png": saved("PNG", Image.new("I;16", (40, 30), 900)),
        "c.png": saved("PNG", image.convert("P")),
        "a.webp": saved("WEBP", exif=exif),
        "a.gif": saved("GIF", save_all=True, append_images=[Image.new("RGB", (96, 64), "red")]),
        "a.tif": saved("TIFF", exif=exif),
        "b.tif": saved("TIFF", image.convert("CMYK"), compression="tiff_lzw"),
        "c.tif": saved("TIFF", Image.new("F", (20, 20), 0.5)),
        "a.bmp": saved("BMP"),
        "a.avif": saved("AVIF", exif=exif),
        "a.heic": heif.getvalue(),
        "a.dng": media.tiff_of([thumbnail, preview], [jpeg]),
        "a.raf": b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">II", 100, len(jpeg)) + bytes(8) + jpeg,
    }


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Half a second in each container and as bare streams."""
    place = tmp_path_factory.mktemp("clips")
    for name, extra in (
        ("a.mp4", ("-movflags", "+faststart")), ("a.mkv", ()), ("a.mov", ("-c:v", "mjpeg")), ("a.avi", ()),
        ("a.flv", ("-ar", "44100")), ("a.ts", ("-c:a", "aac")), ("a.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
        ("a.vob", ("-c:v", "mpeg2video", "-c:a", "ac3", "-f", "vob")),
        ("a.webm", ("-c:v", "libvpx", "-c:a", "libopus", "-deadline", "realtime")),
    ):  # fmt: skip
        media.make_clip(place / name, seconds=0.5, size="64x48", extra=extra)
    for name in ("a.wav", "a.mp3", "a.flac", "a.ogg", "a.au", "a.aiff", "a.m4a"):
        media.make_audio(place / name, seconds=0.5)
    media.make_clip(place / "a.h264", seconds=0.5, size="64x48", audio=False, extra=("-f", "h264"))
    media.run_ffmpeg("-f", "lavfi", "-i", "testsrc2=d=0.2:s=64x48", "-pix_fmt", "yuv420p", place / "a.y4m")
    return {path.name: path.read_bytes() for path in place.iterdir()}


def written(folder: Path, damaged: Iterator[tuple[str, bytes]]) -> Iterator[Path]:
    for name, content in damaged:
        path = folder / name
        path.write_bytes(content)
        yield path
        path.unlink()


@pytest.mark.parametrize("part", parts_of(PICTURES))
def test_a_damaged_picture_is_shown_or_refused_in_words(tmp_path: Path, pictures: dict[str, bytes], part: int) -> None:
    count = 0
    refusals = []
    for path in written(tmp_path, fuzzing.mutations(pictures, TOGETHER, seed=fuzzing.SEED + part)):
        count += 1
        try:
            info = probe(path)
            if info.media_type == "image":
                assert info.width and info.height  # noqa: PT018
                poster = poster_of_image(path)
                with Image.open(io.BytesIO(poster.content)) as image:
                    assert image.format == "JPEG"
        except MediaError as error:
            refusals.append((path.name, str(error).strip(), error.remedy))
    assert count == TOGETHER
    assert all(words and remedy for _, words, remedy in refusals), refusals


@pytest.mark.django_db
@pytest.mark.usefixtures("whichever_ffmpeg")
@pytest.mark.parametrize("part", parts_of(CLIPS))
def test_a_damaged_clip_is_converted_or_refused_in_words(folders: Path, clips: dict[str, bytes], part: int) -> None:
    originals = folders / "originals"
    originals.mkdir()
    root = make_root(originals)
    ended = 0
    refusals = []
    for path in written(originals, fuzzing.mutations(clips, TOGETHER, seed=fuzzing.SEED + part)):
        try:
            info = probe(path)
            file = make_file(root, path.name, media_type=info.media_type, duration_s=info.duration_s)
            proxy = proxying.make_proxy(file)
            assert proxy is not None or info.media_type != "video"
        except (MediaError, FfmpegError) as error:
            refusals.append((path.name, str(error).strip(), error.remedy))
        ended += 1
    assert ended == TOGETHER
    assert all(words and remedy for _, words, remedy in refusals), refusals
