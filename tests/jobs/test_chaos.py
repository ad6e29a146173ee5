"""Real worker processes that are killed: nothing but waiting must be needed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection

from jobs import queue
from jobs.models import Cluster, Job
from tests.jobs.farm.apps import YARD_ENV, plough, sulk
from tests.jobs.kinds import registered

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="dying with one's parent is Linux's"),
]
PATIENCE_S = 40.0


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Path]:
    """The farm's kinds, known here too, and the folder of their traces."""
    with registered("plough", plough, queue="long"), registered("sulk", sulk, queue="long"):
        yield tmp_path


@contextmanager
def working(farm: Path) -> Iterator[psutil.Process]:
    """`manage.py work` on this test's database, with both clusters up."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.jobs.farm.settings",
        "FARM_DATABASE": str(connection.settings_dict["NAME"]),
        YARD_ENV: str(farm),
    }
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work"]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        supervisor = psutil.Process(process.pid)
        until(lambda: len(sentinels(supervisor)) == 2)
        yield supervisor
    finally:
        family = supervisor.children(recursive=True) if supervisor.is_running() else []
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        gone(family)


def until(is_so: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait for something that must come true."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def gone(processes: list[psutil.Process], seconds: float = 10.0) -> None:
    """None of these lives on (a zombie that init has yet to reap does not live)."""
    until(lambda: not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], seconds)


def sentinels(supervisor: psutil.Process) -> dict[str, psutil.Process]:
    """The sentinel of each queue whose cluster is complete: workers, pusher and monitor under it."""
    found = {}
    for row in Cluster.objects.filter(retired_at__isnull=True).exclude(owner=""):
        try:
            for sentinel in psutil.Process(int(row.owner.split(":")[-2])).children():
                if len(sentinel.children()) == row.workers + 2:
                    found[row.queue] = sentinel
        except psutil.NoSuchProcess:
            continue
    return found


def idle_workers(sentinel: psutil.Process) -> list[psutil.Process]:
    """The workers are forked first, so they are the first of the sentinel's children."""
    return sorted(sentinel.children(), key=lambda process: process.pid)[: settings.LONG_WORKERS]


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def owner_pid(job: Job) -> int:
    until(lambda: state(job) == "running" and (job.started_at and job.progress > 0))
    return int(job.lease_owner.split(":")[-2])


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

        queue.cancel(job)

        until(lambda: state(job) == "cancelled")
        gone(family)
