"""Paths as text: what can be stored and shown, and what a name says of its content. Pure."""

import os
import unicodedata
from pathlib import PurePath

#: Names that are looked into whatever their first bytes are. Everything else is looked into if it begins like media.
MEDIA_EXTENSIONS = frozenset((
    ".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".ivf", ".m1v", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov",
    ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".vob", ".webm", ".wmv",
    ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".caf", ".eac3", ".flac", ".m4a", ".m4b", ".mka", ".mp2",
    ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma", ".wv", ".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg",
    ".jpg", ".png", ".tif", ".tiff", ".webp", ".hif", ".heics", ".heifs", ".avci",
    ".au", ".snd", ".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".y4m", ".obu", ".vc1", ".drc", ".vc2",
    ".nut", ".gxf", ".wtv", ".dts", ".thd", ".mlp", ".tta", ".voc", ".w64", ".spx", ".loas", ".latm",
    ".m2t", ".trp", ".m2p", ".divx", ".xvid", ".3gpp", ".mp4v", ".mk3d", ".weba", ".ismv",
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
))  # fmt: skip
#: Other programs' names for what they have not finished.
UNFINISHED_EXTENSIONS = frozenset({".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart", ".!ut"})
#: Where the mark of a container stands in a file's first bytes.
_MARKS = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (0, b"\x1aE\xdf\xa3"),
    (0, b"OggS"),
    (0, b"FLV\x01"),
    (0, b"ID3"),
    (0, b"fLaC"),
    (0, b"0&\xb2u\x8ef\xcf\x11"),
    (0, b"\x00\x00\x01\xba"),
    (0, b"\xff\xd8\xff"),
    (0, b"\x89PNG\r\n"),
    (0, b"GIF8"),
    (0, b"II*\x00"),
    (0, b"MM\x00*"),
    # Bare streams: Sun sound, uncompressed video, H.264 and H.265 with their parameters first, MPEG-4, VC-1, AV1, DV,
    # DTS, TrueHD, and others.
    (0, b".snd"),
    (0, b"YUV4MPEG2 "),
    (0, b"\0\0\0\x01\x09"),
    (0, b"\0\0\0\x01\x27"),
    (0, b"\0\0\0\x01\x40\x01"),
    (0, b"\0\0\0\x01\x46\x01"),
    (0, b"\0\0\0\x01\x67"),
    (0, b"\0\0\x01\x67"),
    (0, b"\0\0\x01\xb0"),
    (0, b"\0\0\x01\x0f"),
    (0, b"\x12\0\x0a"),
    (0, b"nut/multimedia container\0"),
    (0, b"\0\0\0\0\x01\xbc"),
    (0, b"\xb7\xd8\0\x20\x37\x49\xda\x11"),
    (0, b"\x7f\xfe\x80\x01"),
    (4, b"\xf8\x72\x6f\xba"),
    (0, b"TTA1"),
    (0, b"Creative Voice File\x1a"),
    (0, b"\0\0\x01\xb3"),
    (0, b"\x1f\x07\0\x3f"),
    (0, b"\x1f\x07\0\xbf"),
    (0, b"#!AMR"),
    (0, b"MAC "),
    (0, b"wvpk"),
    (0, b"caff"),
    (0, b"riff.\x91\xcf\x11"),
    (8, b"AIFF"),
    (8, b"AIFC"),
    (0, b"DKIF"),
    (0, b".RMF"),
    (0, b"\x06\x0e\x2b\x34"),
    # Camera raw that is no TIFF.
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"FOVb"),
    (0, b"\0MRM"),
    (6, b"HEAPCCDR"),
    (0, b"IIRO"),
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),
)
_RIFF_KINDS = (b"AVI ", b"WAVE", b"WEBP")
TS_PACKET_BYTES = 188
#: Enough for two packets of a transport stream, and for every mark.
HEAD_BYTES = 2 * TS_PACKET_BYTES + 1


def shown_path(path: str) -> str:
    """A path of the file system as text that can be stored; `\\xe9` stands for a byte that is not UTF-8."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def raw_path(path: str) -> bytes | None:
    """The bytes of a path that is not UTF-8; None for all others, whose text says everything."""
    raw = os.fsencode(path)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    return None


def stored_path(path: str, raw: bytes | memoryview | None) -> str:
    """The path as the file system's functions want it, from what is stored."""
    return path if raw is None else os.fsdecode(bytes(raw))


def composed_forms(text: str) -> list[str]:
    """The text as it is, and with its accents in one character each and as characters of their own (macOS).

    File systems keep either, and show them alike.
    """
    return list(dict.fromkeys([text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]))


def spellings(word: str) -> list[str]:
    """How a word may stand in a name: however it is composed, and in either case, as SQLite folds ASCII only."""
    cases = [word] if word.isascii() else [word, word.lower(), word.upper(), word.capitalize()]
    return list(dict.fromkeys(form for case in cases for form in composed_forms(case)))


def has_media_extension(name: str) -> bool:
    return PurePath(name).suffix.lower() in MEDIA_EXTENSIONS


def is_unfinished(name: str) -> bool:
    """Whether another program says that it is still writing this."""
    return PurePath(name).suffix.lower() in UNFINISHED_EXTENSIONS


def begins_like_media(head: bytes) -> bool:
    """Whether a file that begins so may be media, whatever it is called."""
    if any(head.startswith(mark, at) for at, mark in _MARKS):
        return True
    if head.startswith(b"RIFF") and head[8:12] in _RIFF_KINDS:
        return True
    return any(head[at : at + 1] == b"G" == head[at + TS_PACKET_BYTES : at + TS_PACKET_BYTES + 1] for at in (0, 4))
