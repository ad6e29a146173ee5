"""Media made for the tests: small, exact, the same on every machine. Each function returns the path it wrote."""

import io
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image

from files.media.ffmpeg import MINIMUM_VERSION, version


@cache
def ffmpeg() -> str:
    """The wheel's program: the same one on every machine."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@cache
def every_ffmpeg() -> dict[str, str]:
    """The programs that the library may find itself with, by what they are called in a test: the wheel's and PATH's."""
    own = shutil.which("ffmpeg")
    is_taken = own is not None and version(own) >= MINIMUM_VERSION
    return {"wheel": ffmpeg(), **({"path": str(own)} if is_taken else {})}


def run_ffmpeg(*args: str | Path) -> None:
    """Run ffmpeg with these arguments; fail with its own words."""
    done = subprocess.run(
        [ffmpeg(), "-nostdin", "-v", "error", "-y", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def make_clip(
    path: Path,
    *,
    seconds: float = 2,
    size: str = "320x240",
    fps: float = 25,
    audio: bool = True,
    picture: str = "testsrc2",
    tone_hz: int = 440,
    extra: tuple[str, ...] = (),
) -> Path:
    """A moving test picture, with a tone if `audio`; the container follows the name. `extra` = more output options.

    `picture` is a lavfi source; `color=red`, say, makes a clip whose every pixel is known.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    joint = ":" if "=" in picture else "="
    inputs = ["-f", "lavfi", "-i", f"{picture}{joint}duration={seconds}:size={size}:rate={fps}"]
    if audio:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency={tone_hz}:duration={seconds}"]
    codecs = () if path.suffix == ".webm" else ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    run_ffmpeg(*inputs, *codecs, *extra, f"file:{path}")
    return path


def make_audio(path: Path, *, seconds: float = 2, tone_hz: int = 440, extra: tuple[str, ...] = ()) -> Path:
    """A tone; the format follows the name (.wav, .flac, .mp3, .m4a)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run_ffmpeg("-f", "lavfi", "-i", f"sine=frequency={tone_hz}:duration={seconds}", *extra, f"file:{path}")
    return path


def make_image(
    path: Path, *, size: tuple[int, int] = (64, 48), color: str = "red", orientation: int | None = None
) -> Path:
    """A picture of one colour; with an EXIF orientation if asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, color)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def make_halves(path: Path, *, seconds: float = 2, size: str = "320x240", extra: tuple[str, ...] = ()) -> Path:
    """A clip that is red above and blue below, no sound: shows which way up a picture is."""
    width, height = size.split("x")
    run_ffmpeg(
        "-f", "lavfi", "-i", f"color=red:size={size}:duration={seconds}:rate=25",
        "-vf", f"drawbox=y={int(height) // 2}:w={width}:h={height}:color=blue:t=fill",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *extra, f"file:{path}",
    )  # fmt: skip
    return path


def make_rotated(path: Path, degrees: int, *, seconds: float = 2) -> Path:
    """Red above and blue below as stored, and a mark that players turn it clockwise by `degrees`."""
    plain = make_halves(path.with_name(f"plain-{path.name}"), seconds=seconds)
    run_ffmpeg("-display_rotation", str(-degrees), "-i", plain, "-c", "copy", path)
    plain.unlink()
    return path


def make_two_tracks(path: Path, *, seconds: float = 2) -> Path:
    """Two sound tracks, 300 Hz and 1200 Hz, the second marked as default."""
    run_ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=duration={seconds}:size=320x240:rate=25",
        "-f", "lavfi", "-i", f"sine=frequency=300:duration={seconds}",
        "-f", "lavfi", "-i", f"sine=frequency=1200:duration={seconds}",
        "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac",
        "-disposition:a:0", "0", "-disposition:a:1", "default",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", path,
    )  # fmt: skip
    return path


def make_variable_rate(path: Path, *, seconds: float = 4) -> Path:
    """A clip whose frames come now at 25 a second, now at 5."""
    run_ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=duration={seconds}:size=320x240:rate=25",
        "-vf", "select='lt(mod(t,2),1)+not(mod(n,5))'", "-fps_mode", "vfr",
        "-c:v", "libx264", "-preset", "ultrafast", path,
    )  # fmt: skip
    return path


def make_interlaced(path: Path, *, seconds: float = 2) -> Path:
    """A quickly moving clip in fields, top one first."""
    run_ffmpeg(
        "-f", "lavfi", "-i", f"testsrc2=duration={seconds}:size=320x240:rate=50",
        "-vf", "scroll=horizontal=0.03,tinterlace=interleave_top,fieldorder=tff",
        "-flags", "+ilme+ildct", "-c:v", "libx264", path,
    )  # fmt: skip
    return path


def make_hdr10(path: Path, *, seconds: float = 1, level: str = "gray") -> Path:
    """A 10-bit HEVC clip in PQ and BT.2020, of one colour."""
    run_ffmpeg(
        "-f", "lavfi", "-i", f"color={level}:size=320x240:duration={seconds}:rate=25",
        "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1", "-x265-params",
        "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc", path,
    )  # fmt: skip
    return path


