"""How long work takes on this machine, from its own finished jobs: seconds for each byte of the files that they did.

The size of a file is known before anything of it is opened, so an import can be told too. It is a guess for thousands
of files, not a promise for one.
"""

from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F

from files.models import File
from jobs import conf, registry
from jobs.models import Job

#: The last jobs of a kind tell how quick it is now; fewer than `FEWEST` tell nothing.
RECENT, FEWEST = 200, 5
#: What took less was there already.
DONE_BEFORE = timedelta(seconds=0.1)


def seconds_per_byte(job_kind: str) -> float | None:
    """What one worker takes for a byte of a file; None where too few jobs of this kind have ended."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    ended = Job.objects.filter(kind=job_kind, state=Job.State.SUCCEEDED, started_at__isnull=False)
    rows = list(ended.annotate(took=took).order_by("-pk").values_list("subject_kind", "subject_id", "took")[:RECENT])
    timed = [(kind, subject, took) for kind, subject, took in rows if subject is not None and took > DONE_BEFORE]
    if len(timed) < FEWEST:
        return None
    subject = registry.subject(timed[0][0])
    ids = [subject_id for _, subject_id, _ in timed]
    files = subject.files(ids) if subject is not None and subject.files is not None else {n: n for n in ids}
    sizes = dict(File.everything.filter(pk__in=set(files.values())).values_list("pk", "size_bytes"))
    known = [(took, sizes[files[pk]]) for _, pk, took in timed if files.get(pk) in sizes]
    size_bytes = sum(size for _, size in known)
    return sum(took.total_seconds() for took, _ in known) / size_bytes if size_bytes else None


def expected_s(job_kind: str, size_bytes: float) -> float | None:
    """Seconds until files of this size in all are done by the workers there are; None where nothing tells."""
    kind = registry.find(job_kind)
    rate = seconds_per_byte(job_kind) if kind is not None and size_bytes else None
    if kind is None or rate is None:
        return None
    workers = max(1, min(conf.workers(kind.queue), kind.most_at_once or conf.workers(kind.queue)))
    return rate * size_bytes / workers
