"""Transcripts and their segments."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from files.models import File
from transcription.segments import SPEAKER_CHARS, SpokenSegment, full_text, words_from_json

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

#: Transcripts that were read and not heard: from a file beside the media file, and from a track inside it.
SIDECAR, TEXT_TRACK = "sidecar", "text_track"
#: A guess below this is told as uncertain. Of 171 clips heard by the real base model (`make bench-languages`), 84 % of
#: the wrong guesses lay below, and 43 % of the right ones; among four named languages 89 and 14 %. Nearly all of the
#: voices were synthetic, half of them in noise; the two recordings of people lay at .93.
CERTAIN_LANGUAGE = 0.7


class TranscriptQuerySet(QuerySet["Transcript"]):
    """Questions about transcripts."""

    def current(self) -> Self:
        return self.filter(is_current=True)

    def current_for(self, file: File) -> "Transcript | None":
        """The transcript that search, captions and analyses of this file use."""
        return self.current().filter(file=file).first()

    def language_uncertain(self) -> Self:
        return self.filter(language_probability__lt=CERTAIN_LANGUAGE)

    def made_by(self, provider: str, engine: str, model: str) -> Self:
        return self.filter(provider=provider, engine=engine, model=model)


_Transcripts = models.Manager.from_queryset(TranscriptQuerySet)


class TranscriptManager(_Transcripts["Transcript"]):
    """Transcripts, all of them."""


class Transcript(models.Model):
    """What is said in a file, according to one provider, engine and model."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="transcripts")
    provider = models.CharField(max_length=64, help_text="whisper, nova_sonic, sidecar, text_track")
    engine = models.CharField(max_length=64, blank=True, help_text="faster-whisper, openai-whisper")
    model = models.CharField(max_length=255, blank=True)
    language = models.CharField(max_length=16, blank=True)
    language_probability = models.FloatField(null=True, blank=True, help_text="0 to 1, where the language was guessed.")
    text = models.TextField(blank=True)
    is_current = models.BooleanField("current", default=False)
    is_approximate = models.BooleanField("times are approximate", default=False)
    segment_count = models.PositiveIntegerField("segments", default=0)
    word_count = models.PositiveIntegerField("words", default=0)
    confidence = models.FloatField(null=True, blank=True)
    took_s = models.FloatField("took", null=True, blank=True)
    notes = models.JSONField(default=list, blank=True)
    source_hash = models.CharField(max_length=64, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    if TYPE_CHECKING:
        segments: RelatedManager["Segment"]
        file_id: int

    objects: ClassVar[TranscriptManager] = TranscriptManager()

    class Meta:
        db_table = "transcripts"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["file", "provider", "engine", "model"], name="transcripts_one_per_engine"),
            models.UniqueConstraint(fields=["file"], condition=Q(is_current=True), name="transcripts_one_current"),
        ]
        indexes = [models.Index(F("created_at").desc(), F("id").desc(), name="transcripts_latest")]

    def __str__(self) -> str:
        return f"{self.file} · {self.made_by}"

    @property
    def made_by(self) -> str:
        """Who heard it, in a few words: `whisper base (faster-whisper)`."""
        if self.provider in (SIDECAR, TEXT_TRACK):
            return "subtitles beside it" if self.provider == SIDECAR else "subtitles inside it"
        name = " ".join(part for part in (self.provider, self.model) if part)
        return f"{name} ({self.engine})" if self.engine else name

    @property
    def is_language_uncertain(self) -> bool:
        """Whether the language was guessed, and the guess may well be wrong."""
        return self.language_probability is not None and self.language_probability < CERTAIN_LANGUAGE

    @cached_property
    def speaker_names(self) -> dict[str, str]:
        """What the tags of its speakers are called by people."""
        return SpeakerName.objects.names_for(self.file_id)

    @property
    def has_speech(self) -> bool:
        return bool(self.text)

    def segment_values(self) -> list[SpokenSegment]:
        """The segments as plain values, in order, flagged ones included; who speaks is called as people named them."""
        segments = [row.as_value() for row in self.segments.all()]
        if not any(segment.speaker for segment in segments):
            return segments
        return [
            replace(segment, speaker=self.speaker_names.get(segment.speaker, segment.speaker)) for segment in segments
        ]

    def spoken(self) -> list[SpokenSegment]:
        """The segments worth searching: without what was flagged as made up by the engine."""
        return [segment for segment in self.segment_values() if not segment.flags]

    def make_current(self) -> None:
        """This one from now on. Call it inside a transaction."""
        Transcript.objects.current().filter(file_id=self.file_id).exclude(pk=self.pk).update(is_current=False)
        self.is_current = True
        self.save(update_fields=["is_current", "updated_at"])

    def recount(self) -> None:
        """Bring text and counts in line with the segments. Call it inside a transaction."""
        for name, value in summary_of(self.segment_values()).items():
            setattr(self, name, value)
        self.save(update_fields=["text", "segment_count", "word_count", "confidence", "updated_at"])


