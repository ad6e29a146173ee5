"""What happens by itself: a file is ready, a transcription ended, a folder was scanned."""

from typing import Any

from files.models import File
from jobs.models import Job
from jobs.queue import enqueue
from transcription import paid
from transcription.models import SIDECAR, Transcript
from transcription.sidecars import read_sidecars
from transcription.tasks import (
    READ_SIDECARS,
    READ_TEXT_TRACK,
    TRANSCRIBE,
    request_text_track,
    transcribe_by_itself,
)
from transcription.text_tracks import tracks_of
from transcription.transcribe import content_of
from transcription.writing import settle


def on_media_ready(*, file: File, **_: Any) -> None:
    """A transcript from subtitles beside or inside the file, else by Whisper; or it is settled why there is none."""
    if file.media_type == File.MediaType.IMAGE:
        settle(file, None, "not for images")
        return
    if read_sidecars(file):
        return  # written just now, and settled by that
    transcript = Transcript.objects.current_for(file)
    if transcript is not None and (transcript.provider == SIDECAR or transcript.source_hash == content_of(file)):
        settle(file, transcript, "")
    elif tracks_of(file):
        request_text_track(file)
    else:
        transcribe_by_itself(file)


def on_job_ended(*, job: Job, **_: Any) -> None:
    """A transcription that failed or was cancelled settles too, and leaves nothing reserved."""
    if job.kind not in (TRANSCRIBE, READ_TEXT_TRACK) or job.state not in (Job.State.FAILED, Job.State.CANCELLED):
        return
    if job.options.get("provider"):  # not the free one, which is the default
        paid.release_orphaned()
    file = File.everything.filter(pk=job.subject_id or 0).select_related("root").first()
    if file is None:
        return
    if job.kind == READ_TEXT_TRACK and job.state == Job.State.FAILED:
        transcribe_by_itself(file)
    else:
        settle(file, Transcript.objects.current_for(file), job.error or "cancelled")


def on_root_scanned(*, root_id: int, **_: Any) -> None:
    """After a scan, by a job or in a shell, the subtitle files are looked at."""
    enqueue(READ_SIDECARS, root_id)
