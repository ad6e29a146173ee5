"""What a wake-up does."""

import logging
import os
import re
import signal
import threading

import pytest
from django.conf import settings
from django_q.models import OrmQ

from jobs import queue, tasks, wake_ups
from jobs.models import Cluster
from jobs.tracing import job_id
from jobs.work import Work
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


def test_a_wake_up_works_until_nothing_is_due_in_its_queue(kind: str) -> None:
    with registered("dig", queue="long") as other:
        queue.enqueue_many(kind, [1, 2, 3], batch=queue.create_batch("b", "count"))
        elsewhere = queue.enqueue(other, 1)

        assert tasks.wake("fast") == 3
        assert tasks.wake("fast") == 0

    elsewhere.refresh_from_db()
    assert elsewhere.state == "queued"


def test_a_long_wake_up_hands_over_to_another(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "HAND_OVER_S", -1)
    queue.enqueue_many(kind, [1, 2], batch=queue.create_batch("b", "count"))

    assert tasks.wake("fast") == 1
    assert OrmQ.objects.filter(key="fast").count() == 1


def test_a_retired_cluster_starts_nothing_more(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Cluster.objects.create(queue="fast", workers=1)
    monkeypatch.setenv(tasks.CLUSTER_ENV, str(row.pk))
    queue.enqueue(kind, 1)
    assert tasks.wake("fast") == 1

    queue.enqueue(kind, 2)
    row.retired_at = row.started_at
    row.save()
    assert tasks.wake("fast") == 0
    row.delete()
    assert tasks.wake("fast") == 0


@pytest.mark.parametrize("is_retired", [False, True])
def test_sigterm_ends_the_work_with_its_clean_up_and_gives_the_job_back(
    is_retired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[bool] = []

    def run(work: Work) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(5)
        finally:
            cleaned.append(True)

    row = Cluster.objects.create(queue="fast", workers=1)
    monkeypatch.setenv(tasks.CLUSTER_ENV, str(row.pk))
    before = signal.getsignal(signal.SIGTERM)
    with registered(run=run) as kind:
        job = queue.enqueue(kind, 1)
        if is_retired:  # the whole cluster is being ended: the supervisor does the rest

            def retire_and_run(work: Work) -> None:
                row.delete()
                run(work)

            with registered("retire", retire_and_run) as other:
                job = queue.enqueue(other, 1, priority=1)
                assert tasks.wake("fast") == 0
        else:
            with pytest.raises(SystemExit):
                tasks.wake("fast")

    job.refresh_from_db()
    assert (job.state, job.crashes, job.failures) == ("queued", 0, 0)
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) == before


def test_no_more_wake_ups_are_posted_than_there_are_workers() -> None:
    wake_ups.post("fast", 10)
    wake_ups.post("fast", 10)

    assert wake_ups.waiting("fast") == settings.FAST_WORKERS


def test_the_log_says_how_each_job_went(kind: str, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jobs.tasks")
    ids: list[int | None] = []

    def note(record: logging.LogRecord) -> bool:
        ids.append(job_id.get())
        return True

    caplog.handler.addFilter(note)
    jobs = [queue.enqueue(kind, 1), queue.enqueue(broken, 2)]

    tasks.wake("fast")

    fine, bad = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert fine[0] == "INFO"
    assert re.fullmatch(rf"{kind} of sheep 1: succeeded after \d+\.\d s\. .*", fine[1])
    assert bad[0] == "WARNING"
    assert bad[1].endswith("It broke. Mend it.")
    assert ids == [job.pk for job in jobs]
