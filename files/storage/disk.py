"""The one module that writes, renames and deletes. It refuses every place that is not ours."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from files import conf
from files.errors import NoSpaceError, OutsideOurFoldersError
from files.storage import naming

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
#: Another disk, a file system without links, too many of them.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK)
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def writable(path: Path) -> Path:
    """`path` with the links in its folder resolved, if it lies in a folder of ours (`conf.Folders`); else raises."""
    resolved = path.parent.resolve() / path.name
    is_inside = any(place in resolved.parents for place in _places())
    holds_a_folder = any(place.is_relative_to(resolved) for place in _places())  # the folder itself, or one around it
    if path.name in ("", ".", "..") or not is_inside or holds_a_folder:
        raise OutsideOurFoldersError(f"Refused to write or delete {path}: it is not in a folder of ours.")
    return resolved


def make_dir(path: Path) -> Path:
    """Make a folder of ours and the ones above it."""
    if path.resolve() not in _places():
        path = writable(path)
    with _space(path):
        path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    return path


def temporary(target: Path, token: str = "") -> Path:
    """A name beside `target` to write to first. Its folder exists afterwards; the file does not."""
    make_dir(target.parent)
    return writable(target.with_name(naming.temporary_name(target.name, token or uuid4().hex[:12])))


def open_new(path: Path) -> BinaryIO:
    """Open a file that must not exist yet, for writing."""
    path = writable(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "wb")


def open_to_append(path: Path) -> BinaryIO:
    """Open a file for going on at its end; it is made where there is none."""
    path = writable(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE), "ab")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes, waiting for it. The system gives it back when a process dies."""
    path = writable(path)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE), "r+b") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def try_lock(path: Path) -> BinaryIO | None:
    """Hold a lock between processes until what is returned is closed; None while somebody else holds it.

    The system gives it back when a process dies.
    """
    path = writable(path)
    handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE), "r+b")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def write(target: Path, content: bytes, *, token: str = "") -> Path:
    """Write a whole small file: either the old content or the new one is there, whatever happens."""
    temp = temporary(target, token)
    try:
        with _space(target), open_new(temp) as out:
            out.write(content)
        return replace(temp, target)
    finally:
        remove(temp)


def replace(temp: Path, target: Path) -> Path:
    """Make `temp` lasting, then give it the name `target`, in one step, over whatever was there."""
    temp, target = writable(temp), writable(target)
    with _space(target):
        _sync(temp)
        os.replace(temp, target)  # noqa: PTH105  (beside os.fsync)
        _sync(target.parent)
    return target


def make_lasting(path: Path) -> None:
    """Wait until the content is on the disk: seconds for gigabytes that were just written."""
    with _space(path):
        _sync(writable(path))


def share(source: Path, target: Path) -> Path:
    """Give a finished file of ours a second name; a copy where links are not possible. Neither is written in place."""
    source, temp = writable(source), temporary(target)
    try:
        try:
            temp.hardlink_to(source)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            with _space(target), source.open("rb") as old, open_new(temp) as new:
                shutil.copyfileobj(old, new, 1024 * 1024)
        return replace(temp, target)
    finally:
        remove(temp)


def remove(path: Path) -> bool:
    """Delete a file of ours for good. False if it was not there."""
    try:
        writable(path).unlink()
    except FileNotFoundError:
        return False
    return True


def remove_tree(path: Path) -> bool:
    """Delete a folder of ours with all in it; links in it are deleted, never followed. False if it was not there."""
    try:
        shutil.rmtree(writable(path))
    except FileNotFoundError:
        return False
    return True


def name_in_trash(path: Path) -> str:
    """A name for it in the trash that nothing else has."""
    return naming.cut_to_bytes(f"{uuid4().hex[:12]}_{path.name}", naming.MAX_NAME_BYTES)


def move_to_trash(path: Path, name: str = "") -> Path:
    """Move a file of ours to DATA_DIR/trash; returns where it lies now."""
    path = writable(path)
    kept = make_dir(conf.folders().trash) / (name or name_in_trash(path))
    _move(path, kept)
    os.utime(kept)  # when it was thrown away, for emptying by age
    return kept


def in_trash() -> list[Path]:
    """What lies in the trash, latest first."""
    trash = conf.folders().trash
    found = [path for path in trash.iterdir() if not naming.is_temporary(path.name)] if trash.is_dir() else []
    return sorted(found, key=lambda path: path.lstat().st_mtime, reverse=True)


def restore(kept: Path, target: Path) -> Path:
    """Move a file out of the trash, to a place where there is none."""
    kept, target = writable(kept), writable(target)
    if target.exists():
        raise FileExistsError(errno.EEXIST, "There is a file of that name already", str(target))
    make_dir(target.parent)
    _move(kept, target)
    return target


def free_bytes(path: Path) -> int:
    """Room on the disk that `path` is or would be on."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def require_space(path: Path, size_bytes: int) -> None:
    """Raise NoSpaceError where `size_bytes` more would not fit."""
    free = free_bytes(path)
    if free < size_bytes:
        raise NoSpaceError(f"{path} has {free // 10**6} MB free; {size_bytes // 10**6} MB are needed.")


def _places() -> tuple[Path, ...]:
    folders = conf.folders()
    return tuple(place.resolve() for place in (folders.uploads, folders.proxies, folders.data, folders.host))


@contextmanager
def _space(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise NoSpaceError(f"The disk of {path.parent} is full.") from error
        raise


def _move(source: Path, target: Path) -> None:
    """Rename, or copy and then delete where the two lie on different disks."""
    try:
        os.replace(source, target)  # noqa: PTH105
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temp = temporary(target)
        try:
            with _space(target), source.open("rb") as old, open_new(temp) as new:
                shutil.copyfileobj(old, new, 1024 * 1024)
            replace(temp, target)
        finally:
            remove(temp)
        remove(source)
    else:
        _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
