"""The statistics by which SQLite chooses its indexes."""

import sqlite3
from typing import Any

import pytest
from django.db import connection

from files.models import File
from jobs.models import Job
from jobs.workers import ticks
from novaproject import table_statistics
from tests.files.factories import make_root

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite("PostgreSQL keeps statistics by itself")]

ROWS = 3_000
QUESTION = "SELECT id FROM files WHERE removed_at IS NULL AND media_type = 'video' ORDER BY size_bytes DESC LIMIT 50"


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(table_statistics, "LARGE", ROWS)
    yield
    with connection.cursor() as cursor:  # what is known of these rows is not true of other tests'
        cursor.execute("SELECT name FROM sqlite_master WHERE name GLOB 'sqlite_stat?'")
        for [table] in cursor.fetchall():
            cursor.execute(f"DROP TABLE {table}")


def fill_library(count: int) -> None:
    root = make_root()
    File.objects.bulk_create(
        File(root=root, path=f"{n}.mp4", name=f"{n}.mp4", media_type="video", size_bytes=n) for n in range(count)
    )


def plan(other: Any, moment: str) -> str:
    other.execute("SELECT 1 FROM files LIMIT 50").fetchall()  # as any query would: a changed schema is read again
    # With the moment it is another statement each time: an explanation alone would come from the connection's memory.
    return " ".join(row[3] for row in other.execute(f"EXPLAIN QUERY PLAN {QUESTION} -- {moment}").fetchall())


def test_open_connections_choose_better_once_a_table_is_large() -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"])
    fill_library(ROWS - 1)
    assert "files" not in table_statistics.refresh()
    assert "files_by_type" in plan(other, "before")
    fill_library(1)

    assert "files" in table_statistics.refresh()

    reopened = plan(other, "after")
    other.close()
    assert "files_by_size" in reopened
    assert "files" not in table_statistics.refresh()


def test_the_jobs_are_left_out() -> None:
    Job.objects.bulk_create(
        Job(kind="make_proxy", subject_id=n, fingerprint=str(n), queue="long", state="succeeded") for n in range(ROWS)
    )
    with connection.cursor() as cursor:  # as before they were left out
        cursor.execute("ANALYZE jobs")
    fill_library(ROWS)

    assert table_statistics.refresh() == ["files"]

    running = str(Job.objects.filter(state="running").order_by("started_at")[:20].explain())
    assert "USING INDEX jobs_by_state" in running


def test_the_workers_see_to_it() -> None:
    assert "statistics of tables" in [tick.name for tick in ticks.ticks()]
