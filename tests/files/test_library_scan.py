"""Scanning roots again: what changed, moved, went and came back; drives that come and go."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from files import import_tasks
from files.errors import FolderNotFoundError, PathRefusedError, RootAbsentError, RootDiffersError
from files.importing import roots
from files.importing.arrivals import Arrivals
from files.importing.directories import import_directory
from files.importing.scanning import scan_root
from files.importing.uploading import store_upload
from files.models import File, Problem, Root
from files.upkeep.removing import remove_file, restore_file, trash
from jobs import queue
from jobs.models import Job, Notice
from tests.files.factories import make_root
from tests.files.library import copy, names
from tests.media import make_image

pytestmark = pytest.mark.django_db


def imported(library: Path) -> Root:
    import_directory(library)
    return Root.objects.get(path=str(library))


def test_an_unchanged_tree_is_only_listed(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        copy(clip, library / f"{number}.mp4", different=True)
    root = imported(library)
    monkeypatch.setattr("files.media.decoding.media_info", lambda path: pytest.fail("looked into an unchanged file"))

    report = scan_root(root)

    assert (report.unchanged, report.imported, report.moved, report.missing) == (5, 0, 0, 0)


def test_a_renamed_file_keeps_its_id(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "other.mp4", different=True)
    root = imported(library)
    file = File.objects.get(path="a.mp4")
    (library / "deep").mkdir()
    (library / "a.mp4").rename(library / "deep" / "b.mp4")

    report = scan_root(root)

    file.refresh_from_db()
    assert (file.path, file.name, file.state, file.missing_since) == ("deep/b.mp4", "b.mp4", "available", None)
    assert (report.moved, report.imported, report.missing) == (1, 0, 0)
    assert File.everything.count() == 2


def test_a_case_only_rename_makes_no_twins(library: Path, clip: Path) -> None:
    copy(clip, library / "Holiday.MP4")
    root = imported(library)
    file = File.objects.get()
    (library / "Holiday.MP4").rename(library / "holiday.mp4")

    scan_root(root)

    file.refresh_from_db()
    assert File.everything.count() == 1
    assert file.path == "holiday.mp4"


def test_a_file_copied_elsewhere_and_deleted_here_is_the_same_file(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    file = File.objects.get()
    shutil.copyfile(library / "a.mp4", library / "b.mp4")
    (library / "a.mp4").unlink()

    assert scan_root(root).moved == 1
    file.refresh_from_db()
    assert file.path == "b.mp4"


def test_a_copy_beside_the_original_is_a_file_of_its_own(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    copy(clip, library / "b.mp4")

    report = scan_root(root)

    assert (report.imported, report.moved, report.duplicates) == (1, 0, 2)
    assert names() == {"a.mp4", "b.mp4"}


def test_a_file_moves_from_one_root_to_another_with_its_id(folders: Path, library: Path, clip: Path) -> None:
    first, second = library / "first", library / "second"
    copy(clip, first / "a.mp4")
    copy(clip, first / "stays.mp4", different=True)
    copy(clip, second / "own.mp4", different=True)
    one, two = imported(first), imported(second)
    file = File.objects.get(path="a.mp4")
    (first / "a.mp4").rename(second / "a.mp4")

    scan_root(one)
    report = scan_root(two)

    file.refresh_from_db()
    assert file.root == two
    assert report.moved == 1
    assert File.everything.count() == 3


def test_equal_samples_are_told_apart_by_the_full_hash(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "stays.mp4", different=True)
    root = imported(library)
    File.objects.filter(path="a.mp4").update(full_hash="0" * 64)
    (library / "a.mp4").unlink()
    copy(clip, library / "b.mp4")

    report = scan_root(root)

    assert (report.imported, report.moved, report.missing) == (1, 0, 1)


def test_renamed_and_replaced_the_old_content_keeps_the_row(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    file = File.objects.get()
    (library / "a.mp4").rename(library / "z.mp4")
    copy(clip, library / "a.mp4", different=True)

    report = scan_root(root)

    file.refresh_from_db()
    assert file.path == "z.mp4"
    assert (report.moved, report.imported, report.changed) == (1, 1, 0)
    assert names() == {"a.mp4", "z.mp4"}


def swap(one: Path, other: Path, *, by_copying: bool = False) -> None:
    """Exchange two files: by their names, or by their bytes, as file systems without lasting inodes have it."""
    spare = one.parent.parent / "spare"
    move = shutil.copy2 if by_copying else shutil.move
    for source, target in ((one, spare), (other, one), (spare, other)):
        move(source, target)
    spare.unlink(missing_ok=True)


def contents() -> dict[str, str]:
    return dict(File.objects.values_list("path", "sampled_hash"))


@pytest.mark.parametrize("by_copying", [False, True])
@pytest.mark.parametrize("same_times", [False, True])
def test_files_that_swap_names_keep_their_ids(library: Path, clip: Path, *, by_copying: bool, same_times: bool) -> None:
    for number, name in enumerate(("a.mp4", "b.mp4")):
        copy(clip, library / name, different=True)
        moment = 1_600_000_000 + (0 if same_times else number)
        os.utime(library / name, (moment, moment))
    root = imported(library)
    before = {file.path: file for file in File.objects.all()}
    told: list[Arrivals] = []
    swap(library / "a.mp4", library / "b.mp4", by_copying=by_copying)
    if by_copying and same_times:  # nothing but their bytes tells of it
        os.utime(library / "a.mp4")
        os.utime(library / "b.mp4")

    report = scan_root(root, arrived=told.append)

    assert (report.moved, report.changed, report.imported, report.missing) == (2, 0, 0, 0)
    assert [file for arrivals in told for file in arrivals.files] == []
    for old, new in (("a.mp4", "b.mp4"), ("b.mp4", "a.mp4")):
        file = File.objects.get(path=new)
        assert (file.pk, file.name, file.sampled_hash) == (before[old].pk, new, before[old].sampled_hash)
    assert scan_root(root).unchanged == 2


def test_names_that_go_round_among_many_keep_their_ids(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.importing.scanning.CHUNK", 2)
    for number in range(5):
        copy(clip, library / f"{number}.mp4", different=True)
    root = imported(library)
    ids = dict(File.objects.values_list("sampled_hash", "pk"))
    for number in reversed(range(5)):
        (library / f"{number}.mp4").rename(library / f"{number + 1}.mp4")
    (library / "5.mp4").rename(library / "0.mp4")

    report = scan_root(root)

    assert (report.moved, report.changed, report.imported, report.missing) == (5, 0, 0, 0)
    assert dict(File.objects.values_list("sampled_hash", "pk")) == ids


def test_names_that_all_move_on_by_one_keep_their_ids(library: Path, clip: Path) -> None:
    for number in range(4):
        copy(clip, library / f"{number}.mp4", different=True)
    root = imported(library)
    ids = dict(File.objects.values_list("sampled_hash", "pk"))
    for number in reversed(range(4)):
        shutil.copyfile(library / f"{number}.mp4", library / f"{number + 1}.mp4")
    (library / "0.mp4").unlink()

    report = scan_root(root)

    assert (report.moved, report.imported, report.missing) == (4, 0, 0)
    assert dict(File.objects.values_list("sampled_hash", "pk")) == ids


def test_a_file_that_takes_the_place_of_another_is_new_content_there(library: Path, clip: Path) -> None:
    """The overwritten content is nowhere: its row stays at its path, and the other's is missing."""
    copy(clip, library / "a.mp4", different=True)
    copy(clip, library / "b.mp4", different=True)
    root = imported(library)
    a, b = File.objects.get(path="a.mp4"), File.objects.get(path="b.mp4")
    (library / "a.mp4").rename(library / "b.mp4")

    report = scan_root(root)

    assert (report.moved, report.changed, report.missing) == (0, 1, 1)
    assert contents() == {"a.mp4": a.sampled_hash, "b.mp4": a.sampled_hash}
    assert File.objects.get(path="b.mp4").pk == b.pk


