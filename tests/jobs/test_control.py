"""Cancelling, retrying, pausing, parking."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoCaptureOnCommitCallbacks

from jobs import control, counting, notifications, queue
from jobs.errors import NotCancellableError, NotRetryableError, WorkError
from jobs.execution import running
from jobs.models import Job
from jobs.notifications import TELL_CANCELLED
from jobs.signals import job_ended
from jobs.work import Work
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


class BrokenError(WorkError):
    remedy = "Mend it."


def failing(work: Work) -> None:
    raise BrokenError("It broke.")


def failed(kind: str, subject: int = 7) -> Job:
    return running.run_now(queue.enqueue(kind, subject))


def states(*jobs: Job) -> list[str]:
    for job in jobs:
        job.refresh_from_db()
    return [job.state for job in jobs]


def test_a_queued_job_is_cancelled_at_once_and_one_that_is_over_not_at_all(kind: str) -> None:
    job = control.cancel(queue.enqueue(kind, 7))
    assert job.state == "cancelled"

    with pytest.raises(NotCancellableError, match="over already"):
        control.cancel(job)


def test_cancelling_a_running_job_twice_is_fine(kind: str) -> None:
    job = queue.enqueue(kind, 7)
    Job.objects.filter(pk=job.pk).update(state="running", lease_owner="elsewhere:1:2.00")

    assert control.cancel(job).is_cancelling
    assert control.cancel(job).state == "running"


def test_retry_queues_what_failed_again_with_a_clean_slate(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with registered(run=failing) as kind:
        job = failed(kind)
        with django_capture_on_commit_callbacks(execute=True):
            again = control.retry(job)

    assert again.pk == job.pk
    assert (again.state, again.error, again.remedy, again.failures, again.finished_at) == ("queued", "", "", 0, None)
    assert OrmQ.objects.count() == 1


def test_retry_joins_the_same_request_that_is_under_way() -> None:
    with registered(run=failing) as kind:
        job = failed(kind)
        newer = queue.enqueue(kind, 7)

        assert control.retry(job).pk == newer.pk

    assert states(job, newer) == ["failed", "queued"]


def test_only_what_failed_or_was_cancelled_can_be_retried(kind: str) -> None:
    with pytest.raises(NotRetryableError, match="succeeded"):
        control.retry(running.run_now(queue.enqueue(kind, 7)))


def test_retrying_all_queues_each_request_once() -> None:
    with registered(run=failing) as kind:
        older, newer, other, busy = failed(kind, 1), failed(kind, 1), failed(kind, 2), failed(kind, 3)
        under_way = queue.enqueue(kind, 3)

        assert control.retry_all(Job.objects.all()) == 2

    assert states(older, newer, other, busy, under_way) == ["failed", "queued", "queued", "failed", "queued"]


def test_a_cancelled_batch_stops_what_is_left_but_not_what_another_batch_waits_for(kind: str) -> None:
    mine, theirs = queue.create_batch("mine", "count"), queue.create_batch("theirs", "count")
    done = running.run_now(queue.enqueue(kind, 1, batch=mine))
    queue.enqueue_many(kind, [2, 3], batch=mine)
    queue.enqueue_many(kind, [3], batch=theirs)

    assert control.cancel_batch(mine) == 1

    two, three = Job.objects.get(subject_id=2), Job.objects.get(subject_id=3)
    assert states(done, two, three) == ["succeeded", "cancelled", "queued"]
    assert mine.cancelled_at is not None

    assert control.cancel_batch(theirs) == 1
    assert states(three) == ["cancelled"]


def test_of_many_cancelled_jobs_those_that_may_be_told_of_later_are_and_none_that_was_tried_again(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MOST_AT_ONCE", 2)
    told: list[tuple[str, int | None]] = []

    def hear(*, job: Job, **_: object) -> None:
        told.append((job.kind, job.subject_id))

    with registered("wait_patiently", is_told_later=True) as patient:
        batch = queue.create_batch("b", "count")
        queue.enqueue_many(patient, [1, 2, 3], batch=batch)
        queue.enqueue_many(kind, [4], batch=batch)
        job_ended.connect(hear)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                assert control.cancel_batch(batch) == 4
            assert told == [(kind, 4)]
            assert set(Job.objects.filter(batches=batch).values_list("state", flat=True)) == {"cancelled"}

            control.retry(Job.objects.get(subject_id=2))
            with django_capture_on_commit_callbacks(execute=True):
                job = running.run_now(Job.objects.get(kind=TELL_CANCELLED))
        finally:
            job_ended.disconnect(hear)

    assert job.state == "succeeded"
    assert sorted(told[1:]) == sorted([(patient, 1), (patient, 3), (TELL_CANCELLED, None)])


def test_retry_failed_takes_only_the_failed_ones_of_a_batch() -> None:
    with registered(run=failing) as kind:
        batch = queue.create_batch("b", "count")
        queue.enqueue_many(kind, [1, 2], batch=batch)
        stranger = queue.enqueue(kind, 3)
        running.run_until_idle()
        control.cancel_batch(batch)

        assert control.retry_failed(batch) == 2

    assert batch.cancelled_at is None
    assert states(stranger) == ["failed"]


def test_the_jobs_of_a_thing_that_goes_are_cancelled(kind: str) -> None:
    here, there = queue.enqueue(kind, 1), queue.enqueue(kind, 2)

    assert control.cancel_for_subject("sheep", 1) == 1
    assert states(here, there) == ["cancelled", "queued"]


def test_a_paused_queue_starts_nothing_until_it_is_resumed(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    control.pause("fast")
    queue.enqueue(kind, 7)
    assert running.run_until_idle() == 0

    with django_capture_on_commit_callbacks(execute=True):
        control.resume("fast")

    assert OrmQ.objects.filter(key="fast").exists()
    assert running.run_until_idle() == 1


def park(work: Work) -> str:
    return work.park("waits at Bedrock")


def test_a_parked_job_waits_without_a_lease_until_its_subject_ends_it() -> None:
    with registered(run=park) as kind:
        job = running.run_now(queue.enqueue(kind, 7))
        assert (job.state, job.is_parked, job.message, job.lease_owner) == ("running", True, "waits at Bedrock", "")
        control.report_parked(kind, 7, 0.5, "half of the records")
        job.refresh_from_db()
        assert (job.progress, job.message) == (0.5, "half of the records")

        assert control.finish_parked(kind, 7, message="12 chapters") == 1
        assert control.finish_parked(kind, 7) == 0

    job.refresh_from_db()
    assert (job.state, job.is_parked, job.progress, job.message) == ("succeeded", False, 1.0, "12 chapters")


def test_an_error_of_parked_work_is_final_because_trying_again_may_cost() -> None:
    with registered(run=park) as kind:
        job = running.run_now(queue.enqueue(kind, 7))
        control.finish_parked(kind, 7, error=BrokenError("Bedrock gave up.", retryable=True))

    job.refresh_from_db()
    assert (job.state, job.error, job.remedy) == ("failed", "Bedrock gave up.", "Mend it.")


def test_the_cancel_of_a_parked_job_is_passed_on() -> None:
    passed_on: list[int] = []
    with registered(run=park, on_cancel=passed_on.append) as kind:
        job = running.run_now(queue.enqueue(kind, 7))
        control.cancel(job)

    assert passed_on == [7]
    assert states(job) == ["cancelled"]


def test_a_cancel_while_the_job_is_being_parked_is_passed_on_too() -> None:
    passed_on: list[int] = []

    def run(work: Work) -> str:
        control.cancel(Job.objects.get(pk=work.job_id))
        return work.park("waits")

    with registered(run=run, on_cancel=passed_on.append) as kind:
        job = running.run_now(queue.enqueue(kind, 7))

    assert (passed_on, job.state) == ([7], "cancelled")


def test_a_batch_whose_rest_waits_elsewhere_has_no_time_left_to_tell(kind: str) -> None:
    batch = queue.create_batch("Three", kind)
    for subject in (1, 2, 3):
        queue.enqueue(kind, subject, batch=batch)
    started = {"started_at": timezone.now() - timedelta(minutes=10)}
    Job.objects.filter(subject_id=1).update(**started, state="succeeded", finished_at=timezone.now())
    Job.objects.filter(subject_id=2).update(**started, state="running", is_parked=True)
    assert counting.count([batch])[batch.pk].eta_s is not None

    Job.objects.filter(subject_id=3).update(**started, state="running", is_parked=True)

    assert counting.count([batch])[batch.pk].eta_s is None


def test_a_large_batch_is_cancelled_by_the_workers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST_AT_ONCE", 2)
    batch = queue.create_batch("Many", "try")
    other = queue.create_batch("Other", "try")
    queue.enqueue_many(kind, range(5), batch=batch)
    queue.enqueue_many(kind, [4], batch=other)

    count = control.cancel_batch(batch)

    assert count == 4
    assert batch.jobs.filter(state="queued").count() == 5
    first = Job.objects.due("fast").first()
    assert first is not None
    assert first.kind == control.CANCEL_BATCH
    running.run_now(first)
    assert sorted(batch.jobs.values_list("subject_id", "state")) == [
        *((n, "cancelled") for n in range(4)),
        (4, "queued"),
    ]
