"""Which job may start."""

import pytest
from pytest_django import Settings

from jobs import queue
from jobs.execution import claims, running
from jobs.models import Notice
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


def test_work_that_fills_the_disk_waits_while_it_is_full_and_says_so_once(settings: Settings) -> None:
    with registered("fill", needs_free_disk=True) as fill, registered("read") as read:
        queue.enqueue(fill, 1)
        queue.enqueue(read, 1)
        settings.JOB_MIN_FREE_BYTES = 10**18

        assert running.run_until_idle() == 1
        assert Notice.objects.get().key == "jobs.disk_full"

        settings.JOB_MIN_FREE_BYTES = 0
        assert running.run_until_idle() == 1
        assert not Notice.objects.exists()
