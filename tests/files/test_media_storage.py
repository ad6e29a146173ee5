"""Names, hashes, and the one module that writes."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files import conf
from files.errors import NoSpaceError, OutsideOurFoldersError
from files.storage import disk, naming
from files.storage.hashing import SAMPLE_BYTES, ensure_full_hash, full_hash, sampled_hash
from jobs.errors import Cancelled
from tests.files.factories import make_file, make_root

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Clip.mp4", "Clip_7.mp4"),
        ("../../etc/passwd", "passwd_7"),
        ("C:\\Users\\me\\film.MOV", "film_7.MOV"),
        ("-rf.mp4", "rf_7.mp4"),
        ("...hidden.mkv", "hidden_7.mkv"),
        (".mp4", "mp4_7"),
        ("", "file_7"),
        ("a\nb\x00c.mp4", "abc_7.mp4"),
        ('say "hi": <now>?.webm', "say _hi__ _now___7.webm"),
        ("cafe\u0301.mp4", "caf\u00e9_7.mp4"),
        ("\udcff\udcfe.avi", "___7.avi"),
        ("archive.tar.gz", "archive.tar_7.gz"),
        ("version 1.2 final", "version 1.2 final_7"),
        ("evil\u202egpj.mp4", "evilgpj_7.mp4"),
    ],
)
def test_upload_name_is_safe_and_known_again(name: str, expected: str) -> None:
    assert naming.upload_name(name, 7) == expected


def test_proxy_name_says_source_and_spec() -> None:
    assert naming.proxy_name("Harbour tour.MKV", 12, "720p15") == "Harbour tour_12_720p15.mp4"


@given(st.text(max_size=400))
def test_any_name_fits_every_file_system(name: str) -> None:
    for made in (
        naming.upload_name(name, 123456),
        naming.proxy_name(name, 9, "720p15"),
        naming.temporary_name(name, "t"),
    ):
        assert 0 < len(os.fsencode(made)) <= naming.MAX_NAME_BYTES
        assert not set(made) & set('/\\\0\n\r:*?"<>|')
        assert made.encode().decode() == made
    assert naming.is_temporary(naming.temporary_name(name, "t"))
    assert not naming.upload_name(name, 1).startswith((".", "-"))


def test_cut_never_splits_a_character() -> None:
    assert naming.cut_to_bytes("aäö", 2) == "a"
    assert naming.proxy_name("ä" * 200, 1, "720p15").endswith("ä_1_720p15.mp4")


def test_names_that_are_no_text_can_be_shown() -> None:
    assert naming.shown("a\udcffb") == "a\ufffdb"


def test_write_is_whole_or_not_at_all(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = disk.write(folders / "data" / "deep" / "facts.json", b"old")

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoSpaceError, match="is full"):
        disk.write(target, b"new")

    assert target.read_bytes() == b"old"
    assert [path.name for path in target.parent.iterdir()] == ["facts.json"]


def test_other_errors_of_the_disk_stay_what_they_are(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        disk.write(folders / "data" / "x", b"")


@pytest.mark.parametrize("path", ["data/../originals/x", "originals/x", "data/link/x", "elsewhere"])
def test_places_that_are_not_ours_are_refused(folders: Path, path: str) -> None:
    (folders / "originals").mkdir()
    (folders / "data" / "link").symlink_to(folders / "originals")

    with pytest.raises(OutsideOurFoldersError):
        disk.writable(folders / path)


@pytest.mark.parametrize("name", ["data", "uploads", "proxy_video"])
def test_our_folders_themselves_are_not_deleted(folders: Path, name: str) -> None:
    disk.write(folders / name / "x", b"x")

    for delete in (disk.remove, disk.remove_tree, disk.move_to_trash):
        with pytest.raises(OutsideOurFoldersError):
            delete(folders / name)

    assert (folders / name / "x").exists()


def test_folder_of_ours_inside_another_is_not_deleted_either(folders: Path, settings: Any) -> None:
    settings.UPLOAD_DIR = folders / "data" / "media" / "uploads"
    upload = disk.write(settings.UPLOAD_DIR / "a_1.mp4", b"x")

    for path in (settings.UPLOAD_DIR, settings.UPLOAD_DIR.parent):
        with pytest.raises(OutsideOurFoldersError):
            disk.remove_tree(path)

    assert upload.exists()


def test_links_are_deleted_and_not_followed(folders: Path) -> None:
    precious = folders / "originals" / "a.mp4"
    precious.parent.mkdir()
    precious.write_bytes(b"x")
    tree = disk.make_dir(folders / "data" / "derived" / "1")
    (tree / "to-file").symlink_to(precious)
    (tree / "to-folder").symlink_to(precious.parent)

    assert disk.remove(tree / "to-file")
    assert disk.remove_tree(tree)

    assert precious.exists()
    assert not disk.remove(tree / "to-file")
    assert not disk.remove_tree(tree)


def test_new_file_must_be_new(folders: Path) -> None:
    path = disk.write(folders / "uploads" / "a", b"x")

    with pytest.raises(FileExistsError):
        disk.open_new(path)


def test_two_attempts_never_share_a_temporary_name(folders: Path) -> None:
    target = folders / "proxy_video" / "clip_1_720p15.mp4"

    names = {disk.temporary(target, token).name for token in ("5-1", "5-2", "", "")}

    assert len(names) == 4
    assert all(naming.is_temporary(name) for name in names)


def test_trash_keeps_restores_and_tells(folders: Path) -> None:
    first = disk.write(folders / "uploads" / "a_1.mp4", b"first")
    second = disk.write(folders / "uploads" / "b_2.mp4", b"second")

    kept, later = disk.move_to_trash(first), disk.move_to_trash(second)
    os.utime(kept, (1, 1))

    assert disk.in_trash() == [later, kept]
    assert not first.exists()
    assert disk.restore(kept, first).read_bytes() == b"first"
    disk.write(second, b"another upload of that name")
    with pytest.raises(FileExistsError):
        disk.restore(later, second)
    assert later.exists()


def test_trash_on_another_disk_is_copied_then_deleted(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = disk.write(folders / "uploads" / "a_1.mp4", b"content")
    rename, calls = os.replace, []

    def across(old: Path, new: Path) -> None:
        calls.append(old)
        if len(calls) == 1:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new)

    monkeypatch.setattr(os, "replace", across)

    kept = disk.move_to_trash(source)

    assert kept.read_bytes() == b"content"
    assert not source.exists()
    assert list(conf.folders().trash.iterdir()) == [kept]


def test_empty_trash_is_empty(folders: Path) -> None:
    assert disk.in_trash() == []


def test_room_is_asked_of_the_disk_that_will_hold_it(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk.free_bytes(folders / "data" / "not" / "yet") == pytest.approx(shutil.disk_usage(folders).free, rel=0.2)

    disk.require_space(folders, 1)
    with pytest.raises(NoSpaceError, match="MB free"):
        disk.require_space(folders, 10**18)


@pytest.mark.parametrize("size", [0, 10, SAMPLE_BYTES, 3 * SAMPLE_BYTES, 3 * SAMPLE_BYTES + 1, 10 * SAMPLE_BYTES])
def test_equal_content_has_equal_hashes(tmp_path: Path, size: int) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    content = os.urandom(size)
    one.write_bytes(content)
    two.write_bytes(content)

    assert sampled_hash(one) == sampled_hash(two)
    assert full_hash(one) == full_hash(two)


@pytest.mark.parametrize("at", [0, 5 * SAMPLE_BYTES, 10 * SAMPLE_BYTES - 1])
def test_sample_sees_both_ends_and_the_middle(tmp_path: Path, at: int) -> None:
    path = tmp_path / "clip"
    content = bytearray(10 * SAMPLE_BYTES)
    path.write_bytes(content)
    before = sampled_hash(path)
    content[at] = 1
    path.write_bytes(content)

    assert sampled_hash(path) != before


def test_only_the_full_hash_sees_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    content = bytearray(10 * SAMPLE_BYTES)
    path.write_bytes(content)
    before = sampled_hash(path), full_hash(path)
    content[2 * SAMPLE_BYTES] = 1
    path.write_bytes(content)

    assert sampled_hash(path) == before[0]
    assert full_hash(path) != before[1]


def test_hashing_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"x" * 20 * MIB)

    class Stop:
        def update(self, fraction: float, message: str = "") -> None:
            raise Cancelled

        def check(self) -> None:
            return None

    with pytest.raises(Cancelled):
        full_hash(path, progress=Stop())


@pytest.mark.django_db
def test_full_hash_is_kept_until_the_file_changes(folders: Path) -> None:
    path = folders / "clip.mp4"
    path.write_bytes(b"one")
    file = make_file(make_root(folders), "clip.mp4", size_bytes=3, mtime_ns=path.stat().st_mtime_ns)

    first = ensure_full_hash(file)
    file.full_hash = "remembered"
    again = ensure_full_hash(file)
    path.write_bytes(b"three")
    changed = ensure_full_hash(file)

    assert first == full_hash(path.with_name("clip.mp4")) or first != changed
    assert again == "remembered"
    assert changed == full_hash(path)
    file.refresh_from_db()
    assert file.full_hash == changed


def test_second_name_is_a_copy_where_links_cannot_be(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = disk.write(folders / "data" / "a", b"content")

    def refuse(*_args: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    copy = disk.share(source, folders / "data" / "b")

    assert copy.read_bytes() == b"content"
    assert not copy.samefile(source)
    assert sorted(path.name for path in copy.parent.iterdir()) == ["a", "b"]


def test_link_that_fails_otherwise_is_an_error(folders: Path) -> None:
    with pytest.raises(FileNotFoundError):
        disk.share(folders / "data" / "none", folders / "data" / "b")
