"""The way to an original leads through no link, whatever somebody puts in its place meanwhile."""

import subprocess
import sys
from pathlib import Path

import pytest

from files.errors import OriginalUnavailableError
from files.models import File
from files.storage.originals import as_local_path, open_folder
from tests.files.factories import make_file, make_root

pytestmark = pytest.mark.django_db
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="paths through open folders are Linux's")


@pytest.fixture
def file(tmp_path: Path) -> File:
    """`trip/day/clip.mp4` of a root; beside the root lies `elsewhere/day/clip.mp4`, which is nobody's business."""
    for place, content in (("root/trip", b"ours"), ("elsewhere", b"not ours")):
        (tmp_path / place / "day").mkdir(parents=True)
        (tmp_path / place / "day" / "clip.mp4").write_bytes(content)
    return make_file(make_root(tmp_path / "root"), "trip/day/clip.mp4")


def swap_for_link(folder: Path, target: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.symlink_to(target)


def test_an_original_is_read_by_its_own_name(file: File) -> None:
    with as_local_path(file) as path:
        assert path.name == "clip.mp4"
        assert path.read_bytes() == b"ours"


@pytest.mark.parametrize("swapped", ["trip", "trip/day"])
def test_a_folder_that_became_a_link_is_not_followed(file: File, tmp_path: Path, swapped: str) -> None:
    target = tmp_path / "elsewhere" / ("day" if swapped == "trip/day" else "")
    swap_for_link(tmp_path / "root" / swapped, target)
    assert file.local_path.read_bytes() == b"not ours"

    with pytest.raises(OriginalUnavailableError, match="no longer an ordinary file"), as_local_path(file):
        pytest.fail("the link was followed")


def test_a_link_within_the_root_is_not_followed_either(file: File, tmp_path: Path) -> None:
    swap_for_link(tmp_path / "root" / "trip", tmp_path / "root" / "away")

    with pytest.raises(OriginalUnavailableError, match="no longer an ordinary file"), as_local_path(file):
        pytest.fail("the link was followed")


def test_a_file_that_became_a_link_is_not_read(file: File, tmp_path: Path) -> None:
    file.local_path.unlink()
    file.local_path.symlink_to(tmp_path / "elsewhere" / "day" / "clip.mp4")

    with pytest.raises(OriginalUnavailableError, match="no longer an ordinary file"), as_local_path(file):
        pytest.fail("the link was followed")


@needs_proc
def test_a_swap_while_it_is_read_changes_nothing(file: File, tmp_path: Path) -> None:
    with as_local_path(file) as path:
        swap_for_link(tmp_path / "root" / "trip", tmp_path / "elsewhere")

        assert path.read_bytes() == b"ours"


@needs_proc
def test_a_child_process_reads_it_by_the_same_path(file: File) -> None:
    with as_local_path(file) as path:
        command = [sys.executable, "-c", f"print(open({str(path)!r}).read())"]
        child = subprocess.run(command, check=True, capture_output=True, text=True)

    assert child.stdout == "ours\n"


def test_a_root_behind_a_link_is_one_as_it_was_chosen(file: File, tmp_path: Path) -> None:
    (tmp_path / "shortcut").symlink_to(tmp_path / "root")
    file.root.path = str(tmp_path / "shortcut")

    with as_local_path(file) as path:
        assert path.read_bytes() == b"ours"


def test_no_descriptor_is_left_open(file: File, tmp_path: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))

    with as_local_path(file):
        pass
    with pytest.raises(FileNotFoundError):
        open_folder(tmp_path / "root", tmp_path / "root" / "trip" / "nowhere")

    assert len(list(Path("/dev/fd").iterdir())) == before
