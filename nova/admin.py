"""Analyses and results in the admin: to look at; they are made and changed by the verbs only."""

from django.contrib import admin
from django.http import HttpRequest

from nova.models import AnalysisResult, NovaJob


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(NovaJob)
class NovaJobAdmin(_ReadOnly):
    list_display = ("id", "file", "model", "mode", "status", "cost_usd", "created_at", "finished_at")
    list_filter = ("status", "mode", "model")
    list_select_related = ("file",)
    search_fields = ("file__name",)


@admin.register(AnalysisResult)
class AnalysisResultAdmin(_ReadOnly):
    list_display = ("id", "file", "type", "nova_job", "version", "is_current", "created_at")
    list_filter = ("type", "is_current")
    list_select_related = ("file", "nova_job", "nova_job__file")
    search_fields = ("file__name",)
