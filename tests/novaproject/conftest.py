"""A library of the first release, for the tests of what must survive: upgrades and backups."""

import gzip
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from embeddings.stores import bit_matrix

DUMP = Path(__file__).parent.parent / "data" / "library-0.1.sql.gz"


@dataclass(frozen=True)
class Upgraded:
    """The first release's library after today's migrations, and how many rows each of its tables had before."""

    database: Path
    counts: dict[str, int]


@pytest.fixture(scope="session")
def upgraded(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Upgraded:
    database = tmp_path_factory.mktemp("first-release") / "app.db"
    text = gzip.decompress(DUMP.read_bytes()).decode()
    with pytest.MonkeyPatch.context() as patched, django_db_blocker.unblock(), _in_place_of_ours(database, patched):
        connection.ensure_connection()
        connection.connection.executescript(text)
        counts = {name: rows_of(name) for name in re.findall(r'^CREATE TABLE "(\w+)"', text, re.MULTILINE)}
        call_command("migrate", interactive=False, verbosity=0)
    return Upgraded(database, counts)


@pytest.fixture
def first_release(
    upgraded: Upgraded, folders: Path, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, int]]:
    """Puts a copy of the upgraded library in place of the tests' database; returns the rows of each table before."""
    database = folders / "data" / "app.db"
    shutil.copy(upgraded.database, database)
    with django_db_blocker.unblock(), _in_place_of_ours(database, monkeypatch):
        yield upgraded.counts


@contextmanager
def _in_place_of_ours(database: Path, patched: pytest.MonkeyPatch) -> Iterator[None]:
    """Until ``patched`` undoes it: a test that moves the database on goes back by the same steps."""
    connection.close()
    patched.setitem(connection.settings_dict, "NAME", str(database))
    _forget()
    try:
        yield
    finally:
        connection.close()
        _forget()


def _forget() -> None:
    ContentType.objects.clear_cache()
    bit_matrix.forget()


def rows_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        return int(cursor.fetchone()[0])