class Segment(models.Model):
    """A stretch of speech; seconds from the start of the source."""

    #: What a correction changes.
    CORRECTED = ("text", "is_corrected", "flags", "words", "speaker")

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="segments")
    index = models.PositiveIntegerField()
    start_s = models.FloatField("from")
    end_s = models.FloatField("to")
    text = models.TextField()
    words = models.JSONField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    language = models.CharField(max_length=16, blank=True, help_text="Where it differs within the file.")
    is_corrected = models.BooleanField("corrected", default=False)
    flags = models.JSONField(default=list, blank=True)
    speaker = models.CharField(
        max_length=SPEAKER_CHARS, blank=True, help_text="The tag of who speaks, as the source calls them."
    )
    #: What stood here before the last correction, so that it can be taken back.
    before = models.JSONField(null=True, editable=False)

    if TYPE_CHECKING:
        transcript_id: int

    class Meta:
        db_table = "transcript_segments"
        ordering = ["transcript_id", "index"]
        constraints = [
            models.UniqueConstraint(fields=["transcript", "index"], name="transcript_segments_in_order"),
            models.CheckConstraint(
                condition=Q(start_s__gte=0) & Q(end_s__gte=F("start_s")), name="transcript_segments_end_after_start"
            ),
        ]
        indexes = [
            models.Index(fields=["speaker"], condition=~Q(speaker=""), name="transcript_segments_by_speaker"),
        ]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def shown_speaker(self) -> str:
        """Who speaks, as people named them."""
        return self.transcript.speaker_names.get(self.speaker, self.speaker) if self.speaker else ""

    def as_value(self) -> SpokenSegment:
        return SpokenSegment(
            start_s=self.start_s,
            end_s=self.end_s,
            text=self.text,
            words=words_from_json(self.words),
            confidence=self.confidence,
            language=self.language,
            flags=tuple(self.flags),
            is_corrected=self.is_corrected,
            speaker=self.speaker,
        )

    def correct(self, text: str | None = None, *, speaker: str | None = None) -> None:
        """A person's own words, or who says them. Both are kept when the file is transcribed again."""
        self.before = {name: getattr(self, name) for name in self.CORRECTED}
        self.is_corrected, self.flags = True, []
        if text is not None and text != self.text:
            self.text, self.words = text, None
        if speaker is not None:
            self.speaker = speaker
        self.save(update_fields=[*self.CORRECTED, "before"])

    def take_back(self) -> bool:
        """Put back what stood here before the last correction. False where there is nothing to take back."""
        if self.before is None:
            return False
        for name in self.before:  # what was corrected before segments had a speaker has none here
            setattr(self, name, self.before[name])
        self.before = None
        self.save(update_fields=[*self.CORRECTED, "before"])
        return True


class SpeakerNameQuerySet(QuerySet["SpeakerName"]):
    def names_for(self, file_id: int) -> dict[str, str]:
        """What the tags of speakers mean in this file: a name of its own goes before one for every file."""
        rows = self.filter(Q(file=None) | Q(file_id=file_id)).order_by(F("file").asc(nulls_first=True))
        return dict(rows.values_list("tag", "name"))


class SpeakerName(models.Model):
    """What a person calls somebody who speaks: the tag of a transcript or an analysis, in one file or in all."""

    file = models.ForeignKey(
        File,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="speaker_names",
        help_text="Empty: every file.",
    )
    tag = models.CharField(max_length=SPEAKER_CHARS)
    name = models.CharField(max_length=SPEAKER_CHARS)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SpeakerNameQuerySet.as_manager()

    class Meta:
        db_table = "speaker_names"
        ordering = ["tag", "file_id"]
        constraints = [
            models.UniqueConstraint(fields=["file", "tag"], name="speaker_names_one_in_a_file"),
            models.UniqueConstraint(fields=["tag"], condition=Q(file__isnull=True), name="speaker_names_one_for_all"),
        ]

    def __str__(self) -> str:
        return f"{self.tag} = {self.name}"


class SubtitleSource(models.Model):
    """A subtitle file beside a media file, or a text track inside it: in use, or passed over for a reason."""

    class Origin(models.TextChoices):
        BESIDE = "beside", "Beside the file"
        INSIDE = "inside", "Inside the file"

    class State(models.TextChoices):
        USED = "used", "In use"
        OTHER = "other", "Another one is used"
        UNREADABLE = "unreadable", "Cannot be read"

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="subtitle_sources")
    origin = models.CharField(max_length=8, choices=Origin.choices)
    name = models.CharField(max_length=1024, help_text="The file's own name, or which track it is.")
    language = models.CharField(max_length=16, blank=True)
    state = models.CharField(max_length=12, choices=State.choices)
    reason = models.TextField(blank=True, help_text="Why it is passed over.")
    seen_at = models.DateTimeField(default=timezone.now)

    if TYPE_CHECKING:
        file_id: int

    class Meta:
        db_table = "subtitle_sources"
        ordering = ["file_id", "origin", "pk"]

    def __str__(self) -> str:
        return self.name


class PaidPiece(models.Model):
    """What a paid engine answered to one piece of audio: kept for good, whatever becomes of the file."""

    question = models.CharField(max_length=64, unique=True, help_text="Hash of audio, model and parameters.")
    file_name = models.CharField(max_length=1024, blank=True)
    said = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "transcription_paid_pieces"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.file_name or self.question[:12]


def summary_of(segments: list[SpokenSegment]) -> dict[str, Any]:
    """The fields of a transcript that follow from its segments."""
    text = full_text(segments)
    known = [segment.confidence for segment in segments if segment.confidence is not None]
    return {
        "text": text,
        "segment_count": len(segments),
        "word_count": len(text.split()),
        "confidence": sum(known) / len(known) if known else None,
    }
