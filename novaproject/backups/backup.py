"""Backup and restore of what is only here: database, settings without secrets, uploads, and proxies if asked.

A backup is one tar file. Its last member is `manifest.json`; every other member is listed there with its size and its
BLAKE3 hash. The database is copied by its engine's own means, so that it is consistent while the library runs.
Originals are not in it: they are found again where they lie, and checked by their hash. With uploads come those in
the trash, with proxies the posters and sounds that were made beside them.
"""

import errno
import fcntl
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from blake3 import blake3
from django.conf import settings
from django.db import connection

from files.errors import FilesError
from files.storage import disk
from jobs import registry
from jobs.errors import WorkError
from jobs.progress import NO_PROGRESS, Progress
from novaproject.backups import postgres_dump
from novaproject.database_guard import stranger_reason

FORMAT = 1
MANIFEST = "manifest.json"
#: The database of a backup: SQLite's, or PostgreSQL's dump.
DATABASE, DUMP = "app.db", "postgres.dump"
SETTINGS = "settings.env"
#: Where a restore puts them: never in the place of the settings in use.
RESTORED_SETTINGS = "restored-settings.env"
#: A setting whose name has one of these words is a secret and stays out of a backup.
SECRET_WORDS = ("SECRET", "PASS", "PWD", "TOKEN", "KEY", "CREDENTIAL", "DSN", "AUTH", "PRIVATE", "SIGNATURE", "SALT")
CHUNK_BYTES = 1 << 20
#: A copy of the database while it is packed. One of a backup that was killed goes after a day.
SCRATCH, SCRATCH_S = ".backup-", 24 * 3600.0
#: What was paid for makes a library too, also where no file is left.
IS_LIBRARY = """SELECT EXISTS (SELECT 1 FROM files) OR EXISTS (SELECT 1 FROM nova_raw_replies)
    OR EXISTS (SELECT 1 FROM bedrock_ledger)"""
#: Folders of a backup: originals that are only here, and what can be made again.
UPLOADED, MADE = ("uploads", "demo", "trash"), ("proxy_video", "derived")


class BackupError(WorkError):
    """A backup that cannot be made, or one that cannot be trusted."""


@dataclass(frozen=True)
class Member:
    """One file of a backup."""

    name: str
    size_bytes: int
    blake3: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    version: str
    made_at: str
    members: list[Member]
    format: int = FORMAT

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()  # in ASCII: names need not be UTF-8

    @classmethod
    def from_json(cls, text: bytes) -> "Manifest":
        try:
            data = json.loads(text)
            if data["format"] > FORMAT:
                raise BackupError(
                    f"This backup has format {data['format']}; this version reads up to {FORMAT}.",
                    remedy="Restore it with the version of novaproject that made it, or a newer one.",
                )
            members = [Member(**member) for member in data["members"]]
            return cls(data["version"], data["made_at"], members, data["format"])
        except (ValueError, KeyError, TypeError) as exc:
            raise BackupError("The backup's manifest cannot be read.", remedy="Take another backup.") from exc


@dataclass(frozen=True)
class _Source:
    name: str
    path: Path


def make_backup(
    target: Path, *, with_uploads: bool = True, with_proxies: bool = False, progress: Progress = NO_PROGRESS
) -> Manifest:
    """Write a backup to `target`, a file that must not be there yet. Raises BackupError, Cancelled."""
    if target.exists():
        raise BackupError(f"{target} is there already.", remedy="Name a new file.")
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}.", remedy="Make it, or name another.")
    for left in settings.DATA_DIR.glob(f"{SCRATCH}*"):
        if left.lstat().st_mtime < time.time() - SCRATCH_S:
            disk.remove_tree(left)
    wanted = (UPLOADED if with_uploads else ()) + (MADE if with_proxies else ())
    try:
        with (
            tempfile.TemporaryDirectory(prefix=SCRATCH, dir=settings.DATA_DIR, ignore_cleanup_errors=True) as scratch,
            _becoming(target) as out,
        ):
            copy = Path(scratch) / (DATABASE if connection.vendor == "sqlite" else DUMP)
            copy_database(copy)
            sources = [_Source(copy.name, copy)]
            for name in wanted:
                sources += _tree(_folders()[name], name)
            return _pack(out, sources, progress)
    except OSError as exc:
        about = f"{exc.strerror or exc}: {exc.filename}" if exc.filename else f"{exc.strerror or exc}"
        raise BackupError(
            f"{target} could not be written ({about}).",
            remedy="Mend that, or name another disk; nothing is left of it.",
        ) from exc


