"""Real worker processes that are killed: nothing but waiting must be needed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobs import control, queue
from jobs.models import Cluster
from tests.jobs.farm.apps import plough, sulk
from tests.jobs.kinds import registered
from tests.jobs.workers import gone, idle_workers, owner_pid, sentinels, state, until, working

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="dying with one's parent is Linux's"),
]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Path]:
    """The farm's kinds, known here too, and the folder of their traces."""
    with registered("plough", plough, queue="long"), registered("sulk", sulk, queue="long"):
        yield tmp_path


def test_work_goes_on_after_kill_9_of_an_idle_worker_a_busy_one_and_a_sentinel(farm: Path) -> None:
    with working(farm) as supervisor:
        for worker in idle_workers(sentinels(supervisor)["long"]):
            worker.kill()
        first = queue.enqueue("plough", 1)
        until(lambda: state(first) == "succeeded")

        second = queue.enqueue("plough", 2, {"seconds": 2.5})
        os.kill(owner_pid(second), signal.SIGKILL)
        until(lambda: state(second) == "succeeded")
        assert (second.attempts, second.crashes) == (2, 1)

        until(lambda: "long" in sentinels(supervisor))
        third = queue.enqueue("plough", 3, {"seconds": 2.5})
        orphans = [psutil.Process(owner_pid(third)), *sentinels(supervisor)["long"].children()]
        sentinels(supervisor)["long"].kill()
        gone(orphans)
        until(lambda: state(third) == "succeeded")

    done = {path.name: path.read_text() for path in farm.glob("*.done")}
    assert done == {"1.done": "done\n", "2.done": "done\n", "3.done": "done\n"}


def test_ctrl_c_ends_all_in_time_and_gives_the_job_back(farm: Path) -> None:
    with working(farm) as supervisor:
        job = queue.enqueue("plough", 1, {"seconds": 60})
        owner_pid(job)
        family = supervisor.children(recursive=True)
        begun = time.monotonic()
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(timeout=10)
        gone(family, 10 - (time.monotonic() - begun))

    assert state(job) == "queued"
    assert (job.failures, job.crashes, job.error, job.lease_owner) == (0, 0, "", "")
    assert not list(farm.glob("*.part")) + list(farm.glob(".*.part"))
    assert not Cluster.objects.exists()


def test_workers_die_with_a_supervisor_that_is_killed_and_the_next_one_goes_on(farm: Path) -> None:
    with working(farm) as supervisor:
        job = queue.enqueue("plough", 1, {"seconds": 3})
        owner_pid(job)
        family = supervisor.children(recursive=True)
        supervisor.kill()
        gone(family)

    with working(farm):
        until(lambda: state(job) == "succeeded")
    assert (farm / "1.done").read_text() == "done\n"


def test_a_worker_that_ignores_a_cancel_is_ended_with_its_children(farm: Path) -> None:
    with working(farm):
        job = queue.enqueue("sulk", 1)
        started = farm / "1.started.1"
        until(lambda: started.exists() and started.read_text())
        family = [psutil.Process(int(pid)) for pid in started.read_text().split()]

        control.cancel(job)

        until(lambda: state(job) == "cancelled")
        gone(family)
