"""Rows for the tests of every floor that stands on files."""

from itertools import count
from pathlib import Path
from typing import Any

from files.media import derived
from files.models import File, Problem, Proxy, Root

_numbers = count(1)


def make_root(path: Path | str | None = None, **fields: Any) -> Root:
    """A root; without a path, one on a drive that is not there."""
    where = str(path) if path is not None else f"/nowhere/library-{next(_numbers)}"
    return Root.objects.create(path=where, **{"name": Path(where).name, **fields})


def make_file(root: Root | None = None, path: str = "", **fields: Any) -> File:
    """A two-minute video with sound; any field can be given."""
    number = next(_numbers)
    path = path or f"clip-{number}.mp4"
    values: dict[str, Any] = {
        "name": Path(path).name,
        "media_type": File.MediaType.VIDEO,
        "size_bytes": 1_000_000 + number,
        "mtime_ns": 1_700_000_000_000_000_000,
        "duration_s": 120.0,
        "width": 1920,
        "height": 1080,
        "frame_rate": 25.0,
        "video_codec": "h264",
        "audio_codec": "aac",
        **fields,
    }
    return File.everything.create(root=root or make_root(), path=path, **values)


def make_proxy_row(file: File, proxy_spec: str = "720p15", **fields: Any) -> Proxy:
    """The row of a proxy; no bytes are written."""
    values: dict[str, Any] = {
        "path": f"{Path(file.name).stem}_{file.pk}_{proxy_spec}.mp4",
        "size_bytes": 100_000,
        "duration_s": file.duration_s,
        "width": 1280,
        "height": 720,
        **fields,
    }
    return Proxy.objects.create(file=file, proxy_spec=proxy_spec, **values)


def make_derived(file: File, **contents: bytes) -> None:
    """What a proxy run leaves beside the proxy, made from the file's content: `poster=b"…"`, `sprite=b"…"`."""
    names = {"poster": derived.POSTER, "sprite": derived.SPRITE, "audio": derived.AUDIO}
    derived.folder(file.pk).mkdir(parents=True)
    for name, content in contents.items():
        (derived.folder(file.pk) / names[name]).write_bytes(content)
    made = derived.DerivedManifest(source_hash=file.sampled_hash, names=tuple(names[name] for name in contents))
    derived.write_made(file.pk, made)


def make_problem(root: Root, path: str = "broken.mp4", **fields: Any) -> Problem:
    values = {"kind": "unreadable", "reason": "It is not a media file.", "remedy": "Remove it.", **fields}
    return Problem.objects.create(root=root, path=path, **values)
