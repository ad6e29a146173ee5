"""Backup and restore: nothing lost, nothing of a stranger's written over, nothing secret carried away."""

import contextlib
import errno
import fcntl
import json
import os
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest
from blake3 import blake3
from django.conf import settings
from django.db import connection

from files.storage.hashing import sampled_hash
from jobs.queue import enqueue
from novaproject.backups import backup, relinking
from tests.files.factories import make_file, make_root
from tests.jobs.kinds import registered

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite("its file is the backup's database")]


@pytest.fixture
def library(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with two files, an upload and a proxy."""
    chosen = folders / "data" / "settings.env"  # as in the container
    monkeypatch.setattr(settings, "ENV_FILE", chosen)
    chosen.write_text("SECRET_KEY=canary-1\nPORT=5711\nDATABASE_URL=postgres://me:canary-2@host/db\n")
    make_file()
    make_file()
    (settings.UPLOAD_DIR / "holiday_1.mp4").write_bytes(b"upload" * 1000)
    (settings.UPLOAD_DIR / ".incoming" / "half").write_bytes(b"half an upload")
    (settings.PROXY_DIR / "holiday_1_720p15.mp4").write_bytes(b"proxy" * 1000)
    return folders


def _elsewhere(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point our folders and the database at an empty place, as on another machine."""
    for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR"):
        folder = place / name.lower()
        folder.mkdir(parents=True)
        monkeypatch.setattr(settings, name, folder)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(settings.DATA_DIR / "app.db"))
    return settings.DATA_DIR / "app.db"


def _rows(database: Path) -> dict[str, int]:
    copy = sqlite3.connect(database)
    tables = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    plain = [name for name in tables if "_fts" not in name and not name.startswith("vec")]
    counts = {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in plain}
    copy.close()
    return counts


