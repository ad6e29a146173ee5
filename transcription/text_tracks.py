"""Subtitles inside a container become a transcript, as those in a file beside it do."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from files.errors import FilesError
from files.media import derived, ffmpeg
from files.media.info import TextTrack
from files.models import File
from files.storage import disk
from files.storage.originals import as_local_path
from jobs.progress import NO_PROGRESS, Progress
from transcription.errors import BadSubtitlesError
from transcription.folder_rules import languages_of
from transcription.languages import base_language, language_tag
from transcription.models import TEXT_TRACK, SubtitleSource, Transcript
from transcription.segments import tidy
from transcription.sidecars import notes_on
from transcription.subtitles import reader
from transcription.transcribe import content_of
from transcription.writing import NewTranscript, save_transcript

#: Codec of a track -> (how ffmpeg writes it, as which file). What can be copied is: its bytes are read here.
_WRITTEN = {"subrip": ("copy", "srt"), "srt": ("copy", "srt"), "ass": ("copy", "ass"), "ssa": ("copy", "ass"),
            "webvtt": ("copy", "webvtt"), "mov_text": ("srt", "srt"), "text": ("srt", "srt")}  # fmt: skip


@dataclass(frozen=True)
class NumberedTrack:
    """A text track, and its number among them as people count."""

    number: int
    track: TextTrack

    @property
    def name(self) -> str:
        title = f" “{self.track.title}”" if self.track.title else ""
        return f"Track {self.number}{title}"

    @property
    def language(self) -> str:
        return language_tag(self.track.language) or ""


def tracks_of(file: File) -> list[NumberedTrack]:
    """The text tracks that were found when the file was looked into, the best first: whole before forced."""
    rows = file.metadata.get("text_tracks") or []
    tracks = [NumberedTrack(number, TextTrack(**row)) for number, row in enumerate(rows, start=1)]
    wanted = [base_language(tag) for tag in languages_of(file.root)]

    def goodness(numbered: NumberedTrack) -> tuple[object, ...]:
        base = base_language(numbered.language)
        place = wanted.index(base) if base in wanted else len(wanted)
        track = numbered.track
        return (track.is_forced, place, track.is_impaired, not track.is_default, numbered.number)

    return sorted(tracks, key=goodness)


def read_text_track(file: File, *, progress: Progress = NO_PROGRESS, token: str = "") -> Transcript | None:
    """Make the best text track of a file its transcript; None where none can be read. Lists what is passed over.

    Raises what `files` raises where the original is away or damaged.
    """
    sources: list[SubtitleSource] = []
    transcript: Transcript | None = None
    for numbered in tracks_of(file):
        source = SubtitleSource(
            file=file, origin=SubtitleSource.Origin.INSIDE, name=numbered.name, language=numbered.language
        )
        sources.append(source)
        if transcript is not None:
            source.state, source.reason = SubtitleSource.State.OTHER, "Another one is used."
            continue
        try:
            transcript = _use(file, numbered, progress, token)
            source.state = SubtitleSource.State.USED
        except BadSubtitlesError as error:
            source.state, source.reason = SubtitleSource.State.UNREADABLE, str(error)
    with transaction.atomic():
        SubtitleSource.objects.filter(file=file, origin=SubtitleSource.Origin.INSIDE).delete()
        SubtitleSource.objects.bulk_create(sources)
    return transcript


def _use(file: File, numbered: NumberedTrack, progress: Progress, token: str) -> Transcript:
    temp = disk.temporary(derived.folder(file.pk) / f"text-{numbered.number}", token)
    try:
        with as_local_path(file) as original:
            _extract(original, numbered.track, temp, file.duration_s, progress)
        subtitles = reader.read_bytes(temp.read_bytes(), language=numbered.language, name=numbered.name)
    finally:
        disk.remove(temp)
    segments = tidy(subtitles.segments, duration_s=file.duration_s)
    if not segments:
        raise BadSubtitlesError(f"All lines of {numbered.name} lie after the end of the file.")
    new_transcript = NewTranscript(
        provider=TEXT_TRACK,
        language=numbered.language,
        segments=segments,
        notes=notes_on(subtitles, file.duration_s),
        source_hash=content_of(file),
        metadata={"track": numbered.number},
    )
    return save_transcript(file, new_transcript)


def _extract(original: Path, track: TextTrack, target: Path, duration_s: float | None, progress: Progress) -> None:
    codec, form = _WRITTEN[track.codec]
    options = ffmpeg.source_args(original)
    name = options.pop("filename")
    source = [word for option, value in options.items() for word in (f"-{option}", value)]
    disk.make_dir(target.parent)
    args = [*source, "-i", name, "-map", f"0:{track.stream}", "-c:s", codec, "-f", form, f"file:{target}"]
    try:
        ffmpeg.run(args, duration_s=duration_s, progress=progress, message="Reading the subtitles inside")
    except FilesError as error:
        if error.retryable:
            raise
        raise BadSubtitlesError(f"The subtitles inside could not be taken out: {error}") from error
