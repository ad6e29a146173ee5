"""What happens by itself: a file is ready, a transcription ended, a folder was scanned."""

from typing import Any

from files.models import File
from jobs.models import Job
from jobs.queue import enqueue
from transcription import folder_rules, paid, weights_wait
from transcription.models import SIDECAR, Transcript
from transcription.sidecars import read_sidecars
from transcription.tasks import READ_SIDECARS, TRANSCRIBE, request_automatic
from transcription.transcribe import content_of
from transcription.writing import settle


def on_media_ready(*, file: File, **_: Any) -> None:
    """A transcript from a subtitle file at once, else a job; whatever cannot be is settled, so that no chain hangs."""
    if file.media_type == File.MediaType.IMAGE:
        settle(file, None, "not for images")
        return
    if read_sidecars(file):
        return  # written just now, and settled by that
    known = Transcript.objects.current_for(file)
    if known is not None and (known.provider == SIDECAR or known.source_hash == content_of(file)):
        settle(file, known, "")
    elif not file.has_audio:
        settle(file, None, "no sound")
    elif not folder_rules.transcribes_on_import(file.root):
        settle(file, known, "transcribing on import is switched off")
    else:
        _transcribe_if_ready(file, known)


def _transcribe_if_ready(file: File, known: Transcript | None) -> None:
    ready = weights_wait.readiness()
    if ready.is_ready:
        request_automatic(file)
        return
    weights_wait.notify_waiting(ready)
    settle(file, known, f"waiting: {ready.reason}")


def on_job_ended(*, job: Job, **_: Any) -> None:
    """A transcription that failed or was cancelled settles too, and leaves nothing reserved."""
    if job.kind == TRANSCRIBE and job.state in (Job.State.FAILED, Job.State.CANCELLED):
        if job.options.get("provider"):  # not the free one, which is the default
            paid.release_orphaned()
        file = File.everything.filter(pk=job.subject_id or 0).first()
        if file is not None:
            settle(file, Transcript.objects.current_for(file), job.error or "cancelled")


def on_root_scanned(*, root_id: int, **_: Any) -> None:
    """After a scan, by a job or in a shell, the subtitle files are looked at."""
    enqueue(READ_SIDECARS, root_id)
