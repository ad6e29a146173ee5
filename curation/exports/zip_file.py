"""Subtitles and chapters of each file in one zip archive, with the list of the clips."""

import io
import zipfile
from contextlib import suppress

from curation.exports import csv_file
from curation.exports.clip import Clip, ClipList
from files.models import File
from files.storage.naming import safe_stem
from nova.errors import NothingToExportError as NoChaptersError
from nova.exports import current
from transcription.models import Transcript
from transcription.subtitles import writers


def write(source: ClipList) -> bytes:
    """Each file once, named as it is called, with its id: two cameras number their clips alike."""
    out = io.BytesIO()
    first_clips = {clip.file_id: clip for clip in reversed(source.clips)}
    files = File.objects.in_bulk(list(first_clips))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("clips.csv", csv_file.write(source))
        for file_id, clip in sorted(first_clips.items()):
            if file_id in files:
                _add(archive, files[file_id], clip)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, file: File, clip: Clip) -> None:
    stem = f"{safe_stem(clip.file_name)}_{file.pk}"
    transcript = Transcript.objects.current_for(file)
    if transcript is not None:
        language = f".{transcript.language}" if transcript.language else ""
        spoken = transcript.segment_values()
        archive.writestr(f"{stem}{language}.srt", writers.to_srt(spoken))
        archive.writestr(f"{stem}{language}.vtt", writers.to_vtt(spoken))
    with suppress(NoChaptersError):  # most files have none, and the list of the clips names every file
        archive.writestr(f"{stem}.chapters.vtt", current.text_of(file, "vtt"))
