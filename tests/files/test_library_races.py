"""Two at once, a kill between two lines, and slow disks: nothing is lost, and nobody waits."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from files import conf
from files.errors import OriginalUnavailableError, UnreadableError
from files.importing.arrivals import Arrivals
from files.importing.directories import import_directory
from files.importing.scanning import scan_root
from files.importing.uploading import store_upload
from files.media import derived, proxying
from files.media.proxying import make_proxy
from files.models import File, Proxy
from files.storage import disk, hashing
from files.storage.hashing import ensure_full_hash
from files.storage.originals import as_local_path
from files.upkeep.reconciling import forget_left_uploads, reconcile
from files.upkeep.removing import remove_file, restore_file
from tests.files.library import copy
from tests.media import make_image

pytestmark = pytest.mark.django_db


def uploaded(folders: Path, arrived: Callable[[Arrivals], None] = lambda arrivals: None) -> File:
    content = make_image(folders / "source.png").read_bytes()
    return store_upload(SimpleUploadedFile("a.png", content), arrived=arrived)


def again(file: File) -> File:
    """The row as another process has it."""
    return File.everything.select_related("root").get(pk=file.pk)


def only_file(library: Path, clip: Path) -> File:
    copy(clip, library / "a.mp4")
    import_directory(library)
    return File.objects.select_related("root").get()


def test_an_upload_that_two_remove_at_once_can_be_restored(folders: Path) -> None:
    file = uploaded(folders)
    content = file.local_path.read_bytes()
    other = again(file)

    remove_file(file)
    remove_file(other)

    restore_file(again(file))
    assert file.local_path.read_bytes() == content


@pytest.mark.parametrize("killed_at", ["mark_removed", "mark_back"])
def test_a_kill_between_bytes_and_row_loses_no_upload(
    folders: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    file = uploaded(folders)
    content = file.local_path.read_bytes()

    def kill(self: File, state: str = "", trash_name: str = "") -> None:
        if state or trash_name:  # the bytes have moved
            raise SystemExit

    with monkeypatch.context() as killing:
        killing.setattr(File, killed_at, kill)
        with pytest.raises(SystemExit):  # noqa: PT012  (whichever of the two is killed)
            remove_file(again(file))
            restore_file(again(file))
    if again(file).removed_at is None:
        remove_file(again(file))
    restore_file(again(file))

    assert again(file).state == "available"
    assert file.local_path.read_bytes() == content
    assert disk.in_trash() == []


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_gigabytes_are_written(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are on the disk, and copied to another one, before the transaction that names them."""
    first: dict[int, bool] = {}
    fsync, replace, copyfileobj = os.fsync, os.replace, shutil.copyfileobj

    def seen_fsync(handle: int) -> None:
        first.setdefault(os.fstat(handle).st_ino, connection.in_atomic_block)
        fsync(handle)

    def to_another_disk(source: Path, target: Path) -> None:
        if {source.parent.name, target.parent.name} == {"uploads", "trash"}:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    def seen_copy(*args: Any) -> None:
        copies.append(connection.in_atomic_block)
        copyfileobj(*args)

    copies: list[bool] = []
    monkeypatch.setattr(os, "fsync", seen_fsync)
    file = uploaded(folders)
    assert first[file.local_path.stat().st_ino] is False

    monkeypatch.setattr(os, "replace", to_another_disk)
    monkeypatch.setattr(shutil, "copyfileobj", seen_copy)
    remove_file(again(file))
    restore_file(again(file))
    assert copies == [False, False]


@pytest.mark.django_db(transaction=True)
def test_an_upload_is_kept_when_what_follows_it_fails(folders: Path) -> None:
    def fail() -> None:
        raise RuntimeError("after the commit")

    with pytest.raises(RuntimeError):
        uploaded(folders, lambda arrivals: transaction.on_commit(fail))

    assert File.objects.get().local_path.is_file()


def test_an_upload_takes_no_place_of_bytes_that_no_row_knows(folders: Path) -> None:
    number = uploaded(folders).pk
    stranger = folders / "uploads" / f"a_{number + 1}.png"
    stranger.write_bytes(b"the only copy")

    file = uploaded(folders)

    assert file.local_path == stranger
    assert [path.read_bytes() for path in disk.in_trash()] == [b"the only copy"]


