"""What happens by itself: a transcript is settled, a job of ours ended."""

from typing import Any

from files.models import File
from jobs.models import Job
from nova import batch_tasks, conf
from nova.errors import NovaError
from nova.kinds import KINDS, SEND_BATCH
from nova.models import NovaJob
from nova.notifications import announce
from nova.tasks import request_local


def on_transcript_settled(*, file: File, **_: Any) -> None:
    """The free local analysis; whatever cannot be is settled, so that no chain hangs."""
    if not conf.analyses_by_itself():
        announce(file, None, "analysing on import is switched off")
        return
    try:
        nova_job, job = request_local(file)
    except NovaError as exc:
        announce(file, None, str(exc))
        return
    if job is None:
        announce(file, nova_job)


def on_job_ended(*, job: Job, **_: Any) -> None:
    """An analysis that failed or was cancelled settles too, and its row says so."""
    if job.kind == SEND_BATCH:
        batch_tasks.on_send_ended(job)
    if job.kind not in KINDS or job.state not in (Job.State.FAILED, Job.State.CANCELLED):
        return
    nova_job = NovaJob.objects.select_related("file").filter(pk=job.subject_id or 0).first()
    if nova_job is None:
        return
    if nova_job.status in NovaJob.OPEN:
        if job.state == Job.State.CANCELLED:
            nova_job.cancel()
        else:
            nova_job.fail(job.error)
    if nova_job.file is not None:
        announce(nova_job.file, None, job.error or "cancelled")
