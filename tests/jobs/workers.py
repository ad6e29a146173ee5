"""Real worker processes for the tests: `manage.py work` on the test's own database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from jobs.models import Cluster, Job
from tests.jobs.farm.apps import YARD_ENV

PATIENCE_S = 40.0


@contextmanager
def working(yard: Path, **variables: str) -> Iterator[psutil.Process]:
    """`manage.py work` on this test's database, with both clusters up."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.jobs.farm.settings",
        "FARM_DATABASE": str(connection.settings_dict["NAME"]),
        YARD_ENV: str(yard),
        **variables,
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


def gone(processes: list[psutil.Process], seconds: float = PATIENCE_S) -> None:
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
