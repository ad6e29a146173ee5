"""Sizes, lengths, numbers, types and states in words. Pure."""

from pathlib import PurePath

#: What a file is called by its media type: one of it, and several.
MEDIA_TYPES = {
    "video": ("video", "videos"),
    "audio": ("sound", "sounds"),
    "image": ("picture", "pictures"),
}
#: What the state of a file is called.
STATES = {"available": "connected", "offline": "drive away", "missing": "file missing"}
#: Only what plays or shows. Everything else goes out as bytes that no browser interprets.
CONTENT_TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".avi": "video/x-msvideo", ".mts": "video/mp2t", ".m2ts": "video/mp2t",
    ".ts": "video/mp2t", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".ogv": "video/ogg", ".wmv": "video/x-ms-wmv",
    ".flv": "video/x-flv", ".3gp": "video/3gpp", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac",
    ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
    ".avif": "image/avif", ".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff",
    ".vtt": "text/vtt; charset=utf-8",
}  # fmt: skip
UNKNOWN_TYPE = "application/octet-stream"
#: What browsers play and show without help; everything else needs a proxy or a poster.
PLAYABLE = frozenset(
    (".mp4", ".m4v", ".webm", ".mp3", ".m4a", ".wav", ".ogg", ".flac", ".jpg", ".jpeg", ".png", ".gif", ".webp")
)


def content_type(name: str) -> str:
    """The content type of a file of this name: `application/octet-stream` for what no browser shows."""
    return CONTENT_TYPES.get(PurePath(name).suffix.lower(), UNKNOWN_TYPE)


def playable_type(name: str) -> str:
    """The content type of what a browser plays by itself; empty for all else."""
    return content_type(name) if PurePath(name).suffix.lower() in PLAYABLE else ""


def size(size_bytes: float | None) -> str:
    """`1530000000` → `1.5 GB`, in decimal units, as drives are labelled."""
    if size_bytes is None:
        return "–"
    amount, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if amount < 999.5 or unit == "PB":
            break
        amount /= 1000
    return f"{amount:.1f} {unit}" if unit != "B" and amount < 9.95 else f"{amount:,.0f} {unit}"


def files(count: int) -> str:
    """`1` → `1 file`, `1200` → `1,200 files`"""
    return f"{count:,} file" if count == 1 else f"{count:,} files"


def uploads(count: int) -> str:
    """`1` → `1 upload`, `1200` → `1,200 uploads`"""
    return f"{count:,} upload" if count == 1 else f"{count:,} uploads"


def length(duration_s: float | None) -> str:
    """`3723` → `1:02:03`"""
    if duration_s is None:
        return "–"
    hours, rest = divmod(int(duration_s), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
