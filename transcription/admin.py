"""Transcripts in the admin: read, correct, choose, download, delete."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import BaseModelFormSet, ModelForm, Textarea
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobs.web.admin_base import BaseAdmin, KeptValuesFilter, ReadOnlyAdmin
from transcription.models import PaidPiece, Segment, SpeakerName, SubtitleSource, Transcript
from transcription.subtitles import writers
from transcription.writing import choose_current, correct_segments, delete_transcript

#: Lines to a page: hours of talk are thousands, which took ten seconds to show and more than a form may send back.
LINES = 100


def first_line(request: HttpRequest) -> int:
    """The index of the first line on the page that is asked for by `?from=`."""
    asked = request.GET.get("from", "")
    return int(asked[:6]) if asked.isdecimal() else 0


def clock(seconds: float) -> str:
    """`1:02:03.4`"""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


class SegmentInline(admin.TabularInline[Segment, Transcript]):
    """The words can be changed; a changed segment is kept when the file is transcribed again."""

    model = Segment
    fields = ("at", "text", "confidence", "is_corrected", "flags")
    readonly_fields = ("at", "confidence", "is_corrected", "flags")
    extra = 0
    max_num = 0
    can_delete = False
    verbose_name_plural = "segments (change the text to correct it)"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        first = first_line(request)
        rows = super().get_queryset(request).select_related("transcript")
        return rows.filter(index__gte=first, index__lt=first + LINES)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "text":
            kwargs["widget"] = Textarea(attrs={"rows": 2, "cols": 70})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="time")
    def at(self, segment: Segment) -> SafeString:
        file_id = segment.transcript.file_id
        url = f"{reverse('file-page', args=[file_id])}?t={segment.start_s:.1f}"
        return format_html('<a href="{}">{} – {}</a>', url, clock(segment.start_s), clock(segment.end_s))


@admin.register(Transcript)
class TranscriptAdmin(BaseAdmin[Transcript]):
    list_display = (
        "file",
        "provider",
        "engine",
        "model",
        "language",
        "language_probability",
        "word_count",
        "is_current",
        "created_at",
    )
    list_filter = ("is_current", *((name, KeptValuesFilter) for name in ("provider", "engine", "model", "language")))
    list_select_related = ("file",)
    search_fields = ("file__name", "text")
    readonly_fields = (
        "file", "provider", "engine", "model", "downloads", "lines", "text", "is_current", "is_approximate",
        "segment_count", "word_count", "confidence", "took_s", "notes", "source_hash", "metadata", "created_at",
        "updated_at", "language_probability",
    )  # fmt: skip
    fields = (
        "file",
        ("provider", "engine", "model"),
        ("language", "language_probability"),
        "downloads",
        *readonly_fields[5:-1],
    )
    inlines = (SegmentInline,)
    actions = ("make_current",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="download")
    def downloads(self, transcript: Transcript) -> SafeString:
        url = reverse("transcription:download", args=[transcript.pk])
        links = ((f"{url}?format={kind}", kind.upper()) for kind in writers.FORMATS)
        return format_html_join(" ", '<a href="{}">{}</a>', links)

    @admin.display(description="lines below")
    def lines(self, transcript: Transcript) -> SafeString:
        pages = range(0, max(transcript.segment_count, 1), LINES)
        links = (
            (f"?from={first}#segments-group", first + 1, min(first + LINES, transcript.segment_count))
            for first in pages
        )
        return format_html_join(" · ", '<a href="{}">{}–{}</a>', links)

    @admin.action(description="Use for search and captions", permissions=["change"])
    def make_current(self, request: HttpRequest, rows: QuerySet[Transcript]) -> None:
        for transcript in rows.select_related("file"):
            choose_current(transcript)
        self.message_user(request, f"{rows.count()} transcripts are in use now.", messages.SUCCESS)

    def save_formset(
        self, request: HttpRequest, form: ModelForm[Any], formset: BaseModelFormSet[Any, Any], change: Any
    ) -> None:
        changed = [entry for entry in formset.forms if "text" in entry.changed_data]
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        correct_segments(form.instance, {entry.instance.pk: entry.cleaned_data["text"] for entry in changed})

    def response_change(self, request: HttpRequest, obj: Transcript) -> HttpResponse:
        """“Save and continue” stays at the lines that were corrected."""
        answer = super().response_change(request, obj)
        return redirect(request.get_full_path()) if "_continue" in request.POST and request.GET else answer

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected  # its segments go with it, although they have no button of their own

    def delete_model(self, request: HttpRequest, obj: Transcript) -> None:
        delete_transcript(obj)


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin[Segment]):
    """To look for words across transcripts; they are corrected on the transcript's page."""

    list_display = ("text", "speaker", "transcript", "start_s", "confidence", "is_corrected", "flags")
    list_filter = ("is_corrected",)
    list_select_related = ("transcript__file",)
    search_fields = ("text",)


@admin.register(SubtitleSource)
class SubtitleSourceAdmin(ReadOnlyAdmin[SubtitleSource]):
    """The subtitle files beside the library's files, and text tracks inside them: which are in use, why others not."""

    list_display = ("name", "file", "origin", "language", "state", "reason", "seen_at")
    list_filter = ("state", "origin", "language")
    list_select_related = ("file",)
    search_fields = ("name", "file__name")


@admin.register(SpeakerName)
class SpeakerNameAdmin(ReadOnlyAdmin[SpeakerName]):
    """Names are given on the page of a file, where search follows."""

    list_display = ("name", "tag", "file", "created_at")
    list_select_related = ("file",)
    search_fields = ("name", "tag", "file__name")


@admin.register(PaidPiece)
class PaidPieceAdmin(ReadOnlyAdmin[PaidPiece]):
    """What paid engines answered; it is used again instead of paying twice."""

    list_display = ("__str__", "created_at")
    search_fields = ("file_name",)
