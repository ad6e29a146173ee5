"""The sound that a provider listens to: the one from the proxy's decode, or another track of the original."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files.media import decoding, derived, ffmpeg, filter_graphs
from files.media.sound_tracks import choose_track, wanted_track
from files.models import File
from files.storage import disk
from files.storage.originals import as_local_path
from jobs.progress import Progress
from transcription.errors import NoSoundError


@contextmanager
def open_audio(file: File, *, audio_track: int | None, progress: Progress, token: str = "") -> Iterator[Path]:
    """16 kHz mono audio of a file; `audio_track` counts its sound tracks from 0 (None: the one that its proxy has).

    Raises NoSoundError, NoSuchTrackError, and what `files` raises where the original is away or damaged.
    """
    made = derived.read_made(file.pk)
    path = derived.audio_path(file)
    if path is not None and made is not None and wanted_track(file, audio_track) in (None, made.audio_track):
        yield path
        return
    temp = disk.temporary(derived.folder(file.pk) / f"track-{audio_track or 0}.flac", token)
    try:
        with as_local_path(file) as original:
            info = decoding.media_info(original)
            track = choose_track(file, info.audio_tracks, audio_track)
            if track is None:
                raise NoSoundError("This file has no sound.")
            args = filter_graphs.arguments(
                ffmpeg.source_args(original), info, filter_graphs.Targets(audio=temp), look=None, sound=track
            )
            ffmpeg.run(args, duration_s=info.duration_s, progress=progress, message="Reading the sound")
        yield temp
    finally:
        disk.remove(temp)