def _pack(out: IO[bytes], sources: list[_Source], progress: Progress) -> Manifest:
    with tarfile.open(fileobj=out, mode="w") as archive:
        path = settings.ENV_FILE
        text = path.read_text(encoding="utf-8") if path and path.is_file() else ""
        members = [_add_bytes(archive, SETTINGS, settings_without_secrets(text).encode())]
        for index, source in enumerate(sources):
            progress.update(index / len(sources), source.name)
            members += _add_file(archive, source)
        manifest = Manifest(str(settings.VERSION), datetime.now(UTC).isoformat(timespec="seconds"), members)
        _add_bytes(archive, MANIFEST, manifest.as_json())
    return manifest


@contextmanager
def _becoming(target: Path) -> Iterator[IO[bytes]]:
    """A file for its owner's eyes that becomes `target` when it is whole; what a killed backup left is written over."""
    partial = target.with_name(f".{target.name}.part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb") as out:
        if not _is_ours_alone(out, partial):
            raise BackupError(f"Another backup is just being written to {target}.", remedy="Wait for it.")
        out.truncate()
        try:
            yield out
            out.flush()
            os.fsync(out.fileno())
            partial.rename(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _is_ours_alone(out: IO[bytes], partial: Path) -> bool:
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as exc:
        if exc.errno not in (errno.ENOLCK, errno.ENOTSUP):  # some network drives have no locks
            raise
    # Between opening and locking, another backup may have given the file its last name.
    return partial.exists() and os.path.samestat(os.fstat(out.fileno()), partial.stat())


def _folders() -> dict[str, Path]:
    """Where the folders of a backup lie on this machine."""
    data = settings.DATA_DIR
    return {
        "uploads": settings.UPLOAD_DIR,
        "demo": data / "demo",
        "trash": data / "trash",
        "proxy_video": settings.PROXY_DIR,
        "derived": data / "derived",
    }


def _open_private(path: Path) -> IO[bytes]:
    """A new file for its owner's eyes: accounts are in it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def copy_database(target: Path) -> None:
    """A consistent copy of the database, while others read and write it; without the sessions of who is logged in."""
    if connection.vendor == "postgresql":
        postgres_dump.dump(target)
        return
    connection.ensure_connection()
    copy = sqlite3.connect(target)
    try:
        # In one step: between two, a writer would make SQLite begin again, without end while the library is busy.
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("PRAGMA secure_delete=ON")
        copy.execute("DELETE FROM django_session")
        copy.commit()
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        copy.close()
    if found != "ok":
        raise BackupError(
            f"The copy of the database is damaged: {found}", remedy="Run: .venv/bin/python manage.py doctor"
        )


def verify(archive: Path, progress: Progress = NO_PROGRESS) -> Manifest:
    """Read the whole backup and compare every member with the manifest. Raises BackupError where they differ."""
    found: dict[str, str] = {}
    manifest = None
    with _open(archive) as tar, _read_to_its_end():
        for info in tar:
            progress.update(min(1.0, info.offset / max(1, archive.stat().st_size)), info.name)
            content = tar.extractfile(info)
            if content is None:
                raise BackupError(f"The backup holds {info.name!r}, which is no file.", remedy="Use another backup.")
            if info.name == MANIFEST:
                manifest = Manifest.from_json(content.read())
            else:
                found[info.name] = _hash(content)
    if manifest is None:
        raise BackupError("The backup's manifest is missing: it is cut off, or no backup of novaproject.")
    expected = {member.name: member.blake3 for member in manifest.members}
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        raise BackupError(f"The backup is damaged: {', '.join(differing[:5])}.", remedy="Use another backup.")
    return manifest


def restore(archive: Path, *, progress: Progress = NO_PROGRESS) -> Manifest:
    """Put a verified backup in place on a machine whose library is empty. Raises BackupError and changes nothing else.

    The database comes last: a restore that was cut off is simply run again. Work that was under way is held in it.
    Settings are put into DATA_DIR as `restored-settings.env`, for a person to look through: they may name other paths.
    """
    if connection.vendor == "postgresql":
        return _restore_to_postgres(archive, progress)
    database = Path(settings.DATABASES["default"]["NAME"])
    if database.exists() and _has_files(database):
        raise BackupError(
            f"{database} has a library in it, and a restore never writes over one.",
            remedy="Stop the library and move that file away, or set DATA_DIR to a new folder.",
        )
    manifest = verify(archive, progress)
    if any(member.name == DUMP for member in manifest.members):
        raise BackupError(
            "This backup is of a library in PostgreSQL.", remedy="Set DATABASE_URL to an empty PostgreSQL database."
        )
    connection.close()
    partial = database.with_name(f".{database.name}.part")
    try:
        with _open(archive) as tar:
            _unpack(tar, partial)
        if partial.exists():
            _put_database(partial, database)
    except (OSError, FilesError) as exc:
        raise BackupError(
            f"The backup is whole, but could not be put in place: {exc}.",
            remedy="Mend that, and run the restore again.",
        ) from exc
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _restore_to_postgres(archive: Path, progress: Progress) -> Manifest:
    if postgres_dump.has_library():
        raise BackupError(
            "The database has a library in it, and a restore never writes over one.",
            remedy="Set DATABASE_URL to an empty PostgreSQL database.",
        )
    manifest = verify(archive, progress)
    if any(member.name == DATABASE for member in manifest.members):
        raise BackupError(
            "This backup is of a library in SQLite.",
            remedy="Restore it without DATABASE_URL, then move it: .venv/bin/python manage.py move_to_postgres URL",
        )
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=settings.DATA_DIR, ignore_cleanup_errors=True) as scratch:
        partial = Path(scratch) / DUMP
        with _open(archive) as tar:
            _unpack(tar, partial)
        if partial.exists():
            postgres_dump.load(partial)
    return manifest


def _unpack(tar: tarfile.TarFile, partial_database: Path) -> None:
    folders, restored_settings = _folders(), b""
    for info in tar:
        content = tar.extractfile(info)
        if info.name == MANIFEST or content is None:
            continue
        if info.name in (DATABASE, DUMP):  # where DATABASE_URL says, which need not be in DATA_DIR
            partial_database.parent.mkdir(parents=True, exist_ok=True)
            partial_database.unlink(missing_ok=True)  # of a restore that was killed
            with _open_private(partial_database) as out:
                shutil.copyfileobj(content, out, CHUNK_BYTES)
            # It comes first in a backup: a wrong one is told before anything else is put in place.
            reason = stranger_reason(partial_database) if info.name == DATABASE else ""
            if reason:
                raise BackupError(f"This backup holds no library: {reason}", remedy="Use another backup.")
        elif info.name == SETTINGS:
            restored_settings = content.read()
        else:
            top, _, rest = info.name.partition("/")
            _put(content, _inside(folders.get(top), rest))
    if restored_settings:
        _put(io.BytesIO(restored_settings), settings.DATA_DIR / RESTORED_SETTINGS)


def _put_database(partial: Path, database: Path) -> None:
    _hold_work(partial)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    partial.rename(database)


def _hold_work(database: Path) -> None:
    """Pause the queues where work was under way: it may cost money, and be paid for elsewhere by now.

    In the file itself, so that no kill after this lets it start unasked.
    """
    with closing(sqlite3.connect(database)) as copy, copy:
        if not {"jobs", "job_queues"} <= set(_tables(copy)):
            return
        if copy.execute("SELECT EXISTS (SELECT 1 FROM jobs WHERE state IN ('queued', 'running'))").fetchone()[0]:
            now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
            rows = [(name, True, now) for name in registry.QUEUES]
            paused = "INSERT INTO job_queues (name, is_paused, changed_at) VALUES (?, ?, ?)"
            copy.executemany(f"{paused} ON CONFLICT (name) DO UPDATE SET is_paused = TRUE", rows)


def _put(content: IO[bytes], target: Path) -> None:
    temporary = disk.temporary(target)
    with disk.open_new(temporary) as out:
        shutil.copyfileobj(content, out, CHUNK_BYTES)
    disk.replace(temporary, target)


def _inside(folder: Path | None, rest: str) -> Path:
    target = (folder / rest).resolve() if folder and rest else None
    if folder is None or target is None or not target.is_relative_to(folder.resolve()):
        raise BackupError(f"The backup names a place outside our folders: {rest!r}.")
    return target


def _has_files(database: Path) -> bool:
    ours = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return bool(ours.execute(IS_LIBRARY).fetchone()[0])
    except sqlite3.DatabaseError:
        return database.stat().st_size > 0 and bool(_tables(ours))
    finally:
        ours.close()


def _tables(database: sqlite3.Connection) -> list[str]:
    try:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'django_migrations'")
        return [row[0] for row in rows]
    except sqlite3.DatabaseError:
        return ["unreadable"]


def _tree(folder: Path, name: str) -> list[_Source]:
    hidden = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    # Hidden ones are half written.
    kept = (path for path in hidden if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return [_Source(f"{name}/{path.relative_to(folder).as_posix()}", path) for path in sorted(kept)]


def _hash(content: IO[bytes]) -> str:
    digest = blake3()
    for chunk in iter(lambda: content.read(CHUNK_BYTES), b""):
        digest.update(chunk)
    return str(digest.hexdigest())


def settings_without_secrets(text: str) -> str:
    """The lines of a `.env` without what may be a secret: by its name, or by looking like one.

    Comments go too: an old password is often commented out.
    """
    return "".join(f"{line}\n" for line in text.splitlines() if "=" in line and not is_secret(line))


def is_secret(line: str) -> bool:
    """Whether `NAME=value` may be a secret: a name that says so, a login in an address, or a long random word."""
    name, _, value = line.strip().removeprefix("export ").partition("=")
    if name.startswith("#") or any(word in name.upper() for word in SECRET_WORDS):
        return True
    if "@" in value.partition("://")[2]:
        return True
    return any(looks_random(word) for word in re.split(r"[\s,;:/\"']+", value))


def looks_random(word: str) -> bool:
    """Whether this may be a key: twenty characters or more, letters and digits mixed, as no name or number is."""
    kinds = [any(test(c) for c in word) for test in (str.islower, str.isupper, str.isdigit)]
    is_hex = len(word) >= 32 and all(c in "0123456789abcdefABCDEF" for c in word)
    return len(word) >= 20 and (sum(kinds) == 3 or is_hex) and not word.startswith("amazon.")


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> Member:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))
    return Member(name, len(content), str(blake3(content).hexdigest()))


class _Hashing(io.RawIOBase):
    """Hashes what is read through it, so that the manifest is of the very bytes that went into the archive."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content, self.digest = content, blake3()

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._content.read(size)
        self.digest.update(chunk)
        return chunk


def _add_file(archive: tarfile.TarFile, source: _Source) -> list[Member]:
    try:
        content = source.path.open("rb")
    except FileNotFoundError:
        return []  # deleted since it was listed: the library is running
    with content:
        info = archive.gettarinfo(arcname=source.name, fileobj=content)
        reader = _Hashing(content)
        archive.addfile(info, reader)
    return [Member(source.name, info.size, str(reader.digest.hexdigest()))]


def _open(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive, "r:")
    except (tarfile.TarError, OSError) as exc:
        raise BackupError(f"{archive} cannot be read as a backup.", remedy="Name a file that `backup` made.") from exc


@contextmanager
def _read_to_its_end() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, OSError) as exc:
        raise BackupError(f"The backup cannot be read to its end: {exc}.", remedy="Use another backup.") from exc
