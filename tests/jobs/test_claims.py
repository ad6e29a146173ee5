"""Which job may start."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django import Settings

from jobs import control, owners, queue
from jobs.execution import claims, running
from jobs.models import Job, Notice
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


def test_at_most_so_many_of_a_kind_run_at_once() -> None:
    with registered(limit=2) as kind:
        for subject in (1, 2, 3):
            queue.enqueue(kind, subject)

        first, second, third = (claims.claim("fast") for _ in range(3))
        assert first is not None
        assert second is not None
        assert third is None

        first.succeed("")
        assert claims.claim("fast") is not None


def test_kinds_may_share_a_limit() -> None:
    with (
        registered("bake", limit=lambda: 1, concurrency_key="oven") as bake,
        registered("roast", limit=1, concurrency_key="oven") as roast,
        registered("boil") as boil,
    ):
        queue.enqueue(bake, 1)
        queue.enqueue(roast, 1)
        queue.enqueue(boil, 1)

        claimed = [claims.claim("fast") for _ in range(3)]

    assert [job.kind if job else None for job in claimed] == ["bake", "boil", None]


def test_a_limit_counts_the_work_that_runs_and_not_what_is_parked() -> None:
    with registered(limit=1) as kind:
        queue.enqueue(kind, 1)
        queue.enqueue(kind, 2)
        first = claims.claim("fast")
        assert first is not None
        assert claims.held_by_limit("fast") == [kind]

        first.park("waits at Bedrock")

        assert claims.held_by_limit("fast") == []
        assert claims.claim("fast") is not None


def test_a_limit_of_nothing_holds_all_and_one_that_is_not_set_holds_none() -> None:
    with registered("never", limit=0) as never, registered("always") as always:
        queue.enqueue(never, 1)
        queue.enqueue(always, 1)

        claimed = [claims.claim("fast") for _ in range(2)]

    assert [job.kind if job else None for job in claimed] == [always, None]


def test_the_limits_of_one_queue_hold_nothing_of_another() -> None:
    with registered(limit=0, needs_free_disk=True) as kind:
        assert kind in claims.held_by_limit("fast")
        assert claims.held_by_limit("long") == claims.held_by_disk("long") == []


def test_the_best_due_job_is_claimed_with_a_lease_of_its_length(kind: str) -> None:
    queue.enqueue(kind, 1)
    urgent = queue.enqueue(kind, 2, priority=5)
    queue.enqueue(kind, 3, priority=9, run_after=timezone.now() + timedelta(seconds=60))
    Job.objects.filter(pk=urgent.pk).update(progress=0.5, message="was here before")
    before = timezone.now()

    job = claims.claim("fast")

    assert job is not None
    assert (job.pk, job.state, job.attempts, job.progress, job.message) == (urgent.pk, "running", 1, 0.0, "")
    assert job.lease_owner == owners.me()
    assert job.started_at is not None
    assert job.lease_expires_at is not None
    assert before <= job.started_at <= timezone.now()
    assert job.lease_expires_at - job.started_at == timedelta(seconds=60)


def test_a_paused_queue_gives_nothing_and_the_other_goes_on(kind: str) -> None:
    with registered("lengthy", queue="long") as lengthy:
        queue.enqueue(kind, 1)
        queue.enqueue(lengthy, 1)
        control.pause("fast")

        assert claims.claim("fast") is None
        assert claims.claim("long") is not None


def test_work_may_start_when_exactly_the_least_free_space_is_left(settings: Settings) -> None:
    with registered("fill", needs_free_disk=True):
        settings.JOB_MIN_FREE_BYTES = free = 5_000_000_000
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("jobs.execution.claims.free_bytes", lambda: free)
            assert claims.held_by_disk("fast") == []
            patch.setattr("jobs.execution.claims.free_bytes", lambda: free - 1)
            assert claims.held_by_disk("fast") == ["fill"]

    assert "less than 5.0 GB is free" in Notice.objects.get().text


def test_free_space_is_that_of_the_fullest_folder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    free = {settings.DATA_DIR: 700, settings.PROXY_DIR: 300}
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free[folder]))

    assert claims.free_bytes() == 300


def test_work_that_fills_the_disk_waits_while_it_is_full_and_says_so_once(settings: Settings) -> None:
    with registered("fill", needs_free_disk=True) as fill, registered("count") as read:
        queue.enqueue(fill, 1)
        queue.enqueue(read, 1)
        settings.JOB_MIN_FREE_BYTES = 10**18

        assert running.run_until_idle() == 1
        assert Notice.objects.get().key == "jobs.disk_full"

        settings.JOB_MIN_FREE_BYTES = 0
        assert running.run_until_idle() == 1
        assert not Notice.objects.exists()
