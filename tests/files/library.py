"""Folders of clips for the tests of import and scan."""

from pathlib import Path

from files.models import File


def names() -> set[str]:
    return set(File.objects.values_list("path", flat=True))


def copy(source: Path, target: Path, *, different: bool = False) -> Path:
    """A copy of a clip; a different one has bytes of its own at its end, which players pass over."""
    target.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    if different:
        tail = str(target).encode()
        content += (8 + len(tail)).to_bytes(4, "big") + b"free" + tail
    target.write_bytes(content)
    return target