def test_a_missing_file_has_its_moment_and_comes_back(library: Path, clip: Path) -> None:
    copy(clip, library / "stays.mp4")
    target = copy(clip, library / "a.mp4", different=True)
    root = imported(library)
    target.rename(library.parent / "away.mp4")

    report = scan_root(root)
    file = File.objects.get(path="a.mp4")
    assert (report.missing, file.state) == (1, "missing")
    assert file.missing_since

    (library.parent / "away.mp4").rename(target)
    report = scan_root(root)
    file.refresh_from_db()
    assert (report.back, file.state) == (1, "available")


def test_new_content_at_the_same_path_is_told(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    file = File.objects.get()
    before = file.sampled_hash
    copy(clip, library / "a.mp4", different=True)
    told: list[Arrivals] = []

    report = scan_root(root, arrived=told.append)

    file.refresh_from_db()
    assert (report.changed, report.imported) == (1, 0)
    assert file.sampled_hash != before
    assert [list(arrivals.changed) for arrivals in told] == [[file]]


def test_a_touched_file_is_not_changed(library: Path, clip: Path) -> None:
    target = copy(clip, library / "a.mp4")
    root = imported(library)
    os.utime(target, (1_600_000_000, 1_600_000_000))

    report = scan_root(root)

    assert (report.changed, report.unchanged) == (0, 1)
    assert scan_root(root).unchanged == 1


def test_what_a_person_removed_stays_removed(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    File.objects.get().mark_removed()

    report = scan_root(root)

    assert (report.removed, report.imported) == (1, 0)
    assert not File.objects.exists()


def test_known_problems_are_not_tried_again_unless_asked(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(clip, library / "a.mp4")
    (library / "bad.mp4").write_text("no video")
    root = imported(library)

    report = scan_root(root)
    assert len(report.problems) == 1
    assert Problem.objects.get().times == 1

    scan_root(root, retry_problems=True)
    assert Problem.objects.get().times == 2


# --- drives ---


def test_an_absent_drive_makes_files_offline_not_missing(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    library.rename(library.parent / "unplugged")

    with pytest.raises(RootAbsentError, match="is away"):
        scan_root(root)

    root.refresh_from_db()
    assert not root.is_present
    assert root.missing_since
    assert File.objects.get().state == "offline"
    assert root.name in Notice.objects.get().text

    (library.parent / "unplugged").rename(library)
    scan_root(root)
    assert Root.objects.filter(is_present=True, missing_since=None).exists()
    assert File.objects.get().state == "available"
    assert not Notice.objects.exists()


def test_an_empty_mount_point_is_an_absent_drive(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    library.rename(library.parent / "unplugged")
    library.mkdir()

    with pytest.raises(RootAbsentError):
        scan_root(root)
    assert File.objects.get().state == "offline"


def test_another_drive_in_its_place_is_not_taken_for_it(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    library.rename(library.parent / "unplugged")
    copy(clip, library / "quite another.mp4", different=True)

    with pytest.raises(RootAbsentError):
        scan_root(root)
    assert names() == {"a.mp4"}


def test_the_same_content_on_a_new_file_system_is_the_same_root(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    Root.objects.update(fs_id="of another mount", inode=7)
    root.refresh_from_db()

    assert scan_root(root).unchanged == 1
    root.refresh_from_db()
    assert root.inode != 7


def test_an_empty_folder_that_never_held_anything_is_there(library: Path) -> None:
    assert scan_root(imported(library)).found == 0


def test_a_drive_pulled_while_it_is_listed_loses_nothing(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    listed = roots.own_folders

    def pulled() -> list[Path]:
        shutil.rmtree(library)
        library.mkdir()
        return listed()

    monkeypatch.setattr("files.importing.scanning.roots.own_folders", pulled)
    with pytest.raises(RootAbsentError):
        scan_root(root)
    assert File.objects.get().state == "offline"


def test_files_in_a_folder_that_cannot_be_read_are_not_missing(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "locked" / "b.mp4", different=True)
    root = imported(library)
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("/locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("files.importing.listing.os.scandir", refuse)
    report = scan_root(root)

    assert report.missing == 0
    assert File.objects.get(path="locked/b.mp4").state == "available"
    assert [problem.path for problem in report.problems] == ["locked"]


def test_the_tick_notices_a_drive_that_went_and_one_that_returned(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    Job.objects.all().delete()
    away = library.parent / "unplugged"

    library.rename(away)
    import_tasks.look_for_drives()
    assert File.objects.get().state == "offline"
    assert not Job.objects.exists()

    away.rename(library)
    import_tasks.look_for_drives()
    assert File.objects.get().state == "available"
    assert list(Job.objects.values_list("kind", "subject_id")) == [("scan_root", root.pk)]


def test_proxies_that_failed_while_a_drive_was_away_are_tried_again_when_it_is_back(library: Path, clip: Path) -> None:
    for name in ("before.mp4", "meanwhile.mp4"):
        copy(clip, library / name, different=name == "before.mp4")
    root = imported(library)
    Job.objects.all().delete()
    now = timezone.now()
    for name, at in (("before.mp4", now - timedelta(hours=1)), ("meanwhile.mp4", now)):
        job = queue.enqueue("make_proxy", File.objects.get(name=name).pk)
        Job.objects.filter(pk=job.pk).update(state="failed", finished_at=at, error="The drive is away.")
    away = library.rename(library.parent / "unplugged")
    import_tasks.look_for_drives()
    assert Job.objects.failed().count() == 2

    away.rename(library)
    import_tasks.look_for_drives()

    jobs = {(job.kind, job.subject_id): job.state for job in Job.objects.all()}
    files = {file.name: file.pk for file in File.objects.all()}
    assert jobs == {
        ("make_proxy", files["before.mp4"]): "failed",
        ("make_proxy", files["meanwhile.mp4"]): "queued",
        ("scan_root", root.pk): "queued",
    }


# --- moving a root ---


def test_relocating_checks_a_sample_by_content(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "b.mp4", different=True)
    root = imported(library)
    moved = library.rename(library.parent / "moved")

    trial = roots.relocate_root(root, moved, dry_run=True)
    root.refresh_from_db()
    assert (trial.checked, trial.same, root.path) == (2, 2, str(library))

    roots.relocate_root(root, moved)
    root.refresh_from_db()
    assert root.path == str(moved)
    assert scan_root(root).unchanged == 2


def test_relocating_to_other_content_is_refused(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    other = library.parent / "other"
    copy(clip, other / "a.mp4", different=True)

    assert not roots.relocate_root(root, other, dry_run=True).is_same
    with pytest.raises(RootDiffersError, match=r"0 of 1.*a\.mp4"):
        roots.relocate_root(root, other)
    root.refresh_from_db()
    assert root.path == str(library)


def test_relocating_into_another_root_is_refused(library: Path, clip: Path) -> None:
    copy(clip, library / "one" / "a.mp4")
    copy(clip, library / "two" / "a.mp4")
    one, _ = imported(library / "one"), imported(library / "two")

    with pytest.raises(PathRefusedError, match="overlaps"):
        roots.relocate_root(one, library / "two")


def test_importing_a_known_root_at_its_new_place_says_to_relocate(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    moved = library.rename(library.parent / "moved")

    with pytest.raises(RootDiffersError) as caught:
        import_directory(moved)

    assert f"relocate_root {root.pk}" in caught.value.remedy
    assert Root.objects.count() == 1


def test_roots_are_chosen_by_id_or_path() -> None:
    one, two = make_root("/drive/one"), make_root("/drive/two")

    assert roots.choose_roots([]) == [one, two]
    assert roots.choose_roots([str(two.pk), "/drive/one/"]) == [two, one]
    with pytest.raises(FolderNotFoundError, match="not a library root"):
        roots.choose_roots(["/drive"])


def test_a_hundred_thousand_rows_do_not_break_a_scan_of_few(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    root = imported(library)
    File.objects.bulk_create(
        File(root=root, path=f"gone/{n}.mp4", name=f"{n}.mp4", media_type="video", size_bytes=1) for n in range(12_000)
    )

    report = scan_root(root)

    assert (report.unchanged, report.missing) == (1, 12_000)
    assert File.objects.missing().count() == 12_000


def test_an_upload_that_comes_back_in_a_folder_leaves_its_bytes_in_the_trash_where_they_are_seen(
    folders: Path, library: Path
) -> None:
    picture = make_image(library / "holiday.jpg")
    upload = store_upload(SimpleUploadedFile("holiday.jpg", picture.read_bytes()))
    remove_file(upload)
    kept = folders / "data" / "trash" / File.everything.get().trash_name
    assert kept.is_file()

    import_directory(library)

    file = File.objects.get()
    assert (file.pk, file.root.path, file.trash_name) == (upload.pk, str(library), "")
    in_trash = trash().get()
    assert (in_trash.root.is_uploads, in_trash.name, in_trash.trash_name) == (True, "holiday.jpg", kept.name)
    restore_file(in_trash)
    assert in_trash.local_path.read_bytes() == picture.read_bytes()
    assert File.objects.count() == 2


@pytest.mark.parametrize(("same", "of", "is_same"), [(4, 8, True), (3, 8, False), (1, 2, True), (0, 2, False)])
def test_a_root_is_the_same_if_half_of_its_sample_is_there(
    library: Path, clip: Path, same: int, of: int, is_same: bool
) -> None:
    for number in range(of):
        copy(clip, library / f"{number}.mp4", different=True)
    root = imported(library)
    elsewhere = library.parent / "elsewhere"
    shutil.copytree(library, elsewhere)
    for number in range(same, of):
        (elsewhere / f"{number}.mp4").write_bytes(b"other")

    assert roots.matches_sample(root, elsewhere) is is_same
    assert roots.relocate_root(root, elsewhere, dry_run=True).is_same is is_same
