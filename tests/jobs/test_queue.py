"""Asking for work."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoCaptureOnCommitCallbacks

from jobs import queue
from jobs.errors import UnknownKindError
from jobs.execution import running
from jobs.models import Job
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


def test_asking_queues_a_job_and_wakes_a_worker_on_commit(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = queue.enqueue(kind, 7, {"depth": 2})
        assert not OrmQ.objects.exists()

    assert (job.state, job.subject_kind, job.subject_id, job.queue) == ("queued", "sheep", 7, "fast")
    assert OrmQ.objects.filter(key="fast").count() == 1


def test_the_same_request_joins_the_job_that_is_under_way(kind: str) -> None:
    first = queue.enqueue(kind, 7, {"a": 1, "b": 2})
    again = queue.enqueue(kind, 7, {"b": 2, "a": 1}, priority=5)

    assert again.pk == first.pk
    first.refresh_from_db()
    assert first.priority == 5
    assert queue.enqueue(kind, 7, {"a": 2}).pk != first.pk
    assert queue.enqueue(kind, 8, {"a": 1, "b": 2}).pk != first.pk


def test_a_request_does_not_join_a_job_that_is_over_or_being_cancelled(kind: str) -> None:
    over = queue.enqueue(kind, 7)
    running.run_now(over)
    cancelling = queue.enqueue(kind, 7)
    Job.objects.filter(pk=cancelling.pk).update(state="running", cancel_requested_at=timezone.now())

    fresh = queue.enqueue(kind, 7)

    assert len({over.pk, cancelling.pk, fresh.pk}) == 3


def test_work_for_later_wakes_nobody_now(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(kind, 7, run_after=timezone.now() + timedelta(hours=1))

    assert not OrmQ.objects.exists()
    assert running.run_until_idle() == 0


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownKindError, match="dance"):
        queue.enqueue("dance", 1)


def test_a_batch_counts_new_and_joined_jobs_once_each(kind: str) -> None:
    user = User.objects.create(username="ada")
    before = queue.enqueue(kind, 3)
    batch = queue.create_batch("Count 5 sheep", "count", created_by=user, options={"x": 1})

    asked = queue.enqueue_many(kind, [1, 2, 3, 4, 5, 5], batch=batch, created_by=user)

    assert asked == 5
    assert batch.jobs.count() == 5
    assert before in batch.jobs.all()
    assert Job.objects.count() == 5
    assert Job.objects.get(subject_id=1).created_by == user


def test_ten_thousand_requests_take_few_statements(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    batch = queue.create_batch("Many", "count")

    with django_capture_on_commit_callbacks(execute=True):
        assert queue.enqueue_many(kind, range(10_000), batch=batch) == 10_000

    assert batch.jobs.count() == 10_000
    assert OrmQ.objects.count() == settings.FAST_WORKERS  # as many as there are workers


def test_jobs_run_by_priority_then_by_age() -> None:
    order: list[int | None] = []
    with registered(run=lambda work: order.append(work.subject_id)) as kind:
        for subject, priority in ((1, 0), (2, 5), (3, 0), (4, 5)):
            queue.enqueue(kind, subject, priority=priority)

        assert running.run_until_idle() == 4

    assert order == [2, 4, 1, 3]
