"""The kinds of background work of this floor."""

from jobs.registry import FAST, LONG, Kind
from transcription import tasks
from transcription.facet import PERMISSION

KINDS = (
    Kind(
        name=tasks.TRANSCRIBE,
        label="Transcribe",
        queue=LONG,
        run=tasks.run_transcribe,
        subject_kind="file",
        permission=PERMISSION,
        cost_of=tasks.cost_of,
        needs_free_disk=True,
        is_told_later=True,
    ),
    Kind(
        name=tasks.DOWNLOAD,
        label="Fetch Whisper's weights",
        queue=LONG,
        run=tasks.run_download,
        permission=PERMISSION,
        limit=1,
        needs_free_disk=True,
    ),
    Kind(
        name=tasks.READ_SIDECARS,
        label="Read subtitle files",
        queue=FAST,
        run=tasks.run_read_sidecars,
        subject_kind="root",
        permission="files.change_root",
    ),
    Kind(
        name=tasks.READ_TEXT_TRACK,
        label="Read subtitles inside",
        queue=LONG,
        run=tasks.run_read_text_track,
        subject_kind="file",
        permission=PERMISSION,
    ),
)
