"""`manage.py work`: has a cluster for each queue with work, takes jobs back from the dead, and wakes workers up.

Without work there is no cluster: its processes would cost a hundred megabytes each, and a second of CPU a minute.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import psutil
from django.db import DatabaseError, connection
from django.db.models import Max

from jobs import clock, conf, owners, wake_ups
from jobs.execution import claims
from jobs.models import Cluster, Job
from jobs.registry import QUEUES
from jobs.workers import clusters, election, reaper, ticks
from jobs.workers.clusters import ClusterProcess

logger = logging.getLogger(__name__)

#: Of the 10 seconds that an end may take, what busy workers get to clean up.
CLEAN_UP_S = 4.0
#: A cluster that dies younger than this is started again only after as long, so that a broken one does not spin.
YOUNG_S = 3.0
#: A cluster that is to end has so long after its last claim was looked for: a worker may be just about to claim.
RETIRE_S = 1.0
#: So often it is looked whether the database changed, while nothing else is to be done.
LOOK_S = 0.5
#: A cluster may take so long to start on a busy machine; replacing it sooner would never end.
START_PATIENCE_S = 60.0


class Supervisor:
    """Everything here may be lost at any moment: the truth is in the rows."""

    def __init__(self, queues: Sequence[str] = QUEUES) -> None:
        self._queues = queues
        self._current: dict[str, ClusterProcess] = {}
        #: A row for each queue that needs no workers now.
        self._resting: dict[str, Cluster] = {}
        self._idle_since: dict[str, float] = {}
        self._data_version = 0
        self._retiring: list[ClusterProcess] = []
        self._stop = threading.Event()
        self._stuck: dict[str, tuple[float, datetime | None]] = {}
        self._not_before: dict[str, float] = {}

    def run(self) -> None:
        """Work until SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            self._guarded(clusters.forget_dead)
            while not self._stop.is_set():
                self.tick()
                self._wait(conf.timing().tick_s)
        finally:
            self.stop()

    def _wait(self, seconds: float) -> None:
        """Wait for the next tick; less where a queue rests and somebody has written: it may be work for it."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stop.wait(min(LOOK_S, left)):
            if self._resting and connection.vendor == "sqlite" and self._is_data_new():
                return

    def _is_data_new(self) -> bool:
        """Whether another process wrote since this was asked last. Costs some microseconds."""
        try:
            with connection.cursor() as cursor:
                version = int(cursor.execute("PRAGMA data_version").fetchone()[0])
        except DatabaseError:
            return False
        is_new, self._data_version = version != self._data_version, version
        return is_new

    def tick(self) -> None:
        """One look at everything; a database that is busy is looked at again the next time."""
        for queue in self._queues:
            self._guarded(lambda queue=queue: self._look_after(queue))  # type: ignore[misc]
        self._guarded(self._end_retired)
        self._guarded(self._kill_deaf)
        self._guarded(reaper.take_back)
        for queue in self._queues:
            self._guarded(lambda queue=queue: self._wake(queue))  # type: ignore[misc]
        ticks.start_due()

    def _guarded(self, step: Callable[[], object]) -> None:
        """Do a step; a busy database, or a process that goes while it is looked at, must not end the supervisor."""
        try:
            step()
        except (DatabaseError, psutil.Error, OSError):
            logger.warning("A step of the supervisor failed; it is tried again", exc_info=True)

    def _look_after(self, queue: str) -> None:
        """Have one good cluster for this queue."""
        cluster = self._current.get(queue)
        if cluster is None:
            self._start_or_rest(queue)
        elif cluster.has_ended():
            logger.warning("The %s cluster is gone; starting another", queue)
            self._drop(cluster)
        elif cluster.has_lost_a_member():
            logger.warning("A process of the %s cluster died; replacing the cluster", queue)
            self._replace(cluster)
        elif self._is_wedged(cluster):
            logger.warning("The %s cluster claims nothing though work is due; replacing it", queue)
            self._replace(cluster)
        elif cluster.age_s > conf.timing().recycle_s:
            self._replace(cluster)
        elif self._is_idle(cluster):
            cluster.retire()
            self._retiring.append(cluster)
            del self._current[queue], self._idle_since[queue]
            self._resting[queue] = clusters.rest(queue)
        else:
            clusters.note_seen(cluster.row)

    def _start_or_rest(self, queue: str) -> None:
        """Start a cluster where there is work for it; else say that it would be started."""
        is_wanted = not conf.timing().idle_s or claims.claimable(queue).exists()
        if is_wanted and time.monotonic() >= self._not_before.get(queue, 0):
            resting = self._resting.pop(queue, None)
            self._current[queue] = ClusterProcess.start(queue)
            if resting is not None:
                resting.delete()
        elif queue not in self._resting:
            self._resting[queue] = clusters.rest(queue)
        else:
            clusters.note_seen(self._resting[queue])

    def _is_idle(self, cluster: ClusterProcess) -> bool:
        """Whether there was nothing to do for so long that its processes may go."""
        queue, idle_s = cluster.queue, conf.timing().idle_s
        if not idle_s or claims.claimable(queue).exists() or cluster.leases():
            self._idle_since.pop(queue, None)
            return False
        return time.monotonic() - self._idle_since.setdefault(queue, time.monotonic()) > idle_s

    def _drop(self, cluster: ClusterProcess) -> None:
        cluster.kill()
        del self._current[cluster.queue]
        if cluster.age_s < YOUNG_S:
            self._not_before[cluster.queue] = time.monotonic() + YOUNG_S
        else:
            self._current[cluster.queue] = ClusterProcess.start(cluster.queue)

    def _replace(self, cluster: ClusterProcess) -> None:
        """Start another; what the old one's workers are doing may come to its end."""
        self._stuck.pop(cluster.queue, None)
        cluster.retire()
        self._retiring.append(cluster)
        self._current[cluster.queue] = ClusterProcess.start(cluster.queue)

    def _end_retired(self) -> None:
        for cluster in list(self._retiring):
            is_young = time.monotonic() - (cluster.retired_s or 0.0) < RETIRE_S
            if cluster.has_ended() or not (is_young or cluster.leases()):
                cluster.kill()
                self._retiring.remove(cluster)

    def _is_wedged(self, cluster: ClusterProcess) -> bool:
        """Whether work was due, a worker idle, and nothing claimed, for too long."""
        queue, now = cluster.queue, time.monotonic()
        if not cluster.is_complete and cluster.age_s < START_PATIENCE_S:
            return False
        if not claims.claimable(queue).exists() or len(cluster.leases()) >= cluster.row.workers:
            self._stuck.pop(queue, None)
            return False
        last_claim = Job.objects.filter(queue=queue).aggregate(last=Max("started_at"))["last"]
        since, claim_then = self._stuck.setdefault(queue, (now, last_claim))
        if last_claim != claim_then:
            self._stuck[queue] = (now, last_claim)
            return False
        return now - since > conf.timing().wedge_s

    def _kill_deaf(self) -> None:
        """End workers that were asked to cancel and do not listen; their job is then taken back as cancelled."""
        since = clock.now() - timedelta(seconds=conf.timing().cancel_grace_s)
        for job in Job.objects.leased().filter(cancel_requested_at__lt=since):
            pid = owners.pid_here(job.lease_owner)
            if pid is not None and any(cluster.owns(job) for cluster in self._all()):
                logger.warning("Job %s (%s) does not stop; ending its worker", job.pk, job.kind)
                clusters.kill_tree(pid)

    def _wake(self, queue: str) -> None:
        """Post wake-ups for due rows that have none."""
        cluster = self._current.get(queue)
        if cluster is None or wake_ups.waiting(queue):
            return
        idle = cluster.row.workers - len(cluster.leases())
        due = claims.claimable(queue)[: max(0, idle)].count() if idle > 0 else 0
        if due:
            wake_ups.post(queue, due)

    def _all(self) -> list[ClusterProcess]:
        return [*self._current.values(), *self._retiring]

    def stop(self) -> None:
        """End all workers, politely first, and give back what they held."""
        everything = self._all()
        for cluster in everything:
            self._guarded(cluster.retire)
        self._guarded(lambda: clusters.interrupt_workers(everything, CLEAN_UP_S))
        for cluster in everything:
            self._guarded(cluster.kill)
        self._guarded(lambda: Cluster.objects.filter(pk__in=[row.pk for row in self._resting.values()]).delete())
        self._current, self._retiring, self._resting = {}, [], {}
        self._guarded(reaper.give_back_of_dead)
        election.resign()
