"""Raw photos laid out as the makers' cameras lay them: the same tables and boxes, a sensor without a picture in it.

Sources: TIFF 6.0, TIFF/EP, the DNG specification, and the tables of ExifTool's documentation.
"""

import io
import struct
from collections.abc import Sequence
from typing import Any

from PIL import Image

from tests import media

BYTE, ASCII, SHORT, LONG, UNDEFINED = 1, 2, 3, 4, 7
Table = dict[int, tuple[int, Any]]
#: Samples of a sensor: noise enough, and no JPEG.
SENSOR = bytes(range(200)) * 100
THUMBNAIL = media.jpeg_of(Image.new("RGB", (160, 120), "grey"))


def tiff(chain: Sequence[Table], *, order: str = "<", magic: bytes = b"", gap: bytes = b"") -> bytes:
    """A TIFF whose tables follow each other. A value is a number, several, text, `bytes` for where they are to lie, or
    a list of tables that it points at. `magic` stands for the first four bytes, `gap` behind the first eight."""
    out = bytearray(magic or (b"II*\0" if order == "<" else b"MM\0*")) + bytes(4) + gap

    def place(table: Table, following: int) -> int:
        packed = {tag: pack(kind, value) for tag, (kind, value) in table.items()}
        values = {tag: (kind, count, inline_or_placed(content)) for tag, (kind, count, content) in packed.items()}
        at = len(out)
        out.extend(struct.pack(f"{order}H", len(values)))
        for tag in sorted(values):
            kind, count, field = values[tag]
            out.extend(struct.pack(f"{order}HHI", tag, kind, count) + field)
        out.extend(struct.pack(f"{order}I", following))
        return at

    def pack(kind: int, value: Any) -> tuple[int, int, bytes]:
        if isinstance(value, list):
            starts = [place(table, 0) for table in value]
            return kind, len(starts), struct.pack(f"{order}{len(starts)}I", *starts)
        if isinstance(value, bytes):  # what matters is where it lies
            return kind, len(value) if kind == UNDEFINED else 1, put(value)
        if isinstance(value, str):
            return kind, len(value) + 1, value.encode() + b"\0"
        numbers = value if isinstance(value, tuple) else (value,)
        letter = {BYTE: "B", SHORT: "H", LONG: "I"}[kind]
        return kind, len(numbers), struct.pack(f"{order}{len(numbers)}{letter}", *numbers)

    def put(content: bytes) -> bytes:
        at = len(out)
        out.extend(content + b"\0" * (len(content) % 2))
        return struct.pack(f"{order}I", at)

    def inline_or_placed(content: bytes) -> bytes:
        return content.ljust(4, b"\0") if len(content) <= 4 else put(content)

    following = 0
    for table in reversed(chain):
        following = place(table, following)
    struct.pack_into(f"{order}I", out, 4, following)
    return bytes(out)


def camera(orientation: int) -> Table:
    return {0x10F: (ASCII, "Acme"), 0x110: (ASCII, "Acme X1"), 0x112: (SHORT, orientation)}


def exif_table(width: int, height: int) -> Table:
    return {0x9003: (ASCII, "2023:07:05 14:30:00"), 0xA002: (LONG, width), 0xA003: (LONG, height)}


def lossless_jpeg(width: int, height: int) -> bytes:
    """A sensor's samples as CR2 and DNG hold them: a JPEG of the lossless kind (SOF3), 14 bits deep."""
    frame = struct.pack(">BHHB", 14, height, width, 2) + bytes([1, 0x11, 0, 2, 0x11, 0])
    return b"\xff\xd8\xff\xc3" + struct.pack(">H", len(frame) + 2) + frame + SENSOR + b"\xff\xd9"


