"""The settings of `files`, read here and nowhere else in this app."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The only places where we write."""

    data: Path
    uploads: Path
    proxies: Path

    @property
    def derived(self) -> Path:
        return self.data / "derived"

    @property
    def trash(self) -> Path:
        return self.data / "trash"


def folders() -> Folders:
    return Folders(data=settings.DATA_DIR, uploads=settings.UPLOAD_DIR, proxies=settings.PROXY_DIR)


def ffmpeg_path() -> str:
    return str(settings.FFMPEG_PATH)


def proxy_profile() -> str:
    return str(settings.PROXY_PROFILE)


def proxy_encoder() -> str:
    """`auto`, `cpu`, or the name of one of ffmpeg's H.264 encoders."""
    return str(settings.PROXY_ENCODER)


def import_steps() -> list[str]:
    return list(settings.IMPORT_STEPS)
