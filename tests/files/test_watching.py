"""Folders are watched between two scans: changes are handed in, as the watcher of the system would."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from files.models import Root
from files.watching import Changes, is_local, watch_folders
from jobs.models import Job
from tests.files.factories import make_root

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on(settings: Any) -> None:
    settings.WATCH_FOLDERS = "auto"


def test_a_folder_with_a_change_is_scanned_and_another_is_not(tmp_path: Path) -> None:
    changed, still = make_root(tmp_path / "a"), make_root(tmp_path / "b")
    make_root(tmp_path / "away", is_present=False)

    def changes(watched: Mapping[Path, Root]) -> Changes:
        assert set(watched.values()) == {changed, still}
        yield {(1, str(tmp_path / "a" / "new.mp4")), (1, str(tmp_path / "a" / "sub" / "x.mp4"))}

    assert watch_folders(changes) == 1
    assert [job.subject_id for job in Job.objects.filter(kind="scan_root")] == [changed.pk]


def test_a_system_that_cannot_watch_leaves_it_to_the_scans(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_root(tmp_path)

    def changes(watched: Mapping[Path, Root]) -> Changes:
        raise OSError("no space left for watches")

    assert watch_folders(changes) == 0
    assert "no space left for watches" in caplog.text


def test_nothing_is_watched_where_that_is_off(tmp_path: Path, settings: Any) -> None:
    settings.WATCH_FOLDERS = "off"
    make_root(tmp_path)

    def changes(watched: Mapping[Path, Root]) -> Changes:
        raise AssertionError("asked")

    assert watch_folders(changes) == 0


def test_a_folder_of_another_machine_is_not_watched(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nnas:/v /media/my\\040nas nfs4 rw 0 0\n/dev/sdb1 /media/disk exfat rw 0 0\n"
    )

    assert not is_local(Path("/media/my nas/videos"), str(mounts))
    assert is_local(Path("/media/disk/videos"), str(mounts))
    assert is_local(Path("/home/ada"), str(mounts))