def dng(preview: bytes, size: tuple[int, int], orientation: int, *, order: str = "<") -> bytes:
    """As Adobe's converter writes it: the thumbnail first, sensor in tiles and preview below it."""
    sensor: Table = {
        0xFE: (LONG, 0), 0x100: (LONG, size[0]), 0x101: (LONG, size[1]), 0x102: (SHORT, 16), 0x103: (SHORT, 7),
        0x106: (SHORT, 32803), 0x142: (LONG, 256), 0x143: (LONG, 256), 0x144: (LONG, lossless_jpeg(256, 256)),
    }  # fmt: skip
    shown: Table = {0xFE: (LONG, 1), 0x103: (SHORT, 7), 0x106: (SHORT, 6), 0x111: (LONG, preview)}
    first: Table = {
        0xFE: (LONG, 1), 0x100: (LONG, 256), 0x101: (LONG, 171), 0x103: (SHORT, 1), 0x106: (SHORT, 2),
        0x111: (LONG, bytes(256 * 171 * 3)), 0x14A: (LONG, [sensor, shown]), 0x8769: (LONG, [exif_table(*size)]),
        0xC612: (BYTE, (1, 4, 0, 0)), **camera(orientation),
    }  # fmt: skip
    return tiff([first], order=order)


def lossy_dng(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """The sensor in tiles that are ordinary JPEGs, larger than a small preview."""
    tile = media.jpeg_of(Image.new("RGB", (2048, 2048), "purple"))
    sensor: Table = {
        0xFE: (LONG, 0), 0x100: (LONG, size[0]), 0x101: (LONG, size[1]), 0x103: (SHORT, 34892), 0x106: (SHORT, 34892),
        0x142: (LONG, 2048), 0x143: (LONG, 2048), 0x144: (LONG, tile),
    }  # fmt: skip
    shown: Table = {0xFE: (LONG, 1), 0x103: (SHORT, 7), 0x106: (SHORT, 6), 0x111: (LONG, preview)}
    first: Table = {
        0xFE: (LONG, 1), 0x100: (LONG, 256), 0x101: (LONG, 171), 0x103: (SHORT, 1), 0x106: (SHORT, 2),
        0x111: (LONG, bytes(256 * 171 * 3)), 0x14A: (LONG, [sensor, shown]), 0xC612: (BYTE, (1, 4, 0, 0)),
        **camera(orientation),
    }  # fmt: skip
    return tiff([first])


def nef(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Nikon: an uncompressed thumbnail first, then the whole JPEG and the sensor below it."""
    shown: Table = {0xFE: (LONG, 1), 0x103: (SHORT, 6), 0x201: (LONG, preview), 0x202: (LONG, len(preview))}
    sensor: Table = {
        0xFE: (LONG, 0), 0x100: (LONG, size[0]), 0x101: (LONG, size[1]), 0x103: (SHORT, 34713), 0x106: (SHORT, 32803),
        0x111: (LONG, SENSOR),
    }  # fmt: skip
    first: Table = {
        0xFE: (LONG, 1), 0x100: (LONG, 160), 0x101: (LONG, 120), 0x103: (SHORT, 1), 0x106: (SHORT, 2),
        0x111: (LONG, bytes(160 * 120 * 3)), 0x14A: (LONG, [shown, sensor]), 0x8769: (LONG, [exif_table(*size)]),
        **camera(orientation),
    }  # fmt: skip
    return tiff([first], order=">")


def cr2(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Canon before 2018: preview, thumbnail, a small picture without compression, and the sensor, one by one."""
    width, height = Image.open(io.BytesIO(preview)).size
    first: Table = {
        0x100: (SHORT, width), 0x101: (SHORT, height), 0x103: (SHORT, 6), 0x111: (LONG, preview),
        0x117: (LONG, len(preview)), 0x8769: (LONG, [exif_table(*size)]), **camera(orientation),
    }  # fmt: skip
    thumbnail: Table = {0x201: (LONG, THUMBNAIL), 0x202: (LONG, len(THUMBNAIL))}
    small: Table = {
        0x100: (SHORT, 392), 0x101: (SHORT, 262), 0x103: (SHORT, 1), 0x106: (SHORT, 2), 0x111: (LONG, bytes(600)),
    }  # fmt: skip
    sensor: Table = {0x103: (SHORT, 6), 0x111: (LONG, lossless_jpeg(2640, 3516)), 0xC640: (SHORT, (1, 2640, 2640))}
    return tiff([first, thumbnail, small, sensor], gap=b"CR\x02\0\0\0\0\0")


def arw(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Sony: the preview first, its sensor below it, a thumbnail after it."""
    sensor: Table = {
        0xFE: (LONG, 0), 0x100: (LONG, size[0]), 0x101: (LONG, size[1]), 0x103: (SHORT, 32767), 0x106: (SHORT, 32803),
        0x111: (LONG, SENSOR),
    }  # fmt: skip
    first: Table = {
        0xFE: (LONG, 1), 0x103: (SHORT, 6), 0x14A: (LONG, [sensor]), 0x201: (LONG, preview),
        0x202: (LONG, len(preview)), 0x8769: (LONG, [exif_table(*size)]), **camera(orientation),
    }  # fmt: skip
    return tiff([first, {0x103: (SHORT, 6), 0x201: (LONG, THUMBNAIL), 0x202: (LONG, len(THUMBNAIL))}])


def orf(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Olympus: the sensor first; the preview lies in the maker's own notes, where no table of TIFF points."""
    notes = b"OLYMPUS\0II\x03\0" + bytes(200) + preview
    exif: Table = {**exif_table(*size), 0x927C: (UNDEFINED, notes)}
    first: Table = {
        0x100: (LONG, size[0]), 0x101: (LONG, size[1]), 0x103: (SHORT, 1), 0x106: (SHORT, 1), 0x111: (LONG, SENSOR),
        0x8769: (LONG, [exif]), **camera(orientation),
    }  # fmt: skip
    return tiff([first], magic=b"IIRO")


def rw2(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Panasonic: tags of its own; what is shown lies between the borders of the sensor."""
    first: Table = {
        0x02: (SHORT, size[0] + 100), 0x03: (SHORT, size[1] + 20), 0x04: (SHORT, 8), 0x05: (SHORT, 8),
        0x06: (SHORT, 8 + size[1]), 0x07: (SHORT, 8 + size[0]), 0x2E: (UNDEFINED, preview), 0x118: (LONG, SENSOR),
        0x8769: (LONG, [{0x9003: (ASCII, "2023:07:05 14:30:00")}]), **camera(orientation),
    }  # fmt: skip
    return tiff([first], magic=b"IIU\0")


def raf(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Fujifilm: a head that says where the preview and the records of the sensor lie, big end first."""
    exif = Image.Exif()
    exif[0x10F], exif[0x110], exif[0x112] = "Acme", "Acme X1", orientation
    exif.get_ifd(0x8769)[0x9003] = "2023:07:05 14:30:00"
    with Image.open(io.BytesIO(preview)) as image:
        shown = media.jpeg_of(image, exif=exif)
    records = struct.pack(">IHHHHHHHH", 2, 0x100, 4, size[1] + 30, size[0] + 60, 0x111, 4, size[1], size[0])
    start = 148
    head = b"FUJIFILMCCD-RAW 0201FF129502".ljust(84, b"\0")
    places = struct.pack(">IIIIII", start, len(shown), start + len(shown), len(records), 0, len(SENSOR))
    return (head + places).ljust(start, b"\0") + shown + records + SENSOR


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def cr3(preview: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Canon since 2018: boxes as in MP4; what the camera says stands in TIFFs, and the pictures bear none of it."""
    about, taken = tiff([camera(orientation)]), tiff([exif_table(*size)])
    own = box(
        b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48"), box(b"CNCV", b"CanonCR3_001/00.09.00/00.00.00"),
        box(b"CMT1", about), box(b"CMT2", taken), box(b"THMB", bytes(16), THUMBNAIL),
    )  # fmt: skip
    with Image.open(io.BytesIO(preview)) as image:
        middle = media.jpeg_of(image.resize((image.width // 2, image.height // 2)))
    shown = box(b"uuid", bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16"), bytes(8), box(b"PRVW", bytes(16), middle))
    kind = box(b"ftyp", b"crx \0\0\0\x01crx isom")
    return kind + box(b"moov", own, box(b"mvhd", bytes(100))) + shown + box(b"mdat", preview, SENSOR)


MAKERS = {"dng": dng, "nef": nef, "cr2": cr2, "arw": arw, "orf": orf, "rw2": rw2, "raf": raf, "cr3": cr3}