def make_cover(path: Path, *, seconds: float = 1) -> Path:
    """An MP3 with a red square as its cover."""
    tone = make_audio(path.with_name(f"tone-{path.stem}.wav"), seconds=seconds)
    cover = make_image(path.with_name(f"cover-{path.stem}.png"), size=(200, 200))
    run_ffmpeg(
        "-i", tone, "-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic",
        "-metadata:s:v", "comment=Cover (front)", path,
    )  # fmt: skip
    tone.unlink()
    cover.unlink()
    return path


def make_encrypted(path: Path, *, seconds: float = 1) -> Path:
    """An MP4 under Common Encryption, its key thrown away."""
    key = "00112233445566778899aabbccddeeff"
    return make_clip(
        path,
        seconds=seconds,
        extra=("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key),
    )


def make_without_duration(path: Path, *, seconds: float = 2) -> Path:
    """A recording as a browser streams it, in Matroska: no duration anywhere."""
    return make_clip(path, seconds=seconds, extra=("-c:v", "libx264", "-f", "matroska", "-live", "1"))


def cut_in_half(source: Path, target: Path) -> Path:
    """The first half of a file's bytes; give it a clip whose table comes first, `-movflags +faststart`."""
    content = source.read_bytes()
    target.write_bytes(content[: len(content) // 2])
    return target


def flip_bits(source: Path, target: Path, *, every: int = 997, start: float = 0.5) -> Path:
    """`source` with one bit flipped in every `every` bytes, from `start` (a fraction) on."""
    content = bytearray(source.read_bytes())
    for at in range(int(len(content) * start), len(content), every):
        content[at] ^= 0x10
    target.write_bytes(content)
    return target


def make_quarters(size: tuple[int, int] = (320, 200)) -> Image.Image:
    """Red, green, blue and white: top left, top right, bottom left, bottom right."""
    width, height = size
    image = Image.new("RGB", size, "white")
    image.paste((220, 30, 30), (0, 0, width // 2, height // 2))
    image.paste((30, 200, 30), (width // 2, 0, width, height // 2))
    image.paste((30, 30, 220), (0, height // 2, width // 2, height))
    return image


def jpeg_of(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 92, **options})
    return out.getvalue()


def tiff_of(tables: Sequence[Mapping[int, tuple[int, Any]]], blobs: Sequence[bytes], *, order: str = "<") -> bytes:
    """A TIFF of these tables, each {tag: (type, value)}: the first, and the others below its tag 0x14A.

    A value may be a number, text, or `("blob", n)` for where `blobs[n]` lies.
    """
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    first = dict(tables[0])
    if len(tables) > 1:
        first[0x14A] = (4, tuple(("table", number) for number in range(1, len(tables))))
    laid = [first, *map(dict, tables[1:])]
    at = 8
    starts = []
    for table in laid:
        starts.append(at)
        at += 2 + 12 * len(table) + 4 + 64 * len(table)  # each value has room beside its table
    blob_starts = []
    for blob in blobs:
        blob_starts.append(at)
        at += len(blob)
    content = bytearray(at)
    content[:8] = head
    for start, table in zip(starts, laid, strict=True):
        struct.pack_into(f"{order}H", content, start, len(table))
        room = start + 2 + 12 * len(table) + 4
        for number, tag in enumerate(sorted(table)):
            kind, value = table[tag]
            values = value if isinstance(value, tuple) and value[:1] not in (("blob",), ("table",)) else (value,)
            places = {"blob": blob_starts, "table": starts}
            numbers = [places[part[0]][part[1]] if isinstance(part, tuple) else part for part in values]
            if kind == 2:
                packed, count = str(value).encode() + b"\0", len(str(value)) + 1
            else:
                packed = struct.pack(f"{order}{len(numbers)}{ {1: 'B', 3: 'H', 4: 'I'}[kind] }", *numbers)
                count = len(numbers)
            entry = start + 2 + 12 * number
            struct.pack_into(f"{order}HHI", content, entry, tag, kind, count)
            if len(packed) <= 4:
                content[entry + 8 : entry + 8 + len(packed)] = packed
            else:
                struct.pack_into(f"{order}I", content, entry + 8, room)
                content[room : room + len(packed)] = packed
                room += len(packed)
    for start, blob in zip(blob_starts, blobs, strict=True):
        content[start : start + len(blob)] = blob
    return bytes(content)


def make_tagged(
    path: Path, codec: str, primaries: int, transfer: int, matrix: int, *, is_full: bool = False, seconds: float = 1
) -> Path:
    """The quarters of `make_quarters` as H.264 of 8 or HEVC of 10 bits, its colour tags (H.273) whatever they are."""
    picture = path.with_name(f"{path.stem}.png")
    make_quarters((320, 240)).save(picture)
    encoder = ("-c:v", "libx264", "-pix_fmt", "yuv420p") if codec == "h264" else (
        "-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1",
    )  # fmt: skip
    tags = (
        f"{codec}_metadata=colour_primaries={primaries}:transfer_characteristics={transfer}"
        f":matrix_coefficients={matrix}:video_full_range_flag={int(is_full)}"
    )
    run_ffmpeg(
        "-loop", "1", "-framerate", "25", "-i", picture, "-t", str(seconds), *encoder, "-preset", "ultrafast",
        "-bsf:v", tags, path,
    )  # fmt: skip
    picture.unlink()
    return path
