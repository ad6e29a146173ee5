"""Answers about whole tables are worked out once, and again after any write to them."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count

from files.models import File, Proxy
from jobs import kept_answers
from jobs.bulk import insert_alike
from jobs.kept_answers import KeptPaginator, kept
from jobs.models import Job
from tests.files.factories import make_file, make_root

pytestmark = pytest.mark.django_db(transaction=True)


def counted(calls: list[int]) -> int:
    """The files, as often worked out as `calls` is long afterwards."""
    files = File.objects.order_by()

    def count() -> int:
        calls.append(1)
        return files.count()

    return kept(files, "count", count)


def test_an_answer_is_worked_out_once() -> None:
    make_file()
    calls: list[int] = []

    assert [counted(calls), counted(calls)] == [1, 1]
    assert len(calls) == 1


WRITES: dict[str, Callable[[File], Any]] = {
    "insert": lambda file: make_file(),
    "save": lambda file: file.save(),
    "update": lambda file: File.objects.update(name="b.mp4"),
    "nothing updated": lambda file: File.objects.filter(pk=0).update(name="b.mp4"),
    "bulk insert": lambda file: File.objects.bulk_create(
        [File(root=file.root, path="c.mp4", name="c.mp4", media_type="video", size_bytes=1)], ignore_conflicts=True
    ),
    "alike": lambda file: insert_alike(
        File(root=file.root, name="d.mp4", media_type="video", size_bytes=1), ["path"], [("d.mp4",)]
    ),
    "delete": lambda file: file.delete(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_after_a_write_it_is_worked_out_anew(write: Callable[[File], Any]) -> None:
    file = make_file()
    calls: list[int] = []
    counted(calls)

    write(file)

    assert counted(calls) == File.objects.count()
    assert len(calls) == 2


def test_what_another_connection_writes_is_noticed() -> None:
    make_file()
    calls: list[int] = []
    counted(calls)
    token = "another one"

    with connection.cursor() as cursor:  # as another process leaves it
        cursor.execute("UPDATE table_tokens SET token = %s WHERE name = 'files'", [token])

    counted(calls)
    assert len(calls) == 2


def test_what_is_taken_back_brings_the_earlier_answer_back() -> None:
    file = make_file()
    calls: list[int] = []
    counted(calls)

    with transaction.atomic():
        file.delete()
        meanwhile = counted(calls)
        transaction.set_rollback(True)

    assert [meanwhile, counted(calls)] == [0, 1]


def test_tables_that_change_every_second_are_never_kept() -> None:
    calls: list[int] = []

    for _ in range(2):
        kept(Job.objects.all(), "count", lambda: calls.append(1))

    assert len(calls) == 2


def test_an_answer_depends_on_every_table_that_is_read() -> None:
    file = make_file()
    having = File.objects.annotate(n=Count("proxies")).filter(n=1).order_by().values("pk")
    assert kept(having, "count", having.count) == 0

    Proxy.objects.create(file=file, proxy_spec="720p15", path="a.mp4", size_bytes=1)

    assert kept(having, "count", having.count) == 1


def test_the_same_rows_with_other_values_are_another_question() -> None:
    root = make_root()
    make_file(root=root, name="a.mp4")
    by_name = [File.objects.filter(name=name).order_by() for name in ("a.mp4", "b.mp4")]

    assert [kept(rows, "count", rows.count) for rows in by_name] == [1, 0]


def test_pages_count_their_rows_once(django_assert_num_queries: Any) -> None:
    make_file()
    assert KeptPaginator(File.objects.all(), 10).count == 1

    with django_assert_num_queries(0):
        assert KeptPaginator(File.objects.all(), 10).count == 1

    make_file()
    assert KeptPaginator(File.objects.all(), 10).count == 2
    assert KeptPaginator([1, 2, 3], 10).count == 3


def test_memory_holds_so_many_answers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "MOST_ANSWERS", 3)
    for size in range(10):
        rows = File.objects.filter(size_bytes=size).order_by()
        kept(rows, "count", rows.count)

    assert len(kept_answers._answers) == 3


def test_a_write_that_is_done_is_not_called_failed_over_its_token(caplog: pytest.LogCaptureFixture) -> None:
    file = make_file()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TRIGGER busy BEFORE UPDATE ON table_tokens BEGIN SELECT raise(ABORT, 'locked'); END")
    try:
        with caplog.at_level(logging.WARNING):
            File.objects.filter(pk=file.pk).update(name="b.mp4")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER busy")

    assert File.objects.get().name == "b.mp4"
