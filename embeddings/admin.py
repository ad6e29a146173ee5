"""Chunks, vectors and spaces in the admin: read, and choose the space in use."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from embeddings.errors import SpaceError
from embeddings.indexing import spaces
from embeddings.models import (
    PICTURE,
    TEXT,
    Calibration,
    Chunk,
    Embedding,
    PaidVector,
    PictureFloor,
    Removal,
    SavedQuery,
    Space,
    Viewing,
)
from jobs.web.admin_base import BaseAdmin, ReadOnlyAdmin


@admin.register(Space)
class SpaceAdmin(ReadOnlyAdmin[Space]):
    list_display = (
        "model", "provider", "dimension", "request_format", "is_active", "is_used_for_pictures", "vectors",
        "activated_at",
    )  # fmt: skip
    list_filter = ("provider", "is_active", "is_used_for_pictures")
    search_fields = ("model",)
    actions = ("use", "use_for_pictures")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Space]:
        return super().get_queryset(request).annotate(vector_count=Count("embeddings"))

    @admin.display(description="vectors", ordering="vector_count")
    def vectors(self, space: Any) -> str:
        return f"{space.vector_count:,}"

    @admin.action(description="Search texts with this space from now on")
    def use(self, request: HttpRequest, rows: QuerySet[Space]) -> None:
        self._use(request, rows, TEXT)

    @admin.action(description="Search what is seen with this space from now on")
    def use_for_pictures(self, request: HttpRequest, rows: QuerySet[Space]) -> None:
        self._use(request, rows, PICTURE)

    def _use(self, request: HttpRequest, rows: QuerySet[Space], content: str) -> None:
        chosen = list(rows)
        if not request.user.has_perm("embeddings.change_space") or len(chosen) != 1:
            self.message_user(request, "Choose one space that you may change.", messages.ERROR)
            return
        try:
            lacking = spaces.choose(chosen[0], content)
        except SpaceError as error:
            self.message_user(request, f"{error} {error.remedy}", messages.ERROR)
            return
        said = f"Search uses “{chosen[0]}” for {content}s now. {lacking}".strip()
        self.message_user(request, said, messages.WARNING if lacking else messages.SUCCESS)


@admin.register(Chunk)
class ChunkAdmin(ReadOnlyAdmin[Chunk]):
    list_display = ("short", "file", "source_kind", "start_s", "end_s", "place")
    list_filter = ("source_kind",)
    list_select_related = ("file",)
    search_fields = ("file__name", "text")

    @admin.display(description="text")
    def short(self, chunk: Chunk) -> str:
        return str(chunk) or "–"

    @admin.display(description="moment")
    def place(self, chunk: Chunk) -> SafeString:
        url = reverse("file-page", args=[chunk.file_id])
        return format_html('<a href="{}?t={}">open</a>', url, f"{chunk.start_s or 0:g}")


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin[Embedding]):
    list_display = ("chunk", "file", "space", "created_at")
    list_filter = ("space",)
    list_select_related = ("chunk", "file", "space")
    fields = readonly_fields = ("chunk", "file", "space", "content_hash", "created_at")


@admin.register(PaidVector)
class PaidVectorAdmin(ReadOnlyAdmin[PaidVector]):
    list_display = ("__str__", "purpose", "space", "created_at")
    list_filter = ("purpose", "space")
    list_select_related = ("space",)
    fields = readonly_fields = ("text", "purpose", "space", "created_at")
    search_fields = ("text",)


@admin.register(Viewing)
class ViewingAdmin(ReadOnlyAdmin[Viewing]):
    list_display = ("content_hash", "file", "state", "space", "created_at", "ended_at")
    list_filter = ("state", "space")
    list_select_related = ("file", "space")
    fields = readonly_fields = (
        "file", "space", "state", "content_hash", "part", "start_s", "duration_s", "pieces", "problems", "error",
        "invocation_arn", "entry", "is_staged", "created_at", "called_at", "ended_at",
    )  # fmt: skip
    search_fields = ("file__name", "content_hash")

    @admin.display(description="pieces")
    def pieces(self, viewing: Viewing) -> int:
        return len(viewing.spans)


@admin.register(SavedQuery)
class SavedQueryAdmin(BaseAdmin[SavedQuery]):
    list_display = ("name", "text", "mode", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "text")
    readonly_fields = ("created_by", "created_at")

    def save_model(self, request: HttpRequest, obj: SavedQuery, form: Any, change: Any) -> None:
        if not change:
            user: Any = request.user
            obj.created_by = user
        super().save_model(request, obj, form, change)


@admin.register(PictureFloor)
class PictureFloorAdmin(ReadOnlyAdmin[PictureFloor]):
    list_display = ("space", "margin", "stands_out", "sample")
    list_select_related = ("space",)


@admin.register(Removal)
class RemovalAdmin(ReadOnlyAdmin[Removal]):
    list_display = ("embedding_id", "space")
    list_select_related = ("space",)


@admin.register(Calibration)
class CalibrationAdmin(ReadOnlyAdmin[Calibration]):
    list_display = ("space", "vectors", "made_at")
    list_select_related = ("space",)
    fields = readonly_fields = ("space", "vectors", "made_at")
