"""How the library does, in the text format of Prometheus (version 0.0.4): a few counting queries, nothing of AWS."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min
from django.utils import timezone

from bedrock.ledger import spend
from files.models import File
from jobs.models import Cluster, Job, QueueState
from jobs.registry import QUEUES

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "novaproject_"


@dataclass
class Gauge:
    """One measure: what it means, and its values by their labels."""

    name: str
    help: str
    values: list[tuple[Mapping[str, str], Any]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        name = PREFIX + self.name
        yield f"# HELP {name} {self.help}"
        yield f"# TYPE {name} gauge"
        for labels, value in self.values:
            escaped = {
                label: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                for label, text in labels.items()
            }
            named = ",".join(f'{label}="{text}"' for label, text in escaped.items())
            yield f"{name}{{{named}}} {value}" if named else f"{name} {value}"


def text() -> str:
    """All measures, as Prometheus reads them."""
    gauges = (_jobs(), *_queues(), _workers(), _files(), *_spend(), _disk())
    return "\n".join(line for gauge in gauges for line in gauge.lines()) + "\n"


def _jobs() -> Gauge:
    rows = Job.objects.order_by().values_list("queue", "state").annotate(n=Count("pk"))
    known = {(queue, state): n for queue, state, n in rows}
    pairs = [(queue, state) for queue in QUEUES for state in Job.State.values]
    values = [({"queue": queue, "state": state}, known.get((queue, state), 0)) for queue, state in pairs]
    return Gauge("jobs", "Jobs that are remembered, by queue and state.", list(values))


def _queues() -> Iterator[Gauge]:
    depth = Gauge("queue_depth", "Jobs that could start now.")
    oldest = Gauge("queue_oldest_wait_seconds", "How long the first of them waits.")
    paused = Gauge("queue_paused", "1 where a person paused the queue.")
    stopped = set(QueueState.objects.filter(is_paused=True).values_list("name", flat=True))
    for queue in QUEUES:
        due = Job.objects.due(queue).order_by().aggregate(n=Count("pk"), since=Min("run_after"))
        waits = (timezone.now() - due["since"]).total_seconds() if due["since"] else 0
        depth.values.append(({"queue": queue}, due["n"]))
        oldest.values.append(({"queue": queue}, round(waits, 1)))
        paused.values.append(({"queue": queue}, int(queue in stopped)))
    yield from (depth, oldest, paused)


def _workers() -> Gauge:
    gauge = Gauge("workers_seen_seconds", "Since the workers of a queue last gave a sign of life; absent: never.")
    rows = Cluster.objects.filter(retired_at__isnull=True).order_by("queue").values_list("queue")
    for queue, seen_at in rows.annotate(seen=Max("seen_at")):
        gauge.values.append(({"queue": queue}, round((timezone.now() - seen_at).total_seconds(), 1)))
    return gauge


def _files() -> Gauge:
    known = dict(File.objects.order_by().values_list("state").annotate(n=Count("pk")).values_list("state", "n"))
    return Gauge("files", "Files in the library.", [({"state": s}, known.get(s, 0)) for s in File.State.values])


def _spend() -> Iterator[Gauge]:
    month = spend.month()
    yield Gauge("month_spent_usd", "Settled this month (UTC).", [({}, month.spent_usd)])
    yield Gauge("month_reserved_usd", "Reserved for calls under way this month.", [({}, month.reserved_usd)])
    cap = Gauge("month_cap_usd", "The monthly cap; absent without one.")
    if month.cap_usd is not None:
        cap.values.append(({}, month.cap_usd))
    yield cap


def _disk() -> Gauge:
    gauge = Gauge("disk_free_bytes", "Free space where we write.")
    for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR"):
        folder = Path(getattr(settings, name))
        if folder.is_dir():
            gauge.values.append(({"folder": name}, shutil.disk_usage(folder).free))
    return gauge
