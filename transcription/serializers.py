"""JSON of transcripts, providers and the choices of a transcription."""

from typing import Any

from rest_framework import serializers

from files.storage import downloads
from jobs.web.strict_fields import StrictFields
from transcription import registry
from transcription.errors import UnknownLanguageError
from transcription.languages import NAMES
from transcription.models import Segment, SubtitleSource, Transcript
from transcription.providers.base import EngineRequest, TranscriptionProvider
from transcription.providers.weights import REPOSITORIES
from transcription.segments import SPEAKER_CHARS

#: Letters of a code for a language alone, without a region.
LONGEST_CODE = 3


class WordSerializer(serializers.Serializer[dict[str, Any]]):
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    text = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    """A stretch of speech; seconds from the start of the source."""

    words = WordSerializer(many=True, allow_null=True)
    speaker = serializers.CharField(
        source="shown_speaker", read_only=True, help_text="Who speaks, as people named them; empty where nobody said."
    )

    class Meta:
        model = Segment
        fields = (
            "id", "index", "start_s", "end_s", "text", "words", "confidence", "language", "speaker", "is_corrected",
            "flags",
        )  # fmt: skip


class CorrectionSerializer(StrictFields, serializers.Serializer[Any]):
    """A person's own words for a stretch of speech, and who says them."""

    text = serializers.CharField(max_length=10_000, required=False)
    speaker = serializers.CharField(
        max_length=SPEAKER_CHARS, allow_blank=True, required=False, help_text="Who says it: a name, or a tag."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"text": ["Give text, speaker, or both."]})
        return attrs


class TranscriptSummarySerializer(serializers.ModelSerializer[Transcript]):
    """A transcript without its segments, for lists."""

    file_id = serializers.IntegerField()
    is_language_uncertain = serializers.BooleanField(read_only=True)

    class Meta:
        model = Transcript
        fields: tuple[str, ...] = (
            "id", "file_id", "provider", "engine", "model", "language", "language_probability",
            "is_language_uncertain", "text", "is_current", "is_approximate",
            "segment_count", "word_count", "confidence", "took_s", "notes", "created_at", "updated_at",
        )  # fmt: skip


class TranscriptSerializer(TranscriptSummarySerializer):
    """A transcript with its segments."""

    segments = SegmentSerializer(many=True, required=False)  # left out of lists unless asked for

    class Meta(TranscriptSummarySerializer.Meta):
        fields = (*TranscriptSummarySerializer.Meta.fields, "segments")


class SubtitleSourceSerializer(serializers.ModelSerializer[SubtitleSource]):
    """Subtitles beside a file or inside it: in use, or passed over for a reason."""

    class Meta:
        model = SubtitleSource
        fields = ("origin", "name", "language", "state", "reason", "seen_at")


class OptionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    default = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())


class ProviderSerializer(serializers.Serializer[TranscriptionProvider]):
    """A provider, what can be chosen, and whether it is ready; if not, why and what to do."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_paid = serializers.BooleanField()
    is_ready = serializers.BooleanField()
    reason = serializers.CharField()
    remedy = serializers.CharField()
    options = OptionSerializer(many=True)

    def to_representation(self, provider: TranscriptionProvider) -> dict[str, Any]:
        ready = provider.readiness(EngineRequest())
        return {
            "name": provider.name,
            "label": provider.label,
            "is_paid": provider.is_paid,
            "is_ready": ready.is_ready,
            "reason": ready.reason,
            "remedy": ready.remedy,
            "options": OptionSerializer(provider.options(), many=True).data,
        }


class SpokenLanguageField(serializers.RegexField):
    """A language by its code; a form offers those that have a name."""

    blank_label = "Default: detect"

    def offered(self) -> list[tuple[str, str]]:
        known = [(code, name) for code, name in NAMES.items() if code.isalpha() and len(code) <= LONGEST_CODE]
        return sorted(known, key=lambda language: language[1])


class WeightsField(serializers.CharField):
    """A model by its name; a form offers Whisper's sizes."""

    blank_label = "Default: as in the settings"

    def offered(self) -> list[tuple[str, str]]:
        return [(name, f"{name} ({megabytes:,} MB)") for name, (_, megabytes) in REPOSITORIES.items()]


class TranscribeOptionsSerializer(serializers.Serializer[dict[str, Any]]):
    """What can be chosen for a transcription; everything has a default."""

    provider = serializers.ChoiceField(choices=(), default=registry.DEFAULT, help_text="Which engine listens.")
    model = WeightsField(
        default="", allow_blank=True, max_length=255, help_text="Larger models hear better and take longer."
    )
    engine = serializers.ChoiceField(choices=(), default="auto", help_text="Whisper only.")
    language = SpokenLanguageField(
        r"^[A-Za-z]{2,3}$",
        default="",
        allow_blank=True,
        help_text="What is spoken, by its code such as en or de.",
        error_messages={"invalid": UnknownLanguageError.remedy},
    )
    audio_track = serializers.IntegerField(
        default=None, allow_null=True, min_value=0, help_text="Counted from 0. Default: the first usable one."
    )
    force = serializers.BooleanField(
        default=False, label="Transcribe again", help_text="Even where there is a transcript by this engine and model."
    )

    def validate_language(self, code: str) -> str:
        return code.lower()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        providers = registry.all_providers()
        fields["provider"].choices = [(provider.name, provider.label) for provider in providers]  # type: ignore[attr-defined]
        fields["engine"].choices = ("auto", *(name for provider in providers for name in provider.engines))  # type: ignore[attr-defined]
        return fields


class TranscribeRequestSerializer(StrictFields, TranscribeOptionsSerializer):
    """A file, and what can be chosen."""

    file_id = serializers.IntegerField()


class DownloadRequestSerializer(StrictFields, serializers.Serializer[dict[str, Any]]):
    """Which weights: a size such as `small`, or a picture model's name; empty = the configured one."""

    model = serializers.CharField(default="", allow_blank=True, max_length=200)
    kind = serializers.CharField(default="speech", max_length=20, help_text="`speech`, `picture` …")

    def validate_kind(self, value: str) -> str:
        if value not in downloads.kinds():
            raise serializers.ValidationError(f"Choose one of {', '.join(downloads.kinds())}.")
        return value
