"""From a file to its transcript."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from files.media.probe import probe
from files.models import File, Root
from jobs.progress import NO_PROGRESS, Progress
from transcription import folder_rules, registry
from transcription.audio_source import open_audio
from transcription.errors import NoSoundError
from transcription.models import Transcript
from transcription.paid import PaidMemory
from transcription.providers.base import EngineRequest, NoMemory, TranscriptionProvider
from transcription.segments import SpokenSegment, flag_hallucinations, tidy
from transcription.writing import NewTranscript, choose_current, save_transcript

#: Where the steps stand on the bar: fetching weights (when that is needed), reading the sound, listening.
FETCHED, READ = 0.2, 0.25


@dataclass(frozen=True, kw_only=True)
class TranscriptionRequest:
    """What was chosen for a transcription. Empty means: the default."""

    provider: str = registry.DEFAULT
    model: str = ""
    engine: str = ""
    language: str = ""
    audio_track: int | None = None
    force: bool = False

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """From the options of a job or a request; unknown ones are left out."""
        known = {name: options[name] for name in cls.__dataclass_fields__ if options.get(name) is not None}
        if known.get("engine") == "auto":  # the default by its name
            del known["engine"]
        return cls(**known)

    def as_options(self) -> dict[str, Any]:
        """What differs from the defaults: the same choice always gives the same options."""
        return {name: value for name, value in asdict(self).items() if value != getattr(TranscriptionRequest(), name)}

    def in_folder(self, root: Root) -> "TranscriptionRequest":
        """The same with what the folder's rules say where nothing was chosen."""
        track = root.audio_track if self.audio_track is None else self.audio_track
        return replace(self, language=self.language or root.language, audio_track=track)

    def for_engine(self, file: File | None = None, *, holder: str = "") -> EngineRequest:
        return EngineRequest(
            model=self.model,
            engine=self.engine,
            language=self.language,
            languages=folder_rules.languages_of(file.root) if file else (),
            vocabulary=folder_rules.vocabulary_of(file.root) if file else (),
            duration_s=file.duration_s if file else None,
            file_id=file.pk if file else None,
            file_name=file.name if file else "",
            holder=holder,
            memory=PaidMemory(file.name) if file else NoMemory(),
        )


class PartialProgress:
    """A stretch of somebody's progress bar."""

    def __init__(self, progress: Progress, start: float, end: float) -> None:
        self.progress, self.start, self.end = progress, start, end

    def update(self, fraction: float, message: str = "") -> None:
        self.progress.update(self.start + (self.end - self.start) * fraction, message)

    def check(self) -> None:
        self.progress.check()


def content_of(file: File) -> str:
    """The hash that a transcript is kept under: of the source, as a proxy is not reproducible."""
    return file.sampled_hash or file.full_hash


def transcribe(
    file: File, request: TranscriptionRequest, *, progress: Progress = NO_PROGRESS, token: str = "", holder: str = ""
) -> Transcript:
    """Transcribe a file and make the result its current transcript.

    Without `force`, one that this engine and model made of the same content is taken as it is. Nothing is written
    before all is heard. Raises TranscriptionError, and what `files` raises where the original cannot be read.
    """
    require_sound(file)
    asked_track = request.audio_track
    request = request.in_folder(file.root)
    provider = registry.get(request.provider)
    engine_request = request.for_engine(file, holder=holder)
    known = None if request.force else existing(file, request, provider)
    if known is not None:
        choose_current(known)
        return known
    provider.prepare(engine_request, PartialProgress(progress, 0.0, FETCHED))
    with open_audio(
        file, audio_track=asked_track, progress=PartialProgress(progress, FETCHED, READ), token=token
    ) as audio:
        began = time.monotonic()
        length_s = _length(file, audio)
        result = provider.transcribe(
            audio, replace(engine_request, duration_s=length_s), PartialProgress(progress, READ, 1.0)
        )
        segments: list[SpokenSegment] = flag_hallucinations(tidy(result.segments, duration_s=length_s))
    vocabulary = vocabulary_given(provider, file.root)
    new_transcript = NewTranscript(
        provider=provider.name,
        engine=result.engine,
        model=result.model,
        language=result.language,
        language_probability=result.language_probability,
        segments=[replace(row, language="") if row.language == result.language else row for row in segments],
        took_s=round(time.monotonic() - began, 3),
        is_approximate=result.is_approximate,
        notes=result.notes,
        source_hash=content_of(file),
        metadata={
            **result.metadata,
            "asked_language": request.language,
            "audio_track": request.audio_track,
            **({"vocabulary": vocabulary} if vocabulary else {}),
        },
    )
    return save_transcript(file, new_transcript)


def _length(file: File, audio: Path) -> float | None:
    """Seconds that are listened to. Some containers only guess theirs: what is said after that is no less said."""
    return max(file.duration_s or 0.0, probe(audio).duration_s or 0.0) or None


def require_sound(file: File) -> None:
    """Raise NoSoundError where there is nothing to listen to."""
    if file.media_type == File.MediaType.IMAGE:
        raise NoSoundError("Pictures have no sound.")
    if not file.has_audio:
        raise NoSoundError("This file has no sound.")


def existing(file: File, request: TranscriptionRequest, provider: TranscriptionProvider) -> Transcript | None:
    """The transcript that this choice would make again."""
    engine, model = provider.identity(request.for_engine(file))
    found = Transcript.objects.made_by(provider.name, engine, model).filter(file=file).first()
    if found is None or found.source_hash != content_of(file):
        return None
    asked = (found.metadata.get("asked_language", ""), found.metadata.get("audio_track"))
    vocabulary = vocabulary_given(provider, file.root)
    is_same = asked == (request.language, request.audio_track) and found.metadata.get("vocabulary", "") == vocabulary
    return found if is_same else None


def vocabulary_given(provider: TranscriptionProvider, root: Root) -> str:
    """The names and terms that this provider is given for a file of this folder: part of what names a transcript."""
    return ", ".join(folder_rules.vocabulary_of(root)) if provider.takes_vocabulary else ""
