"""Wake-ups: the only module that knows django-q2's queue. A message names a queue and no job."""

from django.db import transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task

from jobs import conf

#: q2's word for "no time limit". A limit would fail q2's own task and leave the job running.
NO_LIMIT = -1


def waiting(queue: str) -> int:
    """Messages that no cluster has fetched yet."""
    count: int = get_broker(queue).queue_size()
    return count


def post(queue: str, count: int = 1) -> None:
    """Wake up to `count` workers; more messages than workers would only be no-ops."""
    for _ in range(min(count, conf.workers(queue) - waiting(queue))):
        async_task("jobs.tasks.wake", queue, cluster=queue, timeout=NO_LIMIT, save=False)


def post_on_commit(queue: str, count: int = 1) -> None:
    transaction.on_commit(lambda: post(queue, count), robust=True)
