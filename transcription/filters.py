"""What `GET /api/transcripts` can be narrowed by."""

import django_filters

from transcription.models import Transcript


class TranscriptFilter(django_filters.FilterSet):
    file_id = django_filters.NumberFilter(field_name="file_id", help_text="Transcripts of this file.")
    provider = django_filters.CharFilter()
    language = django_filters.CharFilter()
    is_current = django_filters.BooleanFilter()
    ordering = django_filters.OrderingFilter(fields=["created_at", "updated_at", "word_count", "id"])

    class Meta:
        model = Transcript
        fields: list[str] = []
