"""Clusters: django-q2's processes for one queue, each cluster a process group of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import psutil
from django.db.models import QuerySet

from jobs import child_processes, clock, conf, owners
from jobs.models import Cluster, Job
from jobs.tasks import CLUSTER_ENV

#: q2 names its queue by this variable, read when it is imported.
Q2_NAME_ENV = "Q_CLUSTER_NAME"
#: How often a cluster's main process looks at its sentinel and at the supervisor.
WATCH_S = 0.5
#: A cluster not seen for so long counts as gone, for those who look from elsewhere.
SEEN_WITHIN_S = 30.0
#: A cluster of another host is taken for gone after so long.
SILENT_S = 600.0
#: So often it is written that a cluster was seen.
SEEN_EVERY_S = 10.0


def standing() -> QuerySet[Cluster]:
    """The clusters that were seen lately, for the doctor and the jobs page."""
    since = clock.now() - timedelta(seconds=SEEN_WITHIN_S)
    return Cluster.objects.filter(retired_at__isnull=True, seen_at__gte=since)


def main(queue: str, parent_pid: int) -> None:
    """The main process of a cluster. Ends, and kills its whole group, when its sentinel or the supervisor is gone."""
    child_processes.die_with(parent_pid)
    child_processes.tie_forks()
    from django_q.cluster import Cluster as Q2Cluster  # it reads the environment when it is imported

    if os.environ.get(Q2_NAME_ENV) != queue or os.getpgrp() != os.getpid():
        raise RuntimeError("A cluster is started by `.venv/bin/python manage.py work`, not by hand.")
    cluster = Q2Cluster()
    cluster.start()
    while cluster.sentinel.is_alive() and os.getppid() == parent_pid:
        time.sleep(WATCH_S)
    os.killpg(0, signal.SIGKILL)


@dataclass
class ClusterProcess:
    """A running cluster, seen from the supervisor."""

    queue: str
    row: Cluster
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)
    retired_s: float | None = None
    _members: frozenset[int] = frozenset()

    @classmethod
    def start(cls, queue: str) -> "ClusterProcess":
        row = Cluster.objects.create(queue=queue, workers=conf.workers(queue))
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore:Retry and timeout:UserWarning"),
                *(str(conf.manage_py()), "work", "--cluster", queue, "--parent", str(os.getpid())),
            ],
            env=os.environ | {Q2_NAME_ENV: queue, CLUSTER_ENV: str(row.pk)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        row.owner = owners.name_of(process.pid)
        row.save(update_fields=["owner"])
        return cls(queue, row, process)

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.started

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def is_complete(self) -> bool:
        """Whether all its processes have been seen."""
        return bool(self._members)

    def has_lost_a_member(self) -> bool:
        """Whether one of its processes died: a dead idle worker may hold the lock of the queue that all read."""
        now = self._look()
        if not self._members and len(now) >= self.row.workers + 3:  # with sentinel, pusher and monitor
            self._members = now
        return not self._members <= now

    def _look(self) -> frozenset[int]:
        """The sentinel and its own children; what workers start comes and goes."""
        sentinels = _children(self.process.pid)
        return frozenset(sentinels).union(*(_children(pid) for pid in sentinels))

    def leases(self) -> list[Job]:
        """The jobs that its workers hold."""
        return [job for job in Job.objects.leased() if self.owns(job)]

    def owns(self, job: Job) -> bool:
        pid = owners.pid_here(job.lease_owner)
        try:
            return pid is not None and os.getpgid(pid) == self.process.pid
        except ProcessLookupError:
            return False

    def retire(self) -> None:
        """Let its workers end what they do and start nothing new."""
        self.retired_s = time.monotonic()
        Cluster.objects.filter(pk=self.row.pk).update(retired_at=clock.now())

    def kill(self) -> None:
        """End all its processes, orphans included."""
        child_processes.signal_group(self.process.pid)
        self.process.wait()
        Cluster.objects.filter(pk=self.row.pk).delete()


def rest(queue: str) -> Cluster:
    """Note that this queue needs no workers now, and that the supervisor (this process) starts them when it does."""
    return Cluster.objects.create(queue=queue, workers=conf.workers(queue), owner=owners.me())


def note_seen(row: Cluster) -> None:
    """Say that the workers of this row live, or would start; written at most every few seconds."""
    now = clock.now()
    if now - row.seen_at >= timedelta(seconds=SEEN_EVERY_S):
        row.seen_at = now
        Cluster.objects.filter(pk=row.pk).update(seen_at=now)


def _children(pid: int) -> list[int]:
    """What a process has started; nothing if it is gone by now."""
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []


def interrupt_workers(clusters: Iterable[ClusterProcess], within_s: float) -> None:
    """Ask busy workers to clean up and give their job back; returns when all have, or after this time."""
    asked: set[int] = set()
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        pids = {owners.pid_here(job.lease_owner) for cluster in clusters for job in cluster.leases()}
        if not pids:
            return
        for pid in pids - asked:
            if pid is not None:
                _signal(pid, signal.SIGTERM)
                asked.add(pid)
        time.sleep(0.05)


def kill_tree(pid: int) -> None:
    """Kill a process and all it has started."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        _signal(member.pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def forget_dead() -> None:
    """Remove the rows of clusters that died with their supervisor; those of another host when it is long silent."""
    silent_since = clock.now() - timedelta(seconds=SILENT_S)
    for row in Cluster.objects.all():
        is_silent = owners.pid_here(row.owner) is None and row.seen_at < silent_since
        if not row.owner or is_silent or owners.is_dead_here(row.owner):
            row.delete()
