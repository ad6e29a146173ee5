"""The least that the stand-in takes for a video: an MP4 with a header, and how long a real one is."""

import struct

HEAD_BYTES = 1 << 16


def tiny_mp4(duration_s: float = 5.0, *, seed: str = "") -> bytes:
    """An MP4 that no player plays: file type, a movie header with this duration, and bytes that make it its own."""
    ftyp = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    mvhd = _box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, round(duration_s * 1000)) + bytes(80))
    return ftyp + _box(b"moov", mvhd) + _box(b"free", seed.encode())


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def looks_like_video(head: bytes, container: str) -> bool:
    """Whether the bytes are what their format says, for the formats that are easy to tell."""
    if container in {"mp4", "mov", "three_gp"}:
        return head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free"}
    if container in {"mkv", "webm"}:
        return head[:4] == b"\x1aE\xdf\xa3"
    return bool(head)


def duration_s(content: bytes, default: float = 10.0) -> float:
    """The duration in an MP4's movie header, wherever it is in `content`."""
    at = content.find(b"mvhd")
    if at < 0 or at + 36 > len(content):
        return default
    if content[at + 4] == 1:
        scale, length = struct.unpack_from(">IQ", content, at + 24)
    else:
        scale, length = struct.unpack_from(">II", content, at + 16)
    return float(length / scale) if scale else default
