"""The settings of `files`, read here and nowhere else in this app."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

#: What an import can go on to do.
STEPS = ("proxy", "transcribe", "analyze", "embed", "see", "read")


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The only places where we write."""

    data: Path
    uploads: Path
    proxies: Path
    #: What belongs to this machine alone.
    host: Path

    @property
    def locks(self) -> Path:
        return self.host / "locks"

    @property
    def derived(self) -> Path:
        return self.data / "derived"

    @property
    def demonstration(self) -> Path:
        """Clips that the first run makes: originals in a folder of ours, the only ones."""
        return self.data / "demo"

    @property
    def trash(self) -> Path:
        return self.data / "trash"


def folders() -> Folders:
    return Folders(
        data=settings.DATA_DIR, uploads=settings.UPLOAD_DIR, proxies=settings.PROXY_DIR, host=settings.HOST_DIR
    )


def ffmpeg_path() -> str:
    return str(settings.FFMPEG_PATH)


def proxy_profile() -> str:
    return str(settings.PROXY_PROFILE)


def proxy_encoder() -> str:
    """`auto`, `cpu`, or the name of one of ffmpeg's H.264 encoders."""
    return str(settings.PROXY_ENCODER)


def import_steps() -> list[str]:
    return list(settings.IMPORT_STEPS)


def steps_for(rule: Iterable[str] | None) -> list[str]:
    """What an import goes on to do: the rule of its folder, else the settings'."""
    return import_steps() if rule is None else list(rule)


def scan_minutes() -> float:
    """How often folders are looked through by themselves; 0 = never."""
    return float(settings.SCAN_MINUTES)


def watches_folders() -> bool:
    """Whether changes are watched for where the file system tells of them."""
    return str(settings.WATCH_FOLDERS).lower() not in ("off", "0", "no", "false", "")


def import_roots() -> list[Path]:
    """The folders that API and admin may import from."""
    return [Path(folder).resolve() for folder in settings.IMPORT_ROOTS]


def import_skip() -> list[str]:
    """Names and patterns that an import leaves out; `+name` and `-name` change the usual list."""
    return [name.strip() for name in settings.IMPORT_SKIP if name.strip()]


def settle_s() -> float:
    """How long a file must have been left alone before it is taken to be whole."""
    return float(settings.IMPORT_SETTLE_S)


def imports_at_once() -> int:
    """One worker of the queue is for a scan, one for short jobs; the others import."""
    return max(1, int(settings.FAST_WORKERS) - 2)


def probe_workers() -> int:
    """How many files are looked into at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores + 1)  # one more, for the time that a drive takes


def roots_check_s() -> float:
    """How often absent drives are looked for."""
    return float(settings.ROOTS_CHECK_S)
