"""Forgetting jobs that are long over. What was made, paid for or is still to be mended is not touched."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs import conf
from jobs.bulk import sliced
from jobs.models import Batch, Job, JobQuerySet

#: How often it is looked for what is old enough.
EVERY_S = 3600.0


def forget_old() -> int:
    """Delete jobs that ended more than `JOB_KEEP_DAYS` ago, and batches of nothing else. Returns how many jobs.

    Failed jobs stay until somebody asked for the same again. A batch that stays keeps all its jobs: its numbers are
    counted from them.
    """
    days = conf.keep_days()
    if not days:
        return 0
    before = timezone.now() - timedelta(days=days)
    settled = Job.objects.over().filter(finished_at__lt=before).exclude(pk__in=Job.objects.unresolved().values("pk"))
    links = Batch.jobs.through.objects
    alive = links.exclude(job__in=settled).values("batch_id").distinct()
    disposable = settled.exclude(pk__in=links.filter(batch__in=alive).values("job_id"))
    # The failed ones first: one that is still there would count as not dealt with, were the newer job gone.
    older_failure = Job.objects.failed().filter(fingerprint=OuterRef("fingerprint"), pk__lt=OuterRef("pk"))
    forgotten = _delete(disposable.failed()) + _delete(disposable.exclude(Exists(older_failure)))
    Batch.objects.filter(created_at__lt=before).exclude(Exists(links.filter(batch_id=OuterRef("pk")))).delete()
    return forgotten


def _delete(jobs: JobQuerySet) -> int:
    ids = list(jobs.order_by("pk").values_list("pk", flat=True))
    for chunk in sliced(ids):  # each a transaction of its own: workers never wait long for it
        Job.objects.over().filter(pk__in=chunk).delete()
    return len(ids)
