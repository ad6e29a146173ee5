"""Keeping the lease while work runs without a word."""

import sqlite3
import time
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from jobs import queue
from jobs.execution import claims
from jobs.execution.heartbeat import JobProgress, kept_alive
from jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_silent_step_keeps_its_lease(kind: str, settings: Settings) -> None:
    settings.JOB_LEASE_SECONDS = 0.2
    queue.enqueue(kind, 1)
    job = claims.claim("fast")
    assert job is not None
    first = job.lease_expires_at

    with kept_alive(job):
        end = time.monotonic() + 10
        while Job.objects.get(pk=job.pk).lease_expires_at == first:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_progress_is_written_about_once_a_second(kind: str, django_assert_num_queries: object) -> None:
    queue.enqueue(kind, 1)
    job = claims.claim("fast")
    assert job is not None
    progress = JobProgress(job)

    with django_assert_num_queries(1):  # type: ignore[operator]
        for step in range(1000):
            progress.update(step / 1000, f"step {step}")

    assert connection.in_atomic_block
    job.refresh_from_db()
    assert job.message == "step 0"


def test_a_forecast_needs_some_progress(kind: str) -> None:
    job = queue.enqueue(kind, 1)
    assert job.eta_s is None
    assert job.elapsed_s is None
    claimed = claims.claim("fast")
    assert claimed is not None
    assert claimed.eta_s is None
    assert claimed.started_at is not None

    claimed.progress = 0.25
    claimed.started_at -= timedelta(seconds=60)

    assert claimed.eta_s == pytest.approx(180, rel=0.1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite("one writer makes all others wait")
def test_work_outlives_a_database_that_is_busy_for_long(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    queue.enqueue(kind, 1)
    job = claims.claim("fast")
    assert job is not None
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
        other.execute("BEGIN IMMEDIATE")
        try:
            JobProgress(job).update(0.5, "half")
        finally:
            other.execute("ROLLBACK")
            other.close()
            cursor.execute("PRAGMA busy_timeout = 20000")

    assert "trying again" in caplog.text
    JobProgress(job).update(0.6, "more")
    job.refresh_from_db()
    assert job.message == "more"
