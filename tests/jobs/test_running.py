"""How a job runs and ends."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobs import control, queue, signals
from jobs.errors import Cancelled, Interrupted, WorkError
from jobs.execution import claims, running
from jobs.models import Job
from jobs.work import Work
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


class DriveAsleepError(WorkError):
    retryable = True
    remedy = "Wake the drive."


class NoSoundError(WorkError):
    remedy = "There is nothing to transcribe."


def test_success_keeps_the_message_and_fills_the_bar() -> None:
    seen: list[Work] = []

    def run(work: Work) -> str:
        seen.append(work)
        work.progress.update(0.5, "half way")
        row = Job.objects.get()
        assert (row.state, row.progress, row.message) == ("running", 0.5, "half way")
        assert row.lease_owner
        return "7 sheep"

    with registered(run=run) as kind:
        job = running.run_now(queue.enqueue(kind, 7, {"depth": 2}))

    assert (job.state, job.progress, job.message, job.attempts) == ("succeeded", 1.0, "7 sheep", 1)
    assert job.lease_owner == ""
    assert job.lease_expires_at is None
    assert job.finished_at is not None
    assert (seen[0].job_id, seen[0].subject, seen[0].options, seen[0].attempt) == (job.pk, 7, {"depth": 2}, 1)


def test_a_permanent_error_ends_the_job_with_its_remedy() -> None:
    def run(work: Work) -> None:
        raise NoSoundError("No sound track.")

    with registered(run=run) as kind:
        job = running.run_now(queue.enqueue(kind, 7))

    assert (job.state, job.error, job.remedy) == ("failed", "No sound track.", "There is nothing to transcribe.")


def test_an_error_that_may_pass_is_tried_again_later_and_later_and_then_given_up() -> None:
    def run(work: Work) -> None:
        raise DriveAsleepError("The drive did not answer.")

    pauses = []
    with registered(run=run) as kind:
        job = queue.enqueue(kind, 7)
        for _ in range(2):
            running.run_now(job)
            job.refresh_from_db()
            assert (job.state, job.error) == ("queued", "The drive did not answer.")
            pauses.append((job.run_after - timezone.now()).total_seconds())
        running.run_now(job)

    job.refresh_from_db()
    assert (job.state, job.failures, job.attempts) == ("failed", 3, 3)
    assert pauses[0] == pytest.approx(30, abs=5)
    assert pauses[1] == pytest.approx(60, abs=5)


@pytest.mark.parametrize(("failures", "pause_s"), [(0, 30), (1, 60), (2, 120), (3, 240), (6, 1920), (7, 3600)])
def test_each_pause_is_twice_the_last_but_at_most_an_hour(failures: int, pause_s: float) -> None:
    assert running.back_off_s(failures) == pause_s


@pytest.mark.parametrize(("most", "states"), [(1, ["failed"]), (2, ["queued", "failed"])])
def test_a_kind_says_how_often_it_is_tried(most: int, states: list[str]) -> None:
    def run(work: Work) -> None:
        raise DriveAsleepError("The drive did not answer.")

    with registered(run=run, max_attempts=most) as kind:
        job = queue.enqueue(kind, 7)

        assert [running.run_now(job).state for _ in states] == states


def test_a_busy_database_is_an_error_that_may_pass() -> None:
    def run(work: Work) -> None:
        raise OperationalError("database is locked")

    with registered(run=run) as kind:
        job = running.run_now(queue.enqueue(kind, 7))

    assert (job.state, job.error) == ("queued", "The database said: database is locked")


def test_an_unexpected_error_is_logged_and_never_stops_the_neighbours(caplog: pytest.LogCaptureFixture) -> None:
    def run(work: Work) -> None:
        if work.subject_id == 1:
            raise ZeroDivisionError("oops")

    with registered(run=run) as kind:
        batch = queue.create_batch("b", "count")
        queue.enqueue_many(kind, [1, 2], batch=batch)
        assert running.run_until_idle() == 2

    states = dict(batch.jobs.values_list("subject_id", "state"))
    assert states == {1: "failed", 2: "succeeded"}
    assert Job.objects.get(subject_id=1).error == "Unexpected error (ZeroDivisionError): oops"
    assert "ZeroDivisionError" in caplog.text


def test_a_job_of_a_kind_that_is_gone_fails_in_plain_words() -> None:
    with registered() as kind:
        job = queue.enqueue(kind, 7)

    running.run_until_idle()

    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "Nothing here can do “count_sheep”.")


def test_a_cancel_is_noticed_at_the_next_report() -> None:
    def run(work: Work) -> None:
        control.cancel(Job.objects.get(pk=work.job_id))
        work.progress.check()
        raise AssertionError("went on after a cancel")

    with registered(run=run) as kind:
        job = running.run_now(queue.enqueue(kind, 7))

    assert job.state == "cancelled"
    assert job.finished_at is not None


def test_a_job_that_was_taken_back_is_not_written_by_its_former_worker() -> None:
    def run(work: Work) -> str:
        Job.objects.filter(pk=work.job_id).update(lease_owner="elsewhere:1:2.00", attempts=2)
        with pytest.raises(Cancelled):
            work.progress.check()
        return "done too late"

    with registered(run=run) as kind:
        job = running.run_now(queue.enqueue(kind, 7))

    assert (job.state, job.lease_owner, job.message) == ("running", "elsewhere:1:2.00", "")


@pytest.mark.parametrize("error", [Interrupted(), KeyboardInterrupt()])
def test_an_interrupted_job_is_given_back_and_not_counted_as_failed(error: BaseException) -> None:
    def run(work: Work) -> None:
        raise error

    with registered(run=run) as kind:
        job = queue.enqueue(kind, 7)
        with pytest.raises(type(error)):
            running.run_now(job)

    job.refresh_from_db()
    assert (job.state, job.failures, job.crashes, job.lease_owner) == ("queued", 0, 0, "")
    assert job.run_after <= timezone.now()


def test_no_job_is_held_while_another_one_runs() -> None:
    held: list[int] = []

    def run(work: Work) -> None:
        held.append(Job.objects.running().count())

    with registered("brief", run) as brief, registered("lengthy", run, queue="long") as lengthy:
        queue.enqueue(brief, 1)
        queue.enqueue(lengthy, 1)
        assert running.run_until_idle() == 2

    assert held == [1, 1]


@pytest.mark.parametrize("error", [Interrupted(), DriveAsleepError("asleep")])
def test_a_job_to_be_cancelled_is_not_queued_again(error: BaseException) -> None:
    def run(work: Work) -> None:
        control.cancel(Job.objects.get(pk=work.job_id))
        raise error

    with registered(run=run) as kind:
        job = queue.enqueue(kind, 7)
        try:
            running.run_now(job)
        except Interrupted:
            assert isinstance(error, Interrupted)

    job.refresh_from_db()
    assert job.state == "cancelled"


def test_only_one_worker_gets_a_job(kind: str) -> None:
    job = queue.enqueue(kind, 7)

    assert claims.claim("fast") is not None
    assert claims.claim("fast") is None
    assert claims.claim_job(job) is None
    assert running.run_now(job).state == "running"


def test_the_end_of_a_job_is_announced_after_commit(kind: str, django_capture_on_commit_callbacks: object) -> None:
    ends: list[tuple[int, str]] = []

    def on_end(sender: object, job: Job, **kwargs: object) -> None:
        ends.append((job.pk, job.state))

    signals.job_ended.connect(on_end)
    try:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            done = running.run_now(queue.enqueue(kind, 1))
            cancelled = control.cancel(queue.enqueue(kind, 2))
    finally:
        signals.job_ended.disconnect(on_end)

    assert ends == [(done.pk, "succeeded"), (cancelled.pk, "cancelled")]
