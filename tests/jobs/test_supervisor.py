"""The supervisor, tick by tick in this process, with real clusters under it."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.db import DatabaseError, connection
from pytest_django import Settings

from jobs import control, owners, queue
from jobs.models import Cluster, Job
from jobs.workers import clusters
from jobs.workers.supervisor import Supervisor
from tests.jobs.farm.apps import YARD_ENV, plough
from tests.jobs.kinds import registered
from tests.jobs.workers import gone, owner_pid, sentinels, state, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="dying with one's parent is Linux's"),
]


@pytest.fixture
def supervisor(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """One that looks after the long queue, and is stopped at the end."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.jobs.farm.settings")
    monkeypatch.setenv("FARM_DATABASE", str(connection.settings_dict["NAME"]))
    monkeypatch.setenv(YARD_ENV, str(tmp_path))
    settings.JOB_LEASE_SECONDS, settings.JOB_WEDGE_SECONDS, settings.JOB_CANCEL_GRACE_SECONDS = 4.0, 2.0, 0.5
    settings.JOB_IDLE_SECONDS = 0
    supervisor = Supervisor(["long"])
    with registered("plough", plough, queue="long"):
        yield supervisor
        supervisor.stop()


def tick_until(supervisor: Supervisor, is_so: Callable[[], object]) -> None:
    def is_so_now() -> object:
        supervisor.tick()
        return is_so()

    until(is_so_now)


def tick_until_done(supervisor: Supervisor, job: Job) -> None:
    tick_until(supervisor, lambda: state(job) == "succeeded")


def tick_until_gone(supervisor: Supervisor, process: psutil.Process) -> None:
    tick_until(supervisor, lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def test_it_works_what_is_due_and_replaces_what_dies_stops_or_ages(
    supervisor: Supervisor, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    tick_until_done(supervisor, queue.enqueue("plough", 1))
    supervisor.tick()  # it knows the members of the cluster now

    cluster = sentinels(psutil.Process())["long"]
    cluster.children()[0].kill()
    tick_until(supervisor, lambda: "A process of the long cluster died" in caplog.text)
    tick_until_done(supervisor, queue.enqueue("plough", 2))
    until(lambda: "long" in sentinels(psutil.Process()))
    supervisor.tick()
    for process in sentinels(psutil.Process())["long"].children():
        process.suspend()
    tick_until_done(supervisor, queue.enqueue("plough", 3))
    assert "claims nothing though work is due" in caplog.text

    until(lambda: "long" in sentinels(psutil.Process()))
    old = sentinels(psutil.Process())["long"]
    settings.JOB_RECYCLE_SECONDS = 0.0
    supervisor.tick()
    settings.JOB_RECYCLE_SECONDS = 3600.0
    tick_until_gone(supervisor, old)
    row = Cluster.objects.get(retired_at__isnull=True)
    os.kill(int(row.owner.split(":")[-2]), signal.SIGKILL)
    tick_until_done(supervisor, queue.enqueue("plough", 4))
    assert "The long cluster is gone" in caplog.text


def test_a_busy_worker_of_a_replaced_cluster_may_end_its_work(supervisor: Supervisor, settings: Settings) -> None:
    supervisor.tick()
    until(lambda: "long" in sentinels(psutil.Process()))
    job = queue.enqueue("plough", 1, {"seconds": 3})
    worker = psutil.Process(owner_pid(job))

    settings.JOB_RECYCLE_SECONDS = 0.0
    supervisor.tick()
    settings.JOB_RECYCLE_SECONDS = 3600.0
    assert worker.is_running()
    tick_until_done(supervisor, job)
    assert job.attempts == 1
    tick_until_gone(supervisor, worker)

    settings.JOB_CANCEL_GRACE_SECONDS = 0.0
    deaf = queue.enqueue("plough", 2, {"seconds": 30})
    tick_until(supervisor, lambda: state(deaf) == "running" and deaf.progress > 0)
    os.kill(owner_pid(deaf), signal.SIGSTOP)
    control.cancel(deaf)
    tick_until(supervisor, lambda: state(deaf) == "cancelled")


def test_workers_start_when_there_is_work_and_end_when_there_is_none(
    supervisor: Supervisor, settings: Settings
) -> None:
    settings.JOB_IDLE_SECONDS = 0.5
    others = set(psutil.Process().children())  # helpers that earlier tests of this process keep
    supervisor.tick()
    assert set(psutil.Process().children()) <= others
    (resting,) = clusters.standing()
    assert (resting.queue, resting.workers, resting.owner) == ("long", settings.LONG_WORKERS, owners.me())

    tick_until_done(supervisor, queue.enqueue("plough", 1))
    tick_until(supervisor, lambda: set(psutil.Process().children()) <= others)
    assert clusters.standing().get().owner == owners.me()

    tick_until_done(supervisor, queue.enqueue("plough", 2))


@pytest.mark.sqlite("its file tells that somebody wrote")
def test_a_resting_supervisor_looks_up_when_somebody_writes(supervisor: Supervisor, settings: Settings) -> None:
    settings.JOB_IDLE_SECONDS = 60
    supervisor.tick()
    supervisor._is_data_new()
    assert not supervisor._is_data_new()

    with sqlite3.connect(connection.settings_dict["NAME"]) as other:
        other.execute("CREATE TABLE written (id INTEGER)")
        other.execute("DROP TABLE written")
    other.close()

    assert supervisor._is_data_new()


def test_its_end_gives_jobs_back_and_leaves_no_process(supervisor: Supervisor, tmp_path: Path) -> None:
    others = set(psutil.Process().children(recursive=True))  # helpers that earlier tests of this process keep
    supervisor.tick()
    job = queue.enqueue("plough", 1, {"seconds": 60})
    owner_pid(job)
    family = list(set(psutil.Process().children(recursive=True)) - others)
    assert family

    supervisor.stop()

    gone(family)
    assert (state(job), job.crashes, job.failures) == ("queued", 0, 0)
    assert not Cluster.objects.exists()
    assert not list(tmp_path.glob(".*.part"))


def test_a_busy_database_does_not_end_it(supervisor: Supervisor, caplog: pytest.LogCaptureFixture) -> None:
    def busy() -> None:
        raise DatabaseError("database is locked")

    supervisor._guarded(busy)

    assert "it is tried again" in caplog.text


def test_rows_of_clusters_that_died_with_their_supervisor_are_forgotten() -> None:
    Cluster.objects.create(queue="long", workers=2, owner="")
    Cluster.objects.create(queue="long", workers=2, owner="elsewhere:1:2.00")

    clusters.forget_dead()

    assert [row.owner for row in Cluster.objects.all()] == ["elsewhere:1:2.00"]


def test_a_cluster_is_not_started_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.child_processes.die_with", lambda parent: None)
    monkeypatch.setattr("jobs.child_processes.tie_forks", lambda: None)

    with pytest.raises(RuntimeError, match="started by"):
        clusters.main("long", os.getppid())
