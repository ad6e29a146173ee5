"""Camera raw photos: the preview that the camera put into them. Pure but for the reading.

TIFF 6.0 and TIFF/EP say how the tables are laid out; what is read is the same in all makers' files: tables of tags,
some of which point at a JPEG. The few raw formats that are no TIFF are looked through for one.
"""

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from files.errors import UnreadableError
from files.storage.naming import shown

EXTENSIONS = frozenset((
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
))  # fmt: skip
#: How raw formats begin that are no ordinary TIFF.
MARKS = (
    (0, b"FUJIFILMCCD-RAW"), (4, b"ftypcrx "), (0, b"FOVb"), (0, b"\0MRM"), (6, b"HEAPCCDR"), (0, b"IIRO"),
    (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\0"),
)  # fmt: skip
_TIFF_LIKE = {b"II*\0": "<", b"MM\0*": ">", b"IIRO": "<", b"IIRS": "<", b"MMOR": ">", b"IIU\0": "<"}
_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _STRIPS, _ORIENTATION = 0x100, 0x101, 0x103, 0x106, 0x111, 0x112
_SUB_IFDS, _JPEG_START, _EXIF_IFD, _RW2_JPEG, _DNG_VERSION = 0x14A, 0x201, 0x8769, 0x2E, 0xC612
_TILES, _EXIF_WIDTH, _EXIF_HEIGHT = 0x144, 0xA002, 0xA003
#: Panasonic's: the borders of what is shown of the sensor, top, left, bottom and right.
_RW2_BORDERS = (0x04, 0x05, 0x06, 0x07)
#: Fujifilm's record of the photo's height and width, and where its head says that the records begin.
_RAF_SIZE, _RAF_RECORDS_AT = 0x111, 92
#: Canon's boxes with what the camera says, each a TIFF: of the camera, of the photo, of the place.
_CR3_BOXES = (b"CMT1", b"CMT2", b"CMT4")
_HEAD_BYTES = 256 * 1024
#: Samples of a sensor behind its colour filter, and such that are no longer behind it (DNG).
_SENSOR = (32803, 34892)
#: Makers' own ways to pack them: Sony, Nikon, Pentax, Samsung, Kodak.
_SENSOR_PACKED = (32767, 34713, 65535, 32770, 65000)
_LETTERS = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I"}
MOST_TABLES, MOST_TAGS, MOST_VALUES, MOST_TILES = 40, 400, 64, 20_000
#: What is smaller is a thumbnail, which is no picture of the photo; below the other side it is looked for a better one.
SMALLEST_SIDE, GOOD_SIDE = 400, 1000
#: So much of a file is looked through for a JPEG where no table points at one, and so many are looked at.
LOOKED_THROUGH_BYTES, MOST_JPEGS, MOST_SEGMENTS = 256 * 1024 * 1024, 64, 200
MOST_PREVIEW_BYTES = 64 * 1024 * 1024
_WINDOW = 4 * 1024 * 1024
_JPEG = b"\xff\xd8\xff"

Table = dict[int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A JPEG inside of a raw photo. `photo_size` is that of the photo as stored; `orientation` is EXIF's, 0 unknown.

    `exif` are the TIFFs in which the camera says of itself, of the photo and of the place; none: the file is one.
    """

    content: bytes
    photo_size: tuple[int, int]
    orientation: int
    exif: tuple[bytes, ...] = ()


def find_preview(source: BinaryIO, name: str) -> Preview | None:
    """The largest JPEG in a raw photo; None for what is no raw photo. Raises UnreadableError where it has none."""
    head = _read(source, 0, 32)
    order = _TIFF_LIKE.get(head[:4])
    tables = list(_tables(source, order)) if order else []
    if not is_raw(head, name, tables):
        return None
    starts = [
        start for table in tables for tag in (_JPEG_START, _STRIPS, _RW2_JPEG) for start in table.get(tag, ())[:1]
    ]
    best = _largest_jpeg(source, starts)
    if best is None or max(best[1]) < GOOD_SIDE:
        tiles = {start for table in tables for start in table.get(_TILES, ())}
        best = _largest_jpeg(source, [*starts, *(start for start in jpegs_in(source) if start not in tiles)])
    if best is None or max(best[1]) < SMALLEST_SIDE:
        raise UnreadableError(
            f"{shown(name)} is a camera raw photo without a preview in it, so it cannot be shown here.",
            remedy="Export it as JPEG with the program of the camera, and import that.",
        )
    start, size = best
    content = _read(source, start, MOST_PREVIEW_BYTES)
    head = _read(source, 0, _HEAD_BYTES)
    exif = exif_tiffs(head)
    tables = tables or [table for tiff in exif for table in _tables(io.BytesIO(tiff), _TIFF_LIKE[tiff[:4]])]
    photo_size = size_of_photo(head, source, tables, size)
    orientation = tables[0].get(_ORIENTATION, (0,))[0] if tables else 0
    if orientation > 4 and (size[0] > size[1]) != (photo_size[0] > photo_size[1]):
        photo_size, orientation = photo_size[::-1], 1  # the camera has turned the preview already
    return Preview(content=content, photo_size=photo_size, orientation=orientation, exif=exif)


def exif_tiffs(head: bytes) -> tuple[bytes, ...]:
    """What the camera says, as TIFFs that every reader takes, where the file itself is none; by how it begins."""
    if head[4:12] == b"ftypcrx ":
        places = [(head.find(kind), kind) for kind in _CR3_BOXES]
        boxes = [head[at + 4 : at - 4 + _unpack(">", "I", head[at - 4 : at])] for at, _ in places if at >= 4]
        return tuple(box for box in boxes if box[:4] in _TIFF_LIKE)
    if head[:4] in _TIFF_LIKE and head[2:4] not in (b"*\0", b"\0*"):
        return ((b"II*\0" if _TIFF_LIKE[head[:4]] == "<" else b"MM\0*") + head[4:],)
    return ()


def size_of_photo(
    head: bytes, source: BinaryIO, tables: Sequence[Table], preview_size: tuple[int, int]
) -> tuple[int, int]:
    """What EXIF says, if that is not far from the largest picture of the tables; else the largest."""

    def sizes(width: int, height: int) -> list[tuple[int, int]]:
        return [(table[width][0], table[height][0]) for table in tables if table.get(width) and table.get(height)]

    stored = [preview_size, *sizes(_WIDTH, _HEIGHT)]
    for table in tables:
        if all(table.get(tag) for tag in _RW2_BORDERS):
            top, left, bottom, right = (table[tag][0] for tag in _RW2_BORDERS)
            stored.append((right - left, bottom - top))
    if head.startswith(b"FUJIFILM"):
        stored += raf_sizes(source, _unpack(">", "I", head[_RAF_RECORDS_AT : _RAF_RECORDS_AT + 4]))
    largest = max(stored, key=_area)
    stated = max(sizes(_EXIF_WIDTH, _EXIF_HEIGHT), key=_area, default=largest)
    return stated if 2 * _area(stated) >= _area(largest) else largest


def raf_sizes(source: BinaryIO, at: int) -> Iterator[tuple[int, int]]:
    """The size of a photo by Fujifilm, out of the records that begin there."""
    source.seek(at)
    for _record in range(min(_unpack(">", "I", source.read(4)), MOST_TAGS)):
        tag, length = (_unpack(">", "H", source.read(2)) for _ in range(2))
        content = source.read(length)
        if tag == _RAF_SIZE:
            yield _unpack(">", "H", content[2:]), _unpack(">", "H", content)


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def is_raw(head: bytes, name: str, tables: list[Table]) -> bool:
    """Whether a file is a raw photo: by how it begins, by a tag of its tables, or by a thumbnail under such a name."""
    if any(head.startswith(mark, at) for at, mark in MARKS) or head[8:10] == b"CR":
        return True
    for table in tables:
        if table.get(_DNG_VERSION) or table.get(_PHOTOMETRIC, (0,))[0] in _SENSOR:
            return True
        if table.get(_COMPRESSION, (0,))[0] in _SENSOR_PACKED:
            return True
    sides = [side for table in tables[:1] for tag in (_WIDTH, _HEIGHT) for side in table.get(tag, ())]
    return bool(sides) and PurePath(name).suffix.lower() in EXTENSIONS and max(sides) < SMALLEST_SIDE


def is_tiff(source: BinaryIO) -> bool:
    """Whether a file has a table that describes a picture, as every TIFF has."""
    order = _TIFF_LIKE.get(_read(source, 0, 4))
    return order is not None and any(table.get(_WIDTH) and table.get(_HEIGHT) for table in _tables(source, order))


def _tables(source: BinaryIO, order: str) -> Iterator[Table]:
    """The tables of a TIFF, the first one first, those within others included; as many as can be read."""
    waiting, seen = [_unpack(order, "I", _read(source, 4, 4))], set[int]()
    while waiting and len(seen) < MOST_TABLES:
        at = waiting.pop(0)
        if not at or at in seen:
            continue
        seen.add(at)
        count = _unpack(order, "H", _read(source, at, 2))
        if not 0 < count <= MOST_TAGS:
            continue
        entries = source.read(count * 12)
        following = _unpack(order, "I", source.read(4))
        table: Table = {}
        for start in range(0, len(entries) - 11, 12):
            tag, kind, values = struct.unpack(f"{order}HHI", entries[start : start + 8])
            content = entries[start + 8 : start + 12]
            if tag == _RW2_JPEG:  # bytes: what counts is where they lie
                table[tag] = (_unpack(order, "I", content),)
            elif kind in _LETTERS and 0 < values <= (MOST_TILES if tag == _TILES else MOST_VALUES):
                form = f"{order}{values}{_LETTERS[kind]}"
                size = struct.calcsize(form)
                content = content if size <= 4 else _read(source, _unpack(order, "I", content), size)
                table[tag] = struct.unpack(form, content[:size]) if len(content) >= size else ()
        yield table
        waiting += [*table.get(_SUB_IFDS, ()), *table.get(_EXIF_IFD, ()), following]


def _read(source: BinaryIO, at: int, size: int) -> bytes:
    source.seek(at)
    return source.read(size)


def _unpack(order: str, letter: str, content: bytes) -> int:
    """A number; 0 where the file ends before it."""
    size = struct.calcsize(letter)
    return int(struct.unpack(order + letter, content[:size])[0]) if len(content) >= size else 0


def _largest_jpeg(source: BinaryIO, starts: Iterable[int]) -> tuple[int, tuple[int, int]] | None:
    """Where the largest of these pictures begins, and its size."""
    sized = [(start, size) for start in dict.fromkeys(starts) if (size := jpeg_size(source, start)) is not None]
    return max(sized, key=lambda jpeg: _area(jpeg[1]), default=None)


def jpeg_size(source: BinaryIO, start: int) -> tuple[int, int] | None:
    """Width and height of an ordinary JPEG that begins there; None for none, or a lossless one of a sensor."""
    if _read(source, start, 3) != _JPEG:
        return None
    at = start + 2
    for _segment in range(MOST_SEGMENTS):
        marker = _read(source, at, 9)
        if len(marker) < 9 or marker[0] != 0xFF:
            return None
        if marker[1] in (0xC0, 0xC1, 0xC2):
            precision, height, width = struct.unpack(">BHH", marker[4:9])
            return (width, height) if precision == 8 and width and height else None
        if marker[1] in (0xC3, 0xD9, 0xDA):
            return None
        at += 2 + int.from_bytes(marker[2:4], "big")
    return None


def jpegs_in(source: BinaryIO) -> Iterator[int]:
    """Where JPEGs seem to begin, wherever they lie in the file."""
    count = 0
    for start in range(0, LOOKED_THROUGH_BYTES, _WINDOW):
        window = _read(source, start, _WINDOW + len(_JPEG) - 1)
        at = window.find(_JPEG)
        while at >= 0 and count < MOST_JPEGS:
            count += 1
            yield start + at
            at = window.find(_JPEG, at + 1)
        if len(window) < _WINDOW or count >= MOST_JPEGS:
            return
