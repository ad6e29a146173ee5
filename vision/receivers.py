"""What happens by itself: small copies are ready, frames were chosen, a file left the library."""

from typing import Any

from files.models import File
from jobs.models import Job
from vision import conf
from vision.errors import NothingToSeeError
from vision.frames.choosing import LOOKED_AT, forget, selection_of
from vision.reading import engine, read
from vision.signals import frames_settled, screen_text_settled
from vision.tasks import CHOOSE_FRAMES, READ, request_frames, request_read


def on_media_ready(*, file: File, **_: Any) -> None:
    """Frames are chosen where a step of the import needs them; whatever cannot be is settled, so no chain hangs."""
    if file.media_type not in LOOKED_AT:
        _settle(file, "nothing to see")
    elif not conf.chooses_on_import(file.root.steps):
        _settle(file, "looking at what is imported is switched off")
    elif selection_of(file) is not None:
        _settle(file)
    else:
        try:
            request_frames(file)
        except NothingToSeeError as error:
            _settle(file, str(error))


def on_job_ended(*, job: Job, **_: Any) -> None:
    """However the choosing ended, what comes after it must go on."""
    if job.kind not in (CHOOSE_FRAMES, READ):
        return
    file = File.objects.filter(pk=job.subject_id or 0).first()
    reason = "" if job.state == Job.State.SUCCEEDED else job.error or "cancelled"
    if file is not None and job.kind == CHOOSE_FRAMES:
        _settle(file, reason)
    elif file is not None:
        screen_text_settled.send_robust(File, file=file, reason=reason)


def on_file_gone(*, file: File, **_: Any) -> None:
    forget(file.pk)
    read.forget(file.pk)


def _settle(file: File, reason: str = "") -> None:
    frames_settled.send_robust(File, file=file, reason=reason)
    if not reason and conf.reads_on_import(file.root.steps) and read.reading_of(file) is None and not engine.problem():
        request_read(file)
