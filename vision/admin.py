"""Frames in the admin: to look at."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.web.admin_base import ReadOnlyAdmin
from vision.models import DuplicateGroup, DuplicateMember, Frame, FrameSelection, ScreenReading, ScreenText


@admin.register(FrameSelection)
class FrameSelectionAdmin(ReadOnlyAdmin[FrameSelection]):
    list_display = ("file", "frame_count", "shot_count", "blank_count", "same_count", "stills_bytes", "created_at")
    list_select_related = ("file",)
    search_fields = ("file__name",)


@admin.register(Frame)
class FrameAdmin(ReadOnlyAdmin[Frame]):
    list_display = ("moment", "file", "n", "still")
    list_select_related = ("file",)
    list_display_links = None
    search_fields = ("file__name",)

    @admin.display(description="second", ordering="at_s")
    def moment(self, frame: Frame) -> SafeString:
        return format_html(
            '<a href="{}?t={}">{} s</a>', reverse("file-page", args=[frame.file_id]), frame.at_s, frame.at_s
        )

    @admin.display(description="still")
    def still(self, frame: Frame) -> SafeString:
        address = reverse("vision:frame", args=[frame.file_id, frame.n])
        return format_html('<img src="{}" height="90" loading="lazy" alt="The picture at {} s">', address, frame.at_s)


@admin.register(ScreenReading)
class ScreenReadingAdmin(ReadOnlyAdmin[ScreenReading]):
    list_display = ("file", "line_count", "frame_count", "engine", "took_s", "created_at")
    list_select_related = ("file",)
    search_fields = ("file__name",)


@admin.register(ScreenText)
class ScreenTextAdmin(ReadOnlyAdmin[ScreenText]):
    list_display = ("text", "file", "start_s", "end_s", "confidence")
    list_select_related = ("file",)
    search_fields = ("text", "file__name")


@admin.register(DuplicateGroup)
class DuplicateGroupAdmin(ReadOnlyAdmin[DuplicateGroup]):
    list_display = ("__str__", "found_at")
    list_filter = ("kind",)


@admin.register(DuplicateMember)
class DuplicateMemberAdmin(ReadOnlyAdmin[DuplicateMember]):
    list_display = ("file", "group")
    list_select_related = ("file", "group")
    search_fields = ("file__name",)