def test_what_killed_attempts_left_is_found(folders: Path) -> None:
    old = [folders / "uploads" / ".incoming" / "tmp1.upload.mp4", derived.folder(7) / "pieces-3-1" / "000.mp4"]
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1234")
    day_before = folders.stat().st_mtime - 2 * 24 * 3600
    for path in (old[0], old[1].parent):
        os.utime(path, (day_before, day_before))
    young = folders / "uploads" / ".incoming" / "tmp2.upload.mp4"
    young.write_bytes(b"still coming")

    found = reconcile(apply=True)

    assert found.residue == [".incoming/tmp1.upload.mp4", "7/pieces-3-1"]
    assert not any(path.exists() for path in old)
    assert young.exists()


def test_what_a_killed_upload_left_goes_by_itself(folders: Path) -> None:
    left = folders / "uploads" / ".incoming" / "tmp1.upload.mp4"
    left.write_bytes(b"half")
    written_s = left.stat().st_mtime

    assert forget_left_uploads(written_s + 3599) == 0
    assert forget_left_uploads(written_s + 3601) == 1

    assert not left.exists()


def test_a_scan_that_finds_new_content_wins_over_a_hash_of_the_old(library: Path, clip: Path) -> None:
    file = only_file(library, clip)

    class Meanwhile:
        def update(self, fraction: float, message: str = "") -> None:
            (library / "a.mp4").unlink()
            copy(clip, library / "a.mp4", different=True)
            scan_root(file.root)

        def check(self) -> None:
            return None

    ensure_full_hash(file, progress=Meanwhile())

    assert again(file).sampled_hash == hashing.sampled_hash(library / "a.mp4")
    assert again(file).full_hash in ("", hashing.full_hash(library / "a.mp4"))


@pytest.mark.parametrize("said", [OSError(errno.EIO, "Input/output error"), UnreadableError("It is damaged.")])
def test_a_drive_pulled_while_a_file_is_read_is_no_damage(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, said: Exception
) -> None:
    file = only_file(library, clip)

    def pulled(path: Path) -> str:
        shutil.rmtree(library)
        raise said

    monkeypatch.setattr(proxying, "sampled_hash", pulled)
    with pytest.raises(OriginalUnavailableError, match="is not there") as caught:
        make_proxy(file)
    assert caught.value.retryable


def test_damage_and_our_own_disk_are_told_as_they_are(library: Path, clip: Path) -> None:
    file = only_file(library, clip)

    for error in (UnreadableError("It is damaged."), OSError(errno.EIO, "Input/output error", "/proxies")):
        with pytest.raises(type(error)) as caught, as_local_path(file):
            raise error
        assert caught.value is error
    with pytest.raises(OriginalUnavailableError, match="may not be read"), as_local_path(file) as path:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))


@pytest.mark.django_db(transaction=True)
def test_a_proxy_made_anew_under_another_name_replaces_the_old_one(library: Path, clip: Path) -> None:
    file = only_file(library, clip)
    make_proxy(file)
    (library / "a.mp4").unlink()
    copy(clip, library / "b.mp4", different=True)
    File.objects.update(path="b.mp4", name="b.mp4", sampled_hash="")

    proxy = make_proxy(again(file))

    assert proxy == Proxy.objects.get()
    assert [path.name for path in Path(conf.folders().proxies).glob("*.mp4")] == [proxy.path]


def test_nothing_stays_of_a_file_that_is_removed_while_its_proxy_is_made(
    library: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = only_file(library, clip)
    write_made = derived.write_made

    def removed(*args: Any, **more: Any) -> None:
        write_made(*args, **more)
        again(file).mark_removed()

    monkeypatch.setattr(derived, "write_made", removed)
    with pytest.raises(Exception, match="left the library"):
        make_proxy(file)

    assert not derived.folder(file.pk).exists()
    assert not list(conf.folders().proxies.glob("*.mp4"))
