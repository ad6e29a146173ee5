"""Both sides of the door to background analysis."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from files.models import File
from jobs.queue import enqueue
from jobs.work import Work
from nova.analyze import TYPES, analyze, prepare
from nova.models import NovaJob

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Batch, Job

ANALYZE = "analyze"
#: What a person asked for goes before what an import brought.
ASKED_PRIORITY = 5


def request_local(  # noqa: PLR0913  (a request has these parts)
    file: File,
    *,
    types: Sequence[str] = TYPES,
    options: Mapping[str, Any] | None = None,
    force: bool = False,
    priority: int = 0,
    batch: "Batch | None" = None,
    user: "AbstractBaseUser | None" = None,
) -> tuple[NovaJob, "Job | None"]:
    """Ask for a free local analysis. The job is None where the same analysis is there already.

    Raises UnknownTypeError, NotAnalysableError.
    """
    nova_job = prepare(file, types=types, options=options, force=force)
    if nova_job.status == NovaJob.Status.COMPLETED:
        return nova_job, None
    return nova_job, enqueue(ANALYZE, nova_job.pk, priority=priority, batch=batch, created_by=user)


def run_analyze(work: Work) -> str:
    nova_job = NovaJob.objects.select_related("file", "file__root").get(pk=work.subject)
    analyze(nova_job, progress=work.progress)
    return f"Made {', '.join(nova_job.analysis_types)}"


def names_of(nova_job_ids: Sequence[int]) -> dict[int, str]:
    """What the subjects of these jobs are called."""
    rows = NovaJob.objects.filter(pk__in=nova_job_ids).values_list("pk", "file__name")
    return {pk: name or "a file that left the library" for pk, name in rows}


def of_file(file_id: int) -> list[int]:
    return list(NovaJob.objects.filter(file_id=file_id).values_list("pk", flat=True))


def files_of(nova_job_ids: Sequence[int]) -> dict[int, int]:
    rows = NovaJob.objects.filter(pk__in=nova_job_ids, file__isnull=False).values_list("pk", "file_id")
    return {pk: file_id for pk, file_id in rows if file_id is not None}
