"""Forgetting old jobs."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from jobs import control, queue, retention
from jobs.execution import running
from jobs.models import Batch, Job
from jobs.workers.ticks import ticks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_month(settings: Settings) -> None:
    settings.JOB_KEEP_DAYS = 30


def age(*jobs: Job, days: float = 31) -> None:
    then = timezone.now() - timedelta(days=days)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(created_at=then, finished_at=then)
    Batch.objects.filter(jobs__in=jobs).update(created_at=then)


def done(kind: str, subject: int, batch: Batch | None = None) -> Job:
    return running.run_now(queue.enqueue(kind, subject, batch=batch))


def left() -> set[int]:
    return set(Job.objects.values_list("pk", flat=True))


def ids(jobs: Iterable[Job]) -> set[int]:
    return {job.pk for job in jobs}


def test_what_ended_long_ago_is_forgotten(kind: str) -> None:
    old, recent, waiting = done(kind, 1), done(kind, 2), queue.enqueue(kind, 3)
    cancelled = control.cancel(queue.enqueue(kind, 4))
    age(old, cancelled)
    age(recent, days=29)
    Job.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(days=400))

    assert retention.forget_old() == 2
    assert left() == ids([recent, waiting])


def test_a_failure_stays_until_it_is_dealt_with(broken: str) -> None:
    mended, open_ = done(broken, 1), done(broken, 2)
    again = done(broken, 1)
    Job.objects.filter(pk=again.pk).update(state="succeeded")
    age(mended, open_, again, days=400)

    assert retention.forget_old() == 2
    assert left() == ids([open_])


def test_a_failure_does_not_come_up_again_when_its_retry_is_forgotten(kind: str, broken: str) -> None:
    batch = queue.create_batch("Shear", "")
    failed, recent = done(broken, 1, batch), done(kind, 2, batch)
    again = done(broken, 1)
    Job.objects.filter(pk=again.pk).update(state="succeeded")
    age(failed, again)
    age(recent, days=1)

    assert retention.forget_old() == 0
    assert not Job.objects.unresolved().exists()


def test_a_batch_keeps_all_its_jobs_or_goes_with_them(kind: str, broken: str) -> None:
    whole, partly = queue.create_batch("Whole", ""), queue.create_batch("Partly", "")
    first, shared = done(kind, 1, whole), done(kind, 2, whole)
    failed, beside = done(broken, 3, partly), done(kind, 4, partly)
    age(first, shared, failed, beside)

    assert retention.forget_old() == 2
    assert left() == ids([failed, beside])
    assert list(Batch.objects.all()) == [partly]


def test_a_recent_batch_without_jobs_stays(kind: str) -> None:
    batch = queue.create_batch("Nothing to do", "")

    retention.forget_old()

    assert Batch.objects.get() == batch


def test_nought_keeps_all(kind: str, settings: Settings) -> None:
    settings.JOB_KEEP_DAYS = 0
    age(done(kind, 1), days=4000)

    assert retention.forget_old() == 0


def test_it_is_done_by_a_tick(kind: str) -> None:
    old = done(kind, 1)
    age(old)

    next(tick for tick in ticks() if tick.name == "old jobs").run()

    assert left() == set()
