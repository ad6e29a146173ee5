"""What `GET /api/transcripts` can be narrowed by."""

import django_filters

from transcription.models import Transcript, TranscriptQuerySet


class TranscriptFilter(django_filters.FilterSet):
    file_id = django_filters.NumberFilter(field_name="file_id", help_text="Transcripts of this file.")
    provider = django_filters.CharFilter()
    language = django_filters.CharFilter()
    language_uncertain = django_filters.BooleanFilter(method="filter_uncertain", label="Language uncertain")
    is_current = django_filters.BooleanFilter()
    ordering = django_filters.OrderingFilter(fields=["created_at", "updated_at", "word_count", "id"])

    def filter_uncertain(self, rows: TranscriptQuerySet, name: str, value: bool) -> TranscriptQuerySet:  # noqa: FBT001
        uncertain = Transcript.objects.language_uncertain()
        return rows.filter(pk__in=uncertain) if value else rows.exclude(pk__in=uncertain)

    class Meta:
        model = Transcript
        fields: list[str] = []
