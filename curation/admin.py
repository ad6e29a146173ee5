"""A person's own order in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html

from curation.api import with_counts
from curation.marking import remove_moment
from curation.models import Annotation, Collection, CollectionItem, FileTag, Moment, Tag, TagChange, TagRefusal
from curation.searchable import index_moments, index_note
from curation.tagging import delete_tag, rename_tag
from jobs.web.admin_base import BaseAdmin, ReadOnlyAdmin


@admin.register(Tag)
class TagAdmin(BaseAdmin[Tag]):
    list_display = ("name", "swatch", "file_count", "moment_count", "created_at")
    search_fields = ("folded",)
    fields = ("name", "colour")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        return with_counts(Tag.objects.all())

    @admin.display(description="colour")
    def swatch(self, tag: Tag) -> str:
        return tag.colour or "–"

    @admin.display(description="files", ordering="file_count")
    def file_count(self, tag: Any) -> int:
        return int(tag.file_count)

    @admin.display(description="moments", ordering="moment_count")
    def moment_count(self, tag: Any) -> int:
        return int(tag.moment_count)

    def save_model(self, request: HttpRequest, obj: Tag, form: ModelForm[Tag], change: bool) -> None:  # noqa: FBT001
        if change and "name" in form.changed_data:
            rename_tag(obj, form.cleaned_data["name"])
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Tag) -> None:
        delete_tag(obj)


@admin.register(Moment)
class MomentAdmin(BaseAdmin[Moment]):
    list_display = ("__str__", "place", "rating", "favourite", "created_at")
    list_filter = ("favourite", "rating", "tags")
    list_select_related = ("file",)
    search_fields = ("name", "note", "file__name")
    fields = ("name", "start_s", "end_s", "note", "rating", "favourite", "tags")
    filter_horizontal = ("tags",)

    @admin.display(description="file")
    def place(self, moment: Moment) -> str:
        return format_html('<a href="{}">{}</a>', moment.get_absolute_url(), moment.file.name)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A moment is marked where it is seen, in the player."""
        return False

    def save_related(self, request: HttpRequest, form: ModelForm[Moment], formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        index_moments([form.instance.file_id])

    def delete_model(self, request: HttpRequest, obj: Moment) -> None:
        remove_moment(obj)


@admin.register(Annotation)
class AnnotationAdmin(BaseAdmin[Annotation]):
    list_display = ("file", "rating", "favourite", "note", "updated_at")
    list_filter = ("favourite", "rating")
    list_select_related = ("file",)
    search_fields = ("note", "file__name")
    fields = ("rating", "favourite", "note")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Annotation | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Annotation, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        index_note(obj.file)


class ItemInline(admin.TabularInline[CollectionItem, Collection]):
    model = CollectionItem
    fields = ("position", "file", "moment")
    readonly_fields = ("file", "moment")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Collection | None = None) -> bool:
        return False


@admin.register(Collection)
class CollectionAdmin(BaseAdmin[Collection]):
    list_display = ("name", "note", "updated_at")
    search_fields = ("name", "note")
    fields = ("name", "note")
    inlines = (ItemInline,)


@admin.register(TagRefusal)
class TagRefusalAdmin(ReadOnlyAdmin[TagRefusal]):
    list_display = ("tag", "file", "created_at")
    list_filter = ("tag",)
    list_select_related = ("tag", "file")
    search_fields = ("file__name",)


@admin.register(FileTag)
class FileTagAdmin(ReadOnlyAdmin[FileTag]):
    list_display = ("tag", "file", "created_at")
    list_filter = ("tag",)
    list_select_related = ("tag", "file")
    search_fields = ("file__name",)


@admin.register(TagChange)
class TagChangeAdmin(ReadOnlyAdmin[TagChange]):
    """What an Undo of tags would take back; it goes with its batch."""

    list_display = ("batch",)
    list_select_related = ("batch",)
