"""Scans that something comes between: a drive that is pulled, a cancel, another import, a clock that is put right."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from files import import_tasks
from files.errors import RootAbsentError
from files.importing import ingest, roots
from files.importing.directories import import_directory
from files.importing.reports import ImportReport
from files.importing.scanning import scan_root
from files.media.info import MediaInfo, parse_created_at
from files.media.probe import probe
from files.models import File, Problem, Root
from jobs.errors import Cancelled
from jobs.models import Job
from tests.files.factories import make_root
from tests.files.library import copy, names

pytestmark = pytest.mark.django_db


class CancelledWhenLooking:
    """A person who cancels as soon as the first file was looked into."""

    def update(self, fraction: float, message: str = "") -> None:
        if File.objects.exists():
            raise Cancelled

    def check(self) -> None:
        return None


def test_a_drive_pulled_while_files_are_looked_into_makes_them_no_problems(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(clip, library / "first.mp4", different=True)
    root = make_root_of(library)
    for number in range(3):
        copy(clip, library / f"{number}.mp4", different=True)
    away = library.with_name("away")

    def pulled(path: Path) -> MediaInfo:
        if path.name == "1.mp4" and library.exists():
            library.rename(away)
        return probe(path)

    monkeypatch.setattr("files.media.decoding.media_info", pulled)
    with pytest.raises(RootAbsentError):
        scan_root(root)

    assert set(File.objects.values_list("state", flat=True)) == {"offline"}
    assert not Problem.objects.exists()

    away.rename(library)
    monkeypatch.undo()
    scan_root(root)
    assert names() == {"first.mp4", "0.mp4", "1.mp4", "2.mp4"}


def make_root_of(library: Path) -> Root:
    import_directory(library)
    return Root.objects.get(path=str(library))


def test_a_first_import_that_was_cut_off_knows_its_drive_all_the_same(
    folders: Path, library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.importing.scanning.CHUNK", 1)
    for number in range(3):
        copy(clip, library / f"{number}.mp4", different=True)
    with pytest.raises(Cancelled):
        import_directory(library, progress=CancelledWhenLooking())
    root = Root.objects.get(path=str(library))
    assert root.files.count() == 1

    library.rename(folders / "unplugged")
    library.mkdir()  # the mount point
    with pytest.raises(RootAbsentError):
        scan_root(root)

    assert set(File.objects.values_list("state", flat=True)) == {"offline"}
    copy(clip, library / "of another drive.mp4", different=True)
    assert not roots.is_there(root)


def test_what_is_refused_stays_listed(tmp_path: Path, library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    outside = copy(clip, tmp_path / "elsewhere" / "b.mp4")
    (library / "link.mp4").symlink_to(outside)
    root = make_root_of(library)

    scan_root(root)

    assert [problem.path for problem in Problem.objects.all()] == ["link.mp4"]
    (library / "link.mp4").unlink()
    scan_root(root)
    assert not Problem.objects.exists()


def test_a_clock_that_is_put_back_holds_no_scan_up(library: Path) -> None:
    waits: list[float] = []

    ingest.settled(library, [], since_s=3600, clock=ingest.SettleClock(now=lambda: 0.0, sleep=waits.append))

    assert waits == [0.0]


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z"])
def test_a_date_that_no_calendar_holds_is_none(text: str) -> None:
    assert parse_created_at({"creation_time": text}) is None


def test_two_first_imports_of_a_folder_at_once_make_one_root(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identify = roots.identify

    def overtaken(folder: Path) -> Any:
        if not Root.objects.filter(path=str(folder)).exists():
            make_root(folder)
        return identify(folder)

    monkeypatch.setattr(roots, "identify", overtaken)

    assert roots.find_or_make_root(library) == Root.objects.get()


def test_names_that_are_shown_alike_stop_no_import(library: Path, clip: Path) -> None:
    copy(clip, library / "caf\\xe9.mp4", different=True)
    Path(os.fsdecode(os.fsencode(library) + b"/caf\xe9.mp4")).write_bytes(clip.read_bytes())
    copy(clip, library / "other.mp4", different=True)

    report = import_directory(library)

    assert names() == {"caf\\xe9.mp4", "other.mp4"}
    assert [line.path for line in report.problems] == ["caf\\xe9.mp4"]


def test_a_copy_that_takes_all_night_is_waited_for_and_a_log_that_never_ends_is_not(library: Path) -> None:
    root = make_root(library)
    growing = ImportReport(path=str(library), root_id=root.pk, waiting=1)
    options: dict[str, int] = {}
    waited = timedelta()

    while True:
        import_tasks._has_ended(growing, times=options.get("again", 0), in_vain=options.get("in_vain", 0))
        job = Job.objects.filter(kind="scan_root").order_by("pk").last()
        if job is None or job.options == options:
            break
        options = job.options
        waited += job.run_after - job.created_at

    assert timedelta(hours=7) < waited < timedelta(hours=9)
    one_is_whole = ImportReport(path=str(library), root_id=root.pk, waiting=1, imported=1)
    import_tasks._has_ended(one_is_whole, times=31, in_vain=30)
    job = Job.objects.filter(kind="scan_root").latest("pk")
    assert job.options == {"again": 32}
    assert job.run_after - job.created_at < timedelta(seconds=90)
