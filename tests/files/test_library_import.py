"""Importing folders as they lie."""

from pathlib import Path

import pytest

from files.importing import import_directory
from files.models import File, Root
from tests.media import make_audio, make_clip, make_image

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=1)


@pytest.fixture(autouse=True)
def _no_settling(folders: Path, settings: object) -> None:
    settings.IMPORT_SETTLE_S = 0.0  # type: ignore[attr-defined]


@pytest.fixture
def library(tmp_path: Path, folders: Path) -> Path:
    place = tmp_path / "library"
    place.mkdir()
    return place


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


def test_registers_video_sound_and_picture_by_reference(library: Path, clip: Path) -> None:
    copy(clip, library / "trip" / "a.mp4")
    make_audio(library / "b.flac", seconds=1)
    make_image(library / "c.jpg")
    (library / "notes.txt").write_text("nothing to see")
    before = {path: path.stat().st_mtime_ns for path in library.rglob("*")}

    report = import_directory(library)

    assert (report.imported, report.other, report.problems) == (3, 1, [])
    found = {file.path: file for file in File.objects.all()}
    assert {path: file.media_type for path, file in found.items()} == {
        "trip/a.mp4": "video",
        "b.flac": "audio",
        "c.jpg": "image",
    }
    video = found["trip/a.mp4"]
    assert video.name == "a.mp4"
    assert video.duration_s == pytest.approx(1, abs=0.1)
    assert video.video_codec == "h264"
    assert video.width
    assert video.state == "available"
    assert video.sampled_hash
    assert before == {path: path.stat().st_mtime_ns for path in library.rglob("*")}


def test_a_second_import_doubles_nothing(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    import_directory(library)

    report = import_directory(library)

    assert (report.imported, report.unchanged) == (0, 1)
    assert File.everything.count() == 1
    assert Root.objects.count() == 1
