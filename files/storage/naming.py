"""Names of the files that we make: safe on every file system, never colliding. Pure."""

import re
import unicodedata
from pathlib import PurePosixPath

#: The longest file name that ext4, APFS, NTFS and their kin take, in bytes of UTF-8.
MAX_NAME_BYTES = 255
MAX_EXTENSION = 12
_FALLBACK = "file"
#: `:` and the rest are legal here, but not on the Windows and SMB shares that folders end up on.
_SEPARATORS = '/\\:*?"<>|'


def safe_stem(name: str) -> str:
    """The stem of `name`, without separators, control characters, or dots and dashes in front; NFC."""
    stem = PurePosixPath(name.replace("\\", "/")).name
    extension = _extension(stem)
    stem = stem[: len(stem) - len(extension)]
    return _safe(stem)


def safe_extension(name: str) -> str:
    """The extension with its dot, where it is an ordinary one; else an empty string."""
    return _extension(PurePosixPath(name.replace("\\", "/")).name)


def upload_name(name: str, file_id: int) -> str:
    """`originalname_<file_id>.ext`"""
    return _fit(safe_stem(name), f"_{file_id}{safe_extension(name)}")


def proxy_name(name: str, file_id: int, spec: str) -> str:
    """`originalname_<source_file_id>_<proxy_spec>.mp4`"""
    return _fit(safe_stem(name), f"_{file_id}_{spec}.mp4")


def temporary_name(name: str, token: str) -> str:
    """A hidden name beside `name` that no other attempt shares: the token carries job and attempt."""
    return _fit(f".{token}-{_safe(name)}", ".part")


def is_temporary(name: str) -> bool:
    """Whether `temporary_name` made this."""
    return name.startswith(".") and name.endswith(".part")


def cut_to_bytes(text: str, size: int) -> str:
    """The longest beginning of `text` that has at most `size` bytes in UTF-8, no character split."""
    return text.encode()[:size].decode(errors="ignore")


def shown(name: str) -> str:
    """`name` as text that can be stored and sent: bytes that are no UTF-8 become a replacement sign."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _extension(name: str) -> str:
    found = re.search(rf"(?<=[^.])\.[A-Za-z0-9]{{1,{MAX_EXTENSION}}}$", name)
    return found.group() if found else ""


def _safe(text: str) -> str:
    # Bytes that are no UTF-8 arrive as lone surrogates; they cannot be written back out, so they become "_".
    text = unicodedata.normalize("NFC", re.sub(r"[\ud800-\udfff]", "_", text))
    text = "".join(
        "_" if char in _SEPARATORS else char
        for char in text
        if unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp")
    )
    return text.strip().lstrip(".- ").rstrip(". ") or _FALLBACK


def _fit(stem: str, ending: str) -> str:
    return cut_to_bytes(stem, MAX_NAME_BYTES - len(ending.encode())) + ending
