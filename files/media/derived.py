"""What was made of a file beside its proxy, in DATA_DIR/derived/<file id>: sound, poster, scrub sprite."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from files import conf
from files.media import pictures
from files.media.sprites import Sprite, cell_at
from files.models import File
from files.storage import disk

AUDIO, POSTER, SPRITE, SPRITE_VTT = "audio.flac", "poster.jpg", "sprite.jpg", "sprite.vtt"
#: Written last, so that it vouches for the others.
_MADE = "made.json"


@dataclass(frozen=True, kw_only=True)
class DerivedManifest:
    """From which content, which sound track, and what came of it."""

    source_hash: str
    audio_track: int | None = None
    sprite: Sprite | None = None
    names: tuple[str, ...] = ()


def folder(file_id: int) -> Path:
    return conf.folders().derived / str(file_id)


def audio_path(file: File) -> Path | None:
    """16 kHz mono FLAC of the chosen sound track; its second 0 is the source's."""
    return _existing(file, AUDIO)


def poster_path(file: File) -> Path | None:
    return _existing(file, POSTER)


def sprite_path(file: File) -> Path | None:
    return _existing(file, SPRITE)


def sprite_vtt_path(file: File) -> Path | None:
    return _existing(file, SPRITE_VTT)


def sprite_cell(file: File, at_s: float) -> bytes | None:
    """A small JPEG of the second `at_s`, cut out of the sprite (about 1 ms); None where there is no sprite."""
    made, sheet = read_made(file.pk), sprite_path(file)
    if made is None or made.sprite is None or sheet is None:
        return None
    return pictures.cut(sheet, cell_at(made.sprite, min(at_s, file.duration_s or at_s)))


def read_made(file_id: int) -> DerivedManifest | None:
    """What is there, if it is whole; None if nothing is, or a write was cut off."""
    place = folder(file_id)
    try:
        facts: dict[str, Any] = json.loads((place / _MADE).read_text())
        sprite = Sprite(**facts["sprite"]) if facts["sprite"] else None
        made = DerivedManifest(**{**facts, "sprite": sprite, "names": tuple(facts["names"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if all((place / name).is_file() for name in made.names) else None


def write_made(file_id: int, made: DerivedManifest, *, token: str = "") -> None:
    disk.write(folder(file_id) / _MADE, json.dumps(asdict(made)).encode(), token=token)


def forget_made(file_id: int) -> None:
    """Before any of it is replaced."""
    disk.remove(folder(file_id) / _MADE)


def _existing(file: File, name: str) -> Path | None:
    """What was made under this name, if it was made from the content that the file has now."""
    made = read_made(file.pk)
    if made is None or name not in made.names or (file.sampled_hash and made.source_hash != file.sampled_hash):
        return None
    return folder(file.pk) / name
