"""What `files` does when others have news."""

from typing import Any

from django.dispatch import receiver

from files.models import File
from files.signals import media_ready
from files.tasks_media import MAKE_PROXY
from jobs.models import Job
from jobs.signals import job_ended


@receiver(job_ended, dispatch_uid="files.tell_media_ready")
def tell_media_ready(sender: object, job: Job, **_kwargs: Any) -> None:
    """However the making of a proxy ended, what comes after it must go on: a failure is told with its reason."""
    if job.kind != MAKE_PROXY:
        return
    file = File.objects.filter(pk=job.subject_id).first()
    if file is None:
        return
    reason = "" if job.state == Job.State.SUCCEEDED else job.error or "Making the proxy was cancelled."
    media_ready.send_robust(File, file=file, reason=reason)  # one floor's mistake must not keep the news from the rest
