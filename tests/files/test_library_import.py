"""Importing folders as they lie."""

import os
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from pytest_django.fixtures import Settings

from files.errors import FolderNotFoundError, PathRefusedError
from files.import_tasks import request_import
from files.importing.arrivals import Arrivals
from files.importing.directories import import_directory
from files.importing.ingest import SettleClock
from files.importing.leftovers import Leftovers, names_of
from files.models import File, Problem, Root
from files.selection.resolving import resolve
from jobs.errors import Cancelled
from jobs.execution.running import run_now
from tests.files.library import copy, names
from tests.media import make_audio, make_image

pytestmark = pytest.mark.django_db


def test_registers_video_sound_and_picture_by_reference(library: Path, clip: Path) -> None:
    copy(clip, library / "trip" / "a.mp4")
    make_audio(library / "b.flac", seconds=1)
    make_image(library / "c.jpg", size=(64, 48), orientation=6)
    (library / "notes.txt").write_text("nothing to see")
    before = {path: path.stat() for path in library.rglob("*")}

    report = import_directory(library)

    assert (report.imported, report.other, report.problems) == (3, 1, [])
    found = {file.path: file for file in File.objects.all()}
    assert {path: file.media_type for path, file in found.items()} == {
        "trip/a.mp4": "video",
        "b.flac": "audio",
        "c.jpg": "image",
    }
    video = found["trip/a.mp4"]
    assert (video.name, video.state, video.video_codec) == ("a.mp4", "available", "h264")
    assert video.duration_s == pytest.approx(1, abs=0.1)
    assert (video.width, video.height) == (320, 240)
    assert len(video.sampled_hash) == 64
    assert (found["c.jpg"].width, found["c.jpg"].height) == (48, 64)
    after = {path: path.stat() for path in library.rglob("*")}
    assert {path: (s.st_size, s.st_mtime_ns, s.st_ino) for path, s in before.items()} == {
        path: (s.st_size, s.st_mtime_ns, s.st_ino) for path, s in after.items()
    }


def test_a_second_import_doubles_nothing(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    import_directory(library)

    report = import_directory(library)

    assert (report.imported, report.unchanged) == (0, 1)
    assert File.everything.count() == 1
    assert Root.objects.count() == 1


def test_content_decides_not_the_name(library: Path, clip: Path) -> None:
    copy(clip, library / "video.dat")
    copy(clip, library / "no extension")
    make_image(library / "real.png").rename(library / "picture.mp4")
    (library / "text.mp4").write_text("this is no video")

    report = import_directory(library)

    assert {file.path: file.media_type for file in File.objects.all()} == {
        "video.dat": "video",
        "no extension": "video",
        "picture.mp4": "image",
    }
    assert [problem.path for problem in report.problems] == ["text.mp4"]


def test_without_recursion_only_the_folder_itself(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "deep" / "b.mp4")

    import_directory(library, recursive=False)

    assert names() == {"a.mp4"}


def test_a_dry_run_writes_nothing(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    (library / "b.mp4").write_text("no video")

    report = import_directory(library, dry_run=True)

    assert (report.imported, len(report.problems), report.dry_run) == (1, 1, True)
    assert "1 would be imported" in report.summary()
    assert not File.everything.exists()
    assert not Root.objects.exists()
    assert not Problem.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        'it\'s "quoted".mp4',
        "two\nlines.mp4",
        "-rf.mp4",
        "a" * 251 + ".mp4",
        "%04d *?[x].mp4",
        "file:http:pipe.mp4",
        "back\\slash.mp4",
        "Ünï – 漢字.mp4",
        " spaces .mp4",
    ],
)
def test_awkward_names(library: Path, clip: Path, name: str) -> None:
    copy(clip, library / name)

    import_directory(library)
    again = import_directory(library)

    file = File.objects.get()
    assert file.name == name
    assert file.local_path.read_bytes() == clip.read_bytes()
    assert again.unchanged == 1


def test_a_name_that_is_no_utf8(library: Path, clip: Path) -> None:
    raw = os.fsencode(library) + b"/caf\xe9.mp4"
    with open(raw, "wb") as out:  # noqa: PTH123  (a name of bytes)
        out.write(clip.read_bytes())

    import_directory(library)
    again = import_directory(library)

    file = File.objects.get()
    assert file.name == "caf\\xe9.mp4"
    assert os.fsencode(file.local_path) == raw
    assert (again.imported, again.unchanged, again.missing) == (0, 1, 0)


