"""The one place where a transcript is written: whole, in one transaction, with corrections kept."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from files.models import File
from transcription.errors import SegmentReplacedError
from transcription.models import Segment, Transcript, summary_of
from transcription.segments import SpokenSegment, keep_corrections
from transcription.signals import transcript_settled


@dataclass(frozen=True, kw_only=True)
class NewTranscript:
    """What a provider heard in a file, and how."""

    provider: str
    engine: str = ""
    model: str = ""
    language: str = ""
    language_probability: float | None = None
    segments: list[SpokenSegment]
    took_s: float | None = None
    is_approximate: bool = False
    notes: list[str] = field(default_factory=list)
    source_hash: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


def save_transcript(file: File, new_transcript: NewTranscript, *, make_current: bool = True) -> Transcript:
    """Write what was heard over the same engine's earlier transcript of this file, keeping a person's corrections.

    One that takes the place of another engine's takes over what was corrected there.
    A reader sees the old one or the new one, never half of it. Sends `transcript_settled` after commit.
    """
    with transaction.atomic():
        File.everything.hold(file.pk)  # a correction that is made meanwhile waits, or is kept
        transcript, _ = Transcript.objects.get_or_create(
            file=file, provider=new_transcript.provider, engine=new_transcript.engine, model=new_transcript.model
        )
        segments = keep_corrections(new_transcript.segments, corrected_segments(transcript, make_current=make_current))
        transcript.segments.all().delete()
        Segment.objects.bulk_create(_rows(transcript, segments), batch_size=500)
        fields = {
            "language": new_transcript.language,
            "language_probability": new_transcript.language_probability,
            "took_s": new_transcript.took_s,
            "is_approximate": new_transcript.is_approximate,
            "notes": new_transcript.notes if segments else [*new_transcript.notes, "No speech."],
            "source_hash": new_transcript.source_hash,
            "metadata": new_transcript.metadata,
            **summary_of(segments),
        }
        for name, value in fields.items():
            setattr(transcript, name, value)
        transcript.save()
        if make_current or not Transcript.objects.current().filter(file=file).exists():
            transcript.make_current()
        reason = "" if transcript.has_speech else "no speech"
        transaction.on_commit(lambda: settle(file, transcript, reason))
    return transcript


def corrected_segments(transcript: Transcript, *, make_current: bool) -> list[SpokenSegment]:
    """A person's words for this file: those in the transcript that is in use now, then those in its own segments."""
    own = [row.as_value() for row in transcript.segments.filter(is_corrected=True)]
    current = Transcript.objects.current_for(transcript.file) if make_current else None
    if current is None or current.pk == transcript.pk:
        return own
    return keep_corrections(own, [row.as_value() for row in current.segments.filter(is_corrected=True)])


def _rows(transcript: Transcript, segments: list[SpokenSegment]) -> list[Segment]:
    return [
        Segment(
            transcript=transcript,
            index=index,
            start_s=segment.start_s,
            end_s=segment.end_s,
            text=segment.text,
            words=[word.as_json() for word in segment.words] or None,
            confidence=segment.confidence,
            language=segment.language,
            is_corrected=segment.is_corrected,
            speaker=segment.speaker,
            flags=list(segment.flags),
        )
        for index, segment in enumerate(segments)
    ]


def settle(file: File, transcript: Transcript | None, reason: str = "") -> None:
    """Tell the floors above that this file's transcript is there, or why there is none."""
    transcript_settled.send(sender=Transcript, file=file, transcript=transcript, reason=reason)


def correct_segments(transcript: Transcript, texts: dict[int, str]) -> int:
    """Put a person's words (by the segments' ids) in place of the engine's; search follows. Returns how many."""
    with transaction.atomic():
        File.everything.hold(transcript.file_id)
        rows = list(transcript.segments.filter(pk__in=texts))
        for segment in rows:
            segment.correct(" ".join(texts[segment.pk].split()))
        if rows:
            transcript.recount()
            transaction.on_commit(lambda: settle(transcript.file, transcript, "corrected"))
    return len(rows)


def correct_segment(segment: Segment, *, text: str | None = None, speaker: str | None = None) -> None:
    """Put a person's words, or who says them, in place of the engine's; search follows. None leaves as it is."""
    if speaker:  # a name that a tag of this file has: the tag
        tags = {name: tag for tag, name in segment.transcript.speaker_names.items()}
        speaker = tags.get(speaker, speaker)
    with transaction.atomic():
        _hold(segment)
        segment.correct(None if text is None else " ".join(text.split()), speaker=speaker)
        segment.transcript.recount()
        transaction.on_commit(lambda: settle(segment.transcript.file, segment.transcript, "corrected"))


def undo_correction(segment: Segment) -> bool:
    """Take the last correction of a segment back; search follows. False where there is none."""
    with transaction.atomic():
        _hold(segment)
        is_back = segment.take_back()
        if is_back:
            segment.transcript.recount()
            transaction.on_commit(lambda: settle(segment.transcript.file, segment.transcript, "correction undone"))
    return is_back


def _hold(segment: Segment) -> None:
    """Read a segment again that nobody else changes from now on. Raises SegmentReplacedError where it is gone."""
    File.everything.hold(segment.transcript.file_id)
    try:
        segment.refresh_from_db()
    except Segment.DoesNotExist as exc:
        raise SegmentReplacedError(
            "This line is not there any more: the file was transcribed again.",
            remedy="Look at the file again, and correct the line that took its place.",
        ) from exc


def delete_transcript(transcript: Transcript) -> None:
    """Delete it; the latest other one of the file takes its place."""
    file = transcript.file
    with transaction.atomic():
        File.everything.hold(file.pk)
        transcript.delete()
        current = Transcript.objects.current_for(file) or Transcript.objects.filter(file=file).first()
        if current is not None:
            current.make_current()
        transaction.on_commit(lambda: settle(file, current, "deleted"))


def choose_current(transcript: Transcript) -> None:
    """Make this the transcript that search and captions use."""
    with transaction.atomic():
        File.everything.hold(transcript.file_id)
        transcript.make_current()
        transaction.on_commit(lambda: settle(transcript.file, transcript, "chosen"))
