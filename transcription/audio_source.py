"""The sound that a provider listens to: the one from the proxy's decode, or another track of the original."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from files.media import derived, ffmpeg, filter_graphs
from files.media.info import AudioTrack, MediaInfo, default_audio
from files.media.probe import probe
from files.models import File
from files.storage import disk
from files.storage.originals import as_local_path
from jobs.progress import Progress
from transcription.errors import NoSoundError, TrackMissingError


@contextmanager
def open_audio(file: File, *, audio_track: int | None, progress: Progress, token: str = "") -> Iterator[Path]:
    """16 kHz mono audio of a file; `audio_track` counts its sound tracks from 0 (None: the one chosen for the proxy).

    Raises NoSoundError, TrackMissingError, and what `files` raises where the original is away or damaged.
    """
    made = derived.read_made(file.pk)
    path = derived.audio_path(file)
    if path is not None and made is not None and audio_track in (None, made.audio_track):
        yield path
        return
    temp = disk.temporary(derived.folder(file.pk) / f"track-{audio_track or 0}.flac", token)
    try:
        with as_local_path(file) as original:
            info = probe(original)
            _extract(original, info, _chosen(info, audio_track), temp, progress)
        yield temp
    finally:
        disk.remove(temp)


def _chosen(info: MediaInfo, audio_track: int | None) -> AudioTrack:
    if not info.audio_tracks:
        raise NoSoundError("This file has no sound.")
    if audio_track is None:
        track = default_audio(info.audio_tracks)
    else:
        track = next((track for track in info.audio_tracks if track.index == audio_track), None)
    if track is None:
        count = len(info.audio_tracks)
        raise TrackMissingError(
            f"There is no sound track {audio_track}.",
            remedy=f"This file has {count}: choose from 0 to {count - 1}, or leave it empty.",
        )
    return track


def _extract(original: Path, info: MediaInfo, track: AudioTrack, target: Path, progress: Progress) -> None:
    args = filter_graphs.arguments(
        ffmpeg.source_args(original), info, filter_graphs.Targets(audio=target), look=None, sound=track
    )
    ffmpeg.run(args, duration_s=info.duration_s, progress=progress, message="Reading the sound")