def test_a_bad_file_is_listed_and_stops_nothing(library: Path, clip: Path) -> None:
    copy(clip, library / "good.mp4")
    (library / "empty.mp4").touch()
    (library / "half.mp4").write_bytes(clip.read_bytes()[:300])
    (library / "list.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")

    report = import_directory(library)

    assert names() == {"good.mp4"}
    assert {problem.path for problem in report.problems} == {"empty.mp4", "half.mp4", "list.mp4"}
    assert report.has_failed
    for problem in Problem.objects.all():
        assert problem.reason
        assert problem.remedy


def test_a_problem_that_is_solved_leaves_the_list(library: Path, clip: Path) -> None:
    (library / "a.mp4").write_text("broken")
    (library / "b.mp4").write_text("broken too")
    import_directory(library)
    import_directory(library)
    assert set(Problem.objects.values_list("path", "times")) == {("a.mp4", 2), ("b.mp4", 2)}

    copy(clip, library / "a.mp4")
    (library / "b.mp4").unlink()
    import_directory(library)

    assert not Problem.objects.exists()
    assert names() == {"a.mp4"}


def test_an_unreadable_file_is_a_problem(library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "odd.mp4", different=True)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied") if path.name == "a.mp4" else ValueError("unforeseen")

    monkeypatch.setattr("files.media.decoding.media_info", refuse)
    report = import_directory(library)

    reasons = {problem.path: problem.reason for problem in report.problems}
    assert "Permission denied" in reasons["a.mp4"]
    assert "unforeseen" in reasons["odd.mp4"]


def test_links_out_of_the_root_devices_and_pipes_are_refused(tmp_path: Path, library: Path, clip: Path) -> None:
    outside = copy(clip, tmp_path / "secret" / "private.mp4")
    copy(clip, library / "own.mp4")
    (library / "link.mp4").symlink_to(outside)
    (library / "folder link").symlink_to(outside.parent)
    (library / "inner.mp4").symlink_to(library / "own.mp4")
    os.mkfifo(library / "pipe.mp4")

    report = import_directory(library)

    assert names() == {"own.mp4"}
    assert {problem.path for problem in report.problems} == {"link.mp4", "folder link", "pipe.mp4"}
    assert {problem.kind for problem in Problem.objects.all()} == {"link", "special"}


def test_hidden_files_and_folders_are_passed_over(library: Path, clip: Path) -> None:
    copy(clip, library / ".trash" / "a.mp4")
    copy(clip, library / "._b.mp4")
    copy(clip, library / "c.mp4")

    report = import_directory(library)

    assert names() == {"c.mp4"}
    assert (report.hidden, report.problems) == (2, [])


def test_a_file_that_was_just_written_gets_its_moment(library: Path, clip: Path, settings: Settings) -> None:
    settings.IMPORT_SETTLE_S = 20.0
    written_s = copy(clip, library / "a.mp4").stat().st_mtime
    waits: list[float] = []

    report = import_directory(library, clock=SettleClock(now=lambda: written_s + 5, sleep=waits.append))

    assert (report.imported, report.waiting) == (1, 0)
    assert waits == [20.0]


def test_a_file_that_was_left_alone_long_enough_waits_for_nothing(
    library: Path, clip: Path, settings: Settings
) -> None:
    settings.IMPORT_SETTLE_S = 20.0
    written_s = copy(clip, library / "a.mp4").stat().st_mtime
    waits: list[float] = []

    report = import_directory(library, clock=SettleClock(now=lambda: written_s + 21, sleep=waits.append))

    assert (report.imported, waits) == (1, [])


def test_a_file_that_still_grows_waits(library: Path, clip: Path, settings: Settings) -> None:
    settings.IMPORT_SETTLE_S = 20.0
    growing = copy(clip, library / "a.mp4")
    copy(clip, library / "b.mp4.part")

    def grow(seconds: float) -> None:
        with growing.open("ab") as out:
            out.write(b"more")

    report = import_directory(library, clock=SettleClock(sleep=grow))

    assert (report.imported, report.waiting) == (0, 1)
    assert not Problem.objects.exists()
    later_s = growing.stat().st_mtime + 60
    assert import_directory(library, clock=SettleClock(now=lambda: later_s)).imported == 1