def test_a_restore_brings_back_every_row_and_every_byte(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup.make_backup(tmp_path / "b.tar", with_proxies=True)
    before = _rows(Path(connection.settings_dict["NAME"]))
    database = _elsewhere(tmp_path / "new", monkeypatch)
    (settings.DATA_DIR / "settings.env").write_text("SECRET_KEY=in use here")

    restored = backup.restore(tmp_path / "b.tar")

    assert (settings.DATA_DIR / "settings.env").read_text() == "SECRET_KEY=in use here"
    assert (settings.DATA_DIR / "restored-settings.env").read_text() == "PORT=5711\n"
    assert restored == made
    assert _rows(database) == before
    assert (settings.UPLOAD_DIR / "holiday_1.mp4").read_bytes() == b"upload" * 1000
    assert (settings.PROXY_DIR / "holiday_1_720p15.mp4").read_bytes() == b"proxy" * 1000


def test_the_database_goes_where_the_settings_say(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.make_backup(tmp_path / "b.tar")
    before = _rows(Path(connection.settings_dict["NAME"]))
    _elsewhere(tmp_path / "new", monkeypatch)
    database = tmp_path / "another disk" / "library.db"
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(database))

    backup.restore(tmp_path / "b.tar")

    assert _rows(database) == before
    assert not (settings.DATA_DIR / "app.db").exists()


def test_no_secret_and_no_half_upload_is_in_it(library: Path, tmp_path: Path) -> None:
    backup.make_backup(tmp_path / "b.tar")

    with tarfile.open(tmp_path / "b.tar") as tar:
        names = tar.getnames()
        text = tar.extractfile(backup.SETTINGS)
        assert text is not None
        assert text.read() == b"PORT=5711\n"
    assert names == ["settings.env", "app.db", "uploads/holiday_1.mp4", "manifest.json"]


@pytest.mark.parametrize(
    "line",
    [
        "SECRET_KEY=x",
        "export DB_PASSWORD=x",
        "SMTP_PASS=x",
        "MY_PWD=x",
        "BASIC_AUTH=x",
        "CACHE=redis://me:word@host/1",
        "WEBHOOK=https://hooks.example.org/services/T024BE7LD/B0GVX/Zx81mQpd0aKs72LqWnYt4Rv5",
        "MIRROR=0123456789abcdef0123456789abcdef",
        "# OLD_TOKEN=x",
        "# no setting at all",
    ],
)
def test_what_looks_like_a_secret_stays_at_home_however_it_is_called(line: str) -> None:
    assert backup.settings_without_secrets(f"{line}\nPORT=5711\n") == "PORT=5711\n"


@pytest.mark.parametrize(
    "line",
    [
        "IMPORT_ROOTS=/mnt/Archive2026/Interviews:/media/Drive1",
        "NOVA_SONIC_MODEL_ID=amazon.nova-2-sonic-v1:0",
        "NOVA_EMBED_MODEL_ID=amazon.nova-2-multimodal-embeddings-v1:0",
        "BEDROCK_BATCH_ROLE_ARN=arn:aws:iam::123456789012:role/NovaBatchRole",
        "DATABASE_URL=sqlite:////srv/data/app.db",
        "WHISPER_VOCABULARY=Zürich,Nova,Ångström",
    ],
)
def test_what_is_none_is_kept(line: str) -> None:
    assert backup.settings_without_secrets(f"{line}\n") == f"{line}\n"


def test_a_damaged_backup_is_refused_before_anything_is_written(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.make_backup(tmp_path / "b.tar")
    content = bytearray((tmp_path / "b.tar").read_bytes())
    at = content.index(b"uploadupload")
    content[at] ^= 0xFF
    (tmp_path / "b.tar").write_bytes(content)
    database = _elsewhere(tmp_path / "new", monkeypatch)

    with pytest.raises(backup.BackupError, match=r"damaged: uploads/holiday_1\.mp4"):
        backup.restore(tmp_path / "b.tar")

    assert not database.exists()


def test_a_member_outside_our_folders_is_refused(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = b"evil"
    manifest = backup.Manifest("0", "now", [backup.Member("uploads/../../out", len(evil), blake3(evil).hexdigest())])
    with tarfile.open(tmp_path / "b.tar", "x") as tar:
        backup._add_bytes(tar, backup.MANIFEST, manifest.as_json())
        backup._add_bytes(tar, "uploads/../../out", evil)
    _elsewhere(tmp_path / "new", monkeypatch)

    with pytest.raises(backup.BackupError, match="outside our folders"):
        backup.restore(tmp_path / "b.tar")

    assert not (tmp_path / "out").exists()


def test_a_library_is_never_written_over(library: Path, tmp_path: Path) -> None:
    backup.make_backup(tmp_path / "b.tar")
    name = connection.settings_dict["NAME"]
    settings.DATABASES["default"]["NAME"], kept = name, settings.DATABASES["default"]["NAME"]

    try:
        with pytest.raises(backup.BackupError, match="never writes over one"):
            backup.restore(tmp_path / "b.tar")
    finally:
        settings.DATABASES["default"]["NAME"] = kept


@pytest.mark.parametrize(
    ("table", "is_library"), [("files", 1), ("nova_raw_replies", 1), ("bedrock_ledger", 1), ("x", 0)]
)
def test_what_was_paid_for_is_a_library_also_without_a_file(tmp_path: Path, table: str, is_library: int) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db")) as database:
        for name in ("files", "nova_raw_replies", "bedrock_ledger", "x"):
            database.execute(f"CREATE TABLE {name} (id)")
        database.execute(f"INSERT INTO {table} VALUES (1)")
        database.commit()

    assert backup._has_files(tmp_path / "app.db") == bool(is_library)


@pytest.mark.parametrize("content", [b"", b"not a tar at all" * 100])
def test_what_is_no_backup_is_refused(library: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tar").write_bytes(content)

    with pytest.raises(backup.BackupError):
        backup.verify(tmp_path / "b.tar")


def test_a_newer_format_says_which_version_is_needed() -> None:
    text = json.dumps({"format": backup.FORMAT + 1, "version": "9", "made_at": "", "members": []}).encode()

    with pytest.raises(backup.BackupError, match=f"format {backup.FORMAT + 1}") as caught:
        backup.Manifest.from_json(text)

    assert "newer" in caught.value.remedy


def test_the_target_must_be_new(library: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(b"mine")

    with pytest.raises(backup.BackupError, match="there already"):
        backup.make_backup(tmp_path / "b.tar")

    assert (tmp_path / "b.tar").read_bytes() == b"mine"


def test_the_copy_is_consistent_while_others_write(library: Path, tmp_path: Path) -> None:
    """Each writer's transaction adds two rows; a copy that cut one in half would hold an odd number."""
    name, stop = connection.settings_dict["NAME"], threading.Event()
    setup = sqlite3.connect(name)
    setup.execute("CREATE TABLE pairs (n INTEGER)")
    setup.commit()
    setup.close()

    def write() -> None:
        mine = sqlite3.connect(name, timeout=20)
        while not stop.is_set():
            with mine:
                mine.execute("INSERT INTO pairs VALUES (1)")
                mine.execute("INSERT INTO pairs VALUES (2)")
        mine.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for index in range(5):
            backup.copy_database(tmp_path / f"{index}.db")
    finally:
        stop.set()
        writer.join()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE pairs")

    counts = []
    for index in range(5):
        copy = sqlite3.connect(tmp_path / f"{index}.db")
        counts.append(copy.execute("SELECT count(*) FROM pairs").fetchone()[0])
        copy.close()
    assert all(count % 2 == 0 for count in counts)
    assert counts[-1] > 0


@pytest.mark.parametrize("content", [b"no database at all", b"another project"])
def test_a_backup_of_another_database_is_told_and_leaves_nothing(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    if content == b"another project":
        with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
            other.execute("CREATE TABLE cats (name TEXT)")
            other.commit()
        content = (tmp_path / "other.db").read_bytes()

    def copy_another(target: Path) -> None:
        target.write_bytes(content)

    monkeypatch.setattr(backup, "copy_database", copy_another)
    backup.make_backup(tmp_path / "b.tar")
    database = _elsewhere(tmp_path / "new", monkeypatch)

    with pytest.raises(backup.BackupError, match="This backup holds no library"):
        backup.restore(tmp_path / "b.tar")

    assert not database.exists()
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == []


def test_what_a_killed_backup_left_is_written_over(library: Path, tmp_path: Path) -> None:
    (tmp_path / ".b.tar.part").write_bytes(b"half" * 10**6)
    scratch = settings.DATA_DIR / ".backup-killed"
    scratch.mkdir()
    os.utime(scratch, (1, 1))

    made = backup.make_backup(tmp_path / "b.tar")

    assert backup.verify(tmp_path / "b.tar") == made
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".b", "b."))] == ["b.tar"]
    assert not scratch.exists()


def test_two_backups_to_one_place_do_not_mix(library: Path, tmp_path: Path) -> None:
    class Second:
        def update(self, fraction: float, message: str = "") -> None:
            with pytest.raises(backup.BackupError, match="Another backup"):
                backup.make_backup(tmp_path / "b.tar")

        def check(self) -> None:
            return None

    made = backup.make_backup(tmp_path / "b.tar", progress=Second())

    assert backup.verify(tmp_path / "b.tar") == made


def test_a_place_that_cannot_be_written_is_told_in_words(library: Path) -> None:
    with pytest.raises(backup.BackupError, match="could not be written") as caught:
        backup.make_backup(Path("/proc/b.tar"))
    assert caught.value.remedy


def test_names_that_are_no_utf8_go_there_and_back(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = os.fsdecode(b"caf\xe9.mp4")
    (settings.UPLOAD_DIR / odd).write_bytes(b"copied there by hand")

    backup.make_backup(tmp_path / "b.tar")
    _elsewhere(tmp_path / "new", monkeypatch)
    backup.restore(tmp_path / "b.tar")

    assert (settings.UPLOAD_DIR / odd).read_bytes() == b"copied there by hand"


def test_a_backup_that_was_cut_off_says_so(library: Path, tmp_path: Path) -> None:
    backup.make_backup(tmp_path / "b.tar")
    whole = (tmp_path / "b.tar").read_bytes()

    for size in (len(whole) // 4, len(whole) // 2, whole.index(b"uploadupload") + 100):
        (tmp_path / "b.tar").write_bytes(whole[:size])
        with pytest.raises(backup.BackupError):
            backup.verify(tmp_path / "b.tar")


def test_a_restore_that_was_cut_off_is_run_again(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.make_backup(tmp_path / "b.tar")
    database = _elsewhere(tmp_path / "new", monkeypatch)
    in_the_way = settings.UPLOAD_DIR / "holiday_1.mp4"
    in_the_way.mkdir()

    with pytest.raises(backup.BackupError, match="could not be put in place"):
        backup.restore(tmp_path / "b.tar")
    assert not database.exists()
    in_the_way.rmdir()
    backup.restore(tmp_path / "b.tar")

    assert database.exists()
    assert in_the_way.read_bytes() == b"upload" * 1000


def test_work_is_held_from_the_moment_that_the_database_is_there(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registered() as kind:
        enqueue(kind, 1)
    backup.make_backup(tmp_path / "b.tar")
    database = _elsewhere(tmp_path / "new", monkeypatch)

    backup.restore(tmp_path / "b.tar")

    with contextlib.closing(sqlite3.connect(database)) as restored:
        paused = restored.execute("SELECT name FROM job_queues WHERE is_paused ORDER BY name").fetchall()
    assert paused == [("fast",), ("long",)]


def test_an_original_that_gives_errors_stops_no_comparison(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_root(folders)
    for name in ("a.mp4", "bad sector.mp4", "c.mp4"):
        (folders / name).write_bytes(name.encode())
        make_file(root, name, sampled_hash=sampled_hash(folders / name))

    def read(path: Path) -> str:
        if path.name == "bad sector.mp4":
            raise OSError(errno.EIO, "Input/output error")
        return sampled_hash(path)

    monkeypatch.setattr(relinking, "sampled_hash", read)
    result = relinking.check_originals()

    assert (result.same, result.different) == (2, [f"{folders}/bad sector.mp4"])


def test_a_backup_that_has_just_become_whole_is_not_written_over(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def overtaken(handle: int, operation: int) -> None:
        (tmp_path / ".b.tar.part").rename(tmp_path / "b.tar")
        flock(handle, operation)

    (tmp_path / ".b.tar.part").write_bytes(b"the other one")
    monkeypatch.setattr(fcntl, "flock", overtaken)
    with pytest.raises(backup.BackupError, match="Another backup"):
        backup.make_backup(tmp_path / "b.tar")

    assert (tmp_path / "b.tar").read_bytes() == b"the other one"
