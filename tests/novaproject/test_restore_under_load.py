"""A backup made while others write, restored into an empty place: every table and every file is what it was."""

import json
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from botocore.client import BaseClient
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from embeddings.models import Space
from embeddings.stores.registry import store
from files.models import File, Proxy, Root
from files.storage.hashing import sampled_hash
from jobs.models import Job, Notice, QueueState
from novaproject.backups import backup
from tests.files.factories import make_file, make_root
from tests.novaproject.test_backup import _elsewhere as elsewhere

pytestmark = pytest.mark.sqlite("its file is the backup's database")

Rows = dict[str, list[tuple[Any, ...]]]
#: Written to while the backup is made.
BUSY = {"job_notices", "sqlite_sequence"}


@pytest.fixture
def calls_to_aws(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all calls of boto3; none is let through."""
    seen: list[str] = []

    def refuse(client: BaseClient, operation: str, _: object) -> None:
        seen.append(operation)
        raise AssertionError(f"{operation} was called")

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    return seen


def _put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _hashes(*folders: Path) -> dict[str, str]:
    found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path.name: blake3(path.read_bytes()).hexdigest() for path in found}


def _rows(database: Path) -> Rows:
    """Every row of every table, those that full text and vectors are kept in included."""
    copy = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    listed = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    rows = {name: copy.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in listed.fetchall()}
    copy.close()
    return rows


@contextmanager
def _busy(database: str, uploads: Path) -> Iterator[None]:
    """Others write rows, always two in a transaction, and begin uploads; returns when they are under way."""
    stop, going = threading.Event(), threading.Event()

    def write() -> None:
        mine, turn = sqlite3.connect(database, timeout=20), 0
        columns = "(key, level, text, remedy, url, created_at, updated_at)"
        insert = f"INSERT INTO job_notices {columns} VALUES (?, 'info', '', '', '', 0, 0)"
        while not stop.is_set():
            with mine:
                mine.executemany(insert, [(f"pair-{turn}",), (f"pair-{turn}-too",)])
            (uploads / ".incoming" / f"half-{turn % 50}").write_bytes(b"half" * turn)
            turn += 1
            going.set()
        mine.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert going.wait(20)
        yield
    finally:
        stop.set()
        writer.join()


def test_no_row_and_no_byte_is_lost_while_others_write(
    first_release: dict[str, int],
    folders: Path,
    tmp_path: Path,
    calls_to_aws: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _put(settings.UPLOAD_DIR / File.objects.get(root__is_uploads=True).path, b"upload" * 9_000)
    _put(settings.DATA_DIR / "trash" / "0_gone.mp4", b"deleted upload")
    _put(settings.PROXY_DIR / Proxy.objects.get().path, b"proxy" * 9_000)
    _put(settings.DATA_DIR / "derived" / "1" / "poster.jpg", b"poster")
    kept = _hashes(settings.UPLOAD_DIR, settings.PROXY_DIR, settings.DATA_DIR / "trash", settings.DATA_DIR / "derived")
    live = Path(connection.settings_dict["NAME"])
    before = _rows(live)

    with _busy(str(live), settings.UPLOAD_DIR):
        call_command("backup", str(tmp_path / "b.tar"), "--with-proxies", "--json", stdout=StringIO())
    database = elsewhere(tmp_path / "new", monkeypatch)
    backup.restore(tmp_path / "b.tar")

    restored = _rows(database)
    assert restored.keys() == before.keys()
    assert restored["django_session"] == []
    assert [row[:2] for row in sorted(restored["job_queues"])] == [("fast", 1), ("long", 1)]
    for table in before.keys() - BUSY - {"django_session", "job_queues"}:
        assert restored[table] == before[table], table
    pairs = len(restored["job_notices"]) - len(before["job_notices"])
    assert pairs > 0
    assert pairs % 2 == 0
    data = settings.DATA_DIR
    assert _hashes(settings.UPLOAD_DIR, settings.PROXY_DIR, data / "trash", data / "derived") == kept
    assert calls_to_aws == []


def test_the_command_settles_the_library_in_on_the_new_machine(
    first_release: dict[str, int],
    folders: Path,
    tmp_path: Path,
    calls_to_aws: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = _put(tmp_path / "disk" / "moved" / "talks" / "harbour.mp4", b"harbour" * 90_000)
    File.objects.filter(path="talks/harbour.mp4").update(sampled_hash=sampled_hash(original))
    upload = File.objects.get(root__is_uploads=True)
    content = _put(settings.UPLOAD_DIR / upload.path, b"upload" * 9_000)
    File.objects.filter(pk=upload.pk).update(sampled_hash=sampled_hash(content))
    QueueState.objects.all().delete()
    call_command("backup", str(tmp_path / "b.tar"), stdout=StringIO())
    elsewhere(tmp_path / "new", monkeypatch)
    said = StringIO()

    archive, disk = str(tmp_path / "b.tar"), str(tmp_path / "disk")
    call_command("restore", archive, "--verify", "--originals", disk, "--json", stdout=said)

    answer = json.loads(said.getvalue())
    assert answer["moved"] == {"/media/library": str(tmp_path / "disk" / "moved")}
    assert (answer["originals"]["same"], answer["originals"]["counts"]) == (2, {"different": 0, "absent": 2})
    assert File.objects.get(name="harbour.mp4").local_path == original
    assert Root.objects.get(is_uploads=True).local_path == settings.UPLOAD_DIR
    assert not Proxy.objects.exists(), "a proxy that is not in the backup can be made again"
    space = Space.objects.active()
    assert space is not None
    assert len(store().ids(space.pk)) == 10
    assert answer["jobs_held"] == Job.objects.queued().count() - 1  # and the scan of the folder that moved
    assert QueueState.objects.filter(is_paused=True).count() == 2
    assert "under way" in Notice.objects.get(key="restored").text
    assert calls_to_aws == []


def test_the_demonstration_clips_come_along(
    first_release: dict[str, int], folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = _put(settings.DATA_DIR / "demo" / "lake.mp4", b"lake" * 90_000)
    root = make_root(clip.parent)
    make_file(root, clip.name, sampled_hash=sampled_hash(clip))
    call_command("backup", str(tmp_path / "b.tar"), stdout=StringIO())
    clip.unlink()
    clip.parent.rmdir()
    elsewhere(tmp_path / "new", monkeypatch)

    call_command("restore", str(tmp_path / "b.tar"), stdout=StringIO())

    found = File.objects.get(name="lake.mp4").local_path
    assert found == settings.DATA_DIR / "demo" / "lake.mp4"
    assert found.read_bytes() == b"lake" * 90_000


def test_a_backup_is_for_its_owners_eyes(first_release: dict[str, int], folders: Path, tmp_path: Path) -> None:
    backup.make_backup(tmp_path / "b.tar")

    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0
    with tarfile.open(tmp_path / "b.tar") as tar:
        database = tar.extractfile(backup.DATABASE)
        assert database is not None
        assert b"s" * 32 not in database.read(), "a session's key is as good as its owner's password"