def test_a_folder_inside_a_known_root_belongs_to_it(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "deep" / "b.mp4", different=True)
    import_directory(library, recursive=False)

    report = import_directory(library / "deep")

    assert Root.objects.count() == 1
    assert names() == {"a.mp4", "deep/b.mp4"}
    assert (report.imported, report.missing) == (1, 0)


def test_a_folder_above_a_known_root_leaves_its_files_to_it(library: Path, clip: Path) -> None:
    copy(clip, library / "deep" / "b.mp4")
    import_directory(library / "deep")
    copy(clip, library / "deep" / "c.mp4", different=True)
    copy(clip, library / "a.mp4", different=True)

    report = import_directory(library)

    assert Root.objects.count() == 2
    assert {(file.root.name, file.path) for file in File.objects.select_related("root")} == {
        ("deep", "b.mp4"),
        ("deep", "c.mp4"),
        ("library", "a.mp4"),
    }
    assert (report.imported, report.unchanged) == (2, 1)


def test_our_own_folders_are_never_imported(folders: Path, clip: Path) -> None:
    copy(clip, folders / "proxy_video" / "proxy.mp4")
    copy(clip, folders / "a.mp4")

    with pytest.raises(PathRefusedError):
        import_directory(folders / "proxy_video")
    import_directory(folders)

    assert names() == {"a.mp4"}


@pytest.mark.parametrize("path", ["/nowhere/at/all", "no\0path"])
def test_a_folder_that_is_not_there(folders: Path, path: str) -> None:
    with pytest.raises(FolderNotFoundError):
        import_directory(path)
    assert not Root.objects.exists()


def test_a_file_is_no_folder(library: Path, clip: Path) -> None:
    with pytest.raises(FolderNotFoundError, match="is not a folder"):
        import_directory(copy(clip, library / "a.mp4"))


