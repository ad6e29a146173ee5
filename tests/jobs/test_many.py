"""Asking for the same work on many subjects."""

import sqlite3
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs import queue
from jobs.bulk import in_pieces
from jobs.execution import running
from jobs.models import Job

pytestmark = pytest.mark.django_db
OPTIONS: dict[str, Any] = {"profile": "small", "of": ["a", 'b "quoted"', 3.5, None]}


def test_one_of_many_is_the_very_job_that_it_would_be_alone(kind: str, admin_user: User) -> None:
    batch = queue.create_batch("b", "count")
    alone = queue.enqueue(kind, 1, OPTIONS, priority=7, created_by=admin_user, batch=batch)
    queue.enqueue_many(kind, [2], OPTIONS, priority=7, created_by=admin_user, batch=batch)

    rows: list[dict[str, Any]] = [dict(row) for row in Job.objects.filter(batches=batch).order_by("pk").values()]
    one, other = rows

    assert one["id"] == alone.pk
    own = {"id", "subject_id", "fingerprint", "created_at", "run_after", "updated_at"}
    assert {name: one[name] for name in set(one) - own} == {name: other[name] for name in set(one) - own}
    assert queue.enqueue(kind, 2, OPTIONS).pk == other["id"]
    assert other["created_at"] >= one["created_at"]


def test_what_is_under_way_is_joined_and_what_is_over_begins_anew(kind: str) -> None:
    over, waiting = running.run_now(queue.enqueue(kind, 1)), queue.enqueue(kind, 2)
    batch = queue.create_batch("b", "count")

    assert queue.enqueue_many(kind, [1, 2, 3, 3], batch=batch) == 3
    assert queue.enqueue_many(kind, [2, 3], batch=batch) == 2

    jobs = {job.subject_id: job for job in Job.objects.filter(batches=batch)}
    assert set(jobs) == {1, 2, 3}
    assert jobs[2] == waiting
    assert jobs[1] != over
    assert Job.objects.count() == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite("it refuses to write over an open query")
def test_rows_may_be_changed_while_they_are_gone_through_and_others_write(kind: str) -> None:
    batch = queue.create_batch("b", "count")
    queue.enqueue_many(kind, range(5), batch=batch)
    elsewhere = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)

    for job in in_pieces(Job.objects.order_by("-pk"), 2):
        elsewhere.execute("UPDATE job_batches SET label = label || '!'")
        Job.objects.filter(pk=job.pk).update(message="seen")

    elsewhere.close()
    assert list(in_pieces(Job.objects.order_by("-pk"), 2)) == list(Job.objects.order_by("-pk"))
    assert not Job.objects.exclude(message="seen").exists()