def test_an_import_that_is_cancelled_keeps_what_it_has(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        copy(clip, library / f"{number}.mp4", different=True)
    monkeypatch.setattr("files.importing.scanning.CHUNK", 1)

    class Stopped:
        def update(self, fraction: float, message: str = "") -> None:
            if message.startswith("3 of 4"):
                raise Cancelled

        def check(self) -> None:
            return None

    with pytest.raises(Cancelled):
        import_directory(library, progress=Stopped())

    assert names() == {"0.mp4", "1.mp4"}
    assert import_directory(library).imported == 2


def test_tells_of_what_arrived_in_the_transaction(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    told: list[Arrivals] = []

    import_directory(library, arrived=told.append)

    assert [[file.path for file in arrivals.new] for arrivals in told] == [["a.mp4"]]


def test_what_was_removed_comes_back_by_import_with_its_id(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    import_directory(library)
    file = File.objects.get()
    file.mark_removed()
    told: list[Arrivals] = []

    report = import_directory(library, arrived=told.append)

    assert report.back == 1
    assert File.objects.get() == file
    assert [list(arrivals.back) for arrivals in told] == [[file]]


def test_exact_duplicates_are_shown(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "copy of a.mp4")
    copy(clip, library / "other.mp4", different=True)

    report = import_directory(library)

    assert report.duplicates == 2
    assert set(File.objects.duplicated().values_list("path", flat=True)) == {"a.mp4", "copy of a.mp4"}
    assert not File.objects.duplicated(wanted=False).filter(path__contains="a.mp4").exists()
    assert File.objects.get(path="other.mp4").full_hash == ""


def test_the_container_says_when_it_was_made_else_the_file(library: Path, clip: Path) -> None:
    target = copy(clip, library / "a.mp4")
    os.utime(target, (1_500_000_000, 1_500_000_000))

    import_directory(library)

    assert File.objects.get().created_at.timestamp() == 1_500_000_000


@pytest.mark.parametrize("moment_s", [-(2**40), 2**40])
def test_a_clock_from_another_age(library: Path, clip: Path, moment_s: int) -> None:
    target = copy(clip, library / "a.mp4")
    try:
        os.utime(target, (moment_s, moment_s))
    except OverflowError:
        pytest.skip("this file system knows no such year")

    assert import_directory(library).imported == 1


def test_what_other_machines_leave_among_media_is_left_out_and_counted(library: Path, clip: Path) -> None:
    make_image(library / "good.jpg")
    leftovers = [
        "@eaDir/good.jpg/SYNOPHOTO_THUMB_XL.jpg", "$RECYCLE.BIN/S-1/$R0A1B2.jpg", "#recycle/gone.jpg",
        "@Recycle/gone.jpg",
        "RECYCLER/S-1/Dd1.jpg", "lost+found/#1234.jpg", "#snapshot/GMT-2024/good.jpg", "__MACOSX/good.jpg",
        "system volume information/a.jpg", "PRIVATE/M4ROOT/SUB/C0001S03.MP4", "PRIVATE/M4ROOT/THMBNL/C0001T01.JPG",
        "DCIM/GH010001.THM", "DCIM/GL010001.LRV", "DCIM/DJI_0001.lrf", "deep/er/@EADIR/x.jpg",
    ]  # fmt: skip
    for path in leftovers:
        make_image(library / "x.jpg", color="blue").rename(_made(library / path))
    copy(clip, library / "PRIVATE" / "M4ROOT" / "CLIP" / "C0001.MP4")
    copy(clip, library / "SUB" / "my own submarine.mp4", different=True)

    report = import_directory(library)

    assert names() == {"good.jpg", "PRIVATE/M4ROOT/CLIP/C0001.MP4", "SUB/my own submarine.mp4"}
    assert report.left_out == len(leftovers)
    assert "15 left out" in report.summary()


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_the_list_of_leftovers_is_a_setting(library: Path, settings: Settings) -> None:
    for path in ("@eaDir/a.jpg", "Trash/b.jpg", "draft-1.jpg", "c.jpg"):
        make_image(_made(library / path), color="red" if path == "c.jpg" else "blue")

    settings.IMPORT_SKIP = ["+trash", "+draft-*", "-@eadir"]

    assert import_directory(library).left_out == 2
    assert names() == {"@eaDir/a.jpg", "c.jpg"}


@pytest.mark.parametrize(
    ("setting", "held", "free"),
    [
        ([], "@eaDir", "Trash"),
        (["Trash"], "Trash", "@eaDir"),
        (["+Trash", "-@EADIR"], "trash", "@eaDir"),
        (["-lost+found"], "#recycle", "lost+found"),
    ],
)
def test_a_setting_adds_takes_or_replaces(setting: list[str], held: str, free: str) -> None:
    leftovers = Leftovers.of(names_of(setting))

    assert leftovers.holds(held, "/mnt/videos")
    assert not leftovers.holds(free, "/mnt/videos")


def test_what_is_in_the_library_already_stays_though_it_is_left_out_now(library: Path, settings: Settings) -> None:
    make_image(_made(library / "@eaDir" / "a.jpg"))
    settings.IMPORT_SKIP = ["nothing"]
    import_directory(library)
    settings.IMPORT_SKIP = []

    report = import_directory(library)

    assert (report.missing, report.left_out) == (0, 1)
    assert File.objects.get().state == "available"


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_names_are_found_however_they_are_composed(
    library: Path, clip: Path, on_disk: Literal["NFC", "NFD"], asked: Literal["NFC", "NFD"]
) -> None:
    folder = library / unicodedata.normalize(on_disk, "Übung")
    copy(clip, folder / unicodedata.normalize(on_disk, "Café.mp4"))
    import_directory(library)

    folders = [{"directory": "Übung"}, {"directory": f"{library}/Übung"}]
    for filter_ in ({"q": "Café"}, {"q": "CAFÉ"}, {"q": "übung"}, *folders):
        typed = {name: unicodedata.normalize(asked, text) for name, text in filter_.items()}
        assert resolve(filter=typed).count() == 1, typed
    assert resolve(filter={"q": "Cafe"}).count() == (1 if on_disk == "NFD" else 0)
    assert import_directory(unicodedata.normalize(asked, str(folder))).unchanged == 1


def test_a_folder_that_became_a_link_before_its_import_begins_is_refused(
    tmp_path: Path, library: Path, clip: Path, settings: Settings
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    copy(clip, secret / "private.mp4")
    inbox = library / "inbox"
    inbox.mkdir()
    settings.IMPORT_ROOTS = [library]
    job = request_import(str(inbox))
    inbox.rmdir()
    inbox.symlink_to(secret)

    job = run_now(job)

    assert job.state == "failed"
    assert "leads to another place" in job.error
    assert not File.everything.exists()
