"""Analyses and results in the admin: to look at; they are made and changed by the verbs only."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from jobs.errors import WorkError
from jobs.kept_answers import KeptPaginator
from jobs.web.admin_base import KeptValuesFilter
from nova.batch import lifecycle, pool
from nova.facet import PERMISSION
from nova.models import (
    AnalysisResult,
    AnalysisType,
    AnalysisTypeVersion,
    BedrockBatch,
    NovaJob,
    Question,
    RawReply,
)
from nova.types.flattening import schema_warnings
from nova.types.registry import add_version, faults_of_type


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False
    list_per_page = 50
    paginator = KeptPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(NovaJob)
class NovaJobAdmin(_ReadOnly):
    list_display = ("id", "file", "model", "mode", "status", "cost_usd", "created_at", "finished_at")
    list_filter = ("status", "mode", ("model", KeptValuesFilter))
    list_select_related = ("file",)
    search_fields = ("file__name",)


@admin.register(AnalysisResult)
class AnalysisResultAdmin(_ReadOnly):
    list_display = ("id", "file", "type", "nova_job", "version", "is_current", "created_at")
    list_filter = (("type", KeptValuesFilter), "is_current")
    list_select_related = ("file", "nova_job", "nova_job__file")
    search_fields = ("file__name",)


class _Steerable(_ReadOnly):
    """Rows that are read-only, with actions for those who may ask for analyses."""

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def _send(self, request: HttpRequest, model_keys: Iterable[str]) -> None:
        """Send what waits for these models, and say what became of it."""
        for model_key in sorted(set(model_keys)):
            try:
                batches = pool.send(model_key, by_hand=True)
            except WorkError as exc:
                self.message_user(request, f"{model_key}: {exc} {exc.remedy}", messages.ERROR)
                continue
            said = ", ".join(str(batch) for batch in batches) or pool.waiting(model_key).words
            level = messages.SUCCESS if batches else messages.WARNING
            self.message_user(request, f"{model_key}: {said}", level)


@admin.register(BedrockBatch)
class BedrockBatchAdmin(_Steerable):
    list_display = (
        "id",
        "folder",
        "model_key",
        "remote_status",
        "remote_message",
        "records_done",
        "records_total",
        "created_at",
        "submitted_at",
        "collected_at",
        "cleared_at",
        "error",
    )
    list_filter = ("remote_status", "model_key")
    search_fields = ("folder", "arn")
    actions = ("ask_now", "send_now", "cancel")

    @admin.action(description="Ask Bedrock now, and take in what is done", permissions=["steer"])
    def ask_now(self, request: HttpRequest, chosen: QuerySet[BedrockBatch]) -> None:
        self._each(request, chosen, lambda batch: lifecycle.tend(batch, force=True))

    @admin.action(description="Send now what waits for these models", permissions=["steer"])
    def send_now(self, request: HttpRequest, chosen: QuerySet[BedrockBatch]) -> None:
        self._send(request, chosen.values_list("model_key", flat=True))

    @admin.action(description="Cancel: stop it at Bedrock, keep what was done", permissions=["steer"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[BedrockBatch]) -> None:
        self._each(request, chosen, lifecycle.cancel_batch)

    def _each(self, request: HttpRequest, chosen: QuerySet[BedrockBatch], act: Callable[[BedrockBatch], None]) -> None:
        for batch in chosen:
            try:
                act(batch)
            except WorkError as exc:
                self.message_user(request, f"{batch}: {exc} {exc.remedy}", messages.ERROR)
                continue
            batch.refresh_from_db()
            said = batch.error or batch.remote_message or batch.remote_status or "not sent yet"
            self.message_user(request, f"{batch}: {said}", messages.SUCCESS)


@admin.register(Question)
class QuestionAdmin(_Steerable):
    list_display = (
        "id",
        "nova_job",
        "index",
        "start_s",
        "end_s",
        "state",
        "bedrock_batch",
        "attempts",
        "estimated_usd",
        "error",
    )
    list_filter = ("state",)
    list_select_related = ("nova_job", "nova_job__file", "bedrock_batch")
    search_fields = ("key", "record_id")
    actions = ("send_now",)

    @admin.action(description="Send now what waits for these models", permissions=["steer"])
    def send_now(self, request: HttpRequest, chosen: QuerySet[Question]) -> None:
        self._send(request, chosen.values_list("nova_job__model", flat=True))


@admin.register(RawReply)
class RawReplyAdmin(_ReadOnly):
    list_display = ("id", "model", "mode", "start_s", "end_s", "stop_reason", "cost_usd", "created_at")
    list_filter = ("model", "mode", "stop_reason")
    search_fields = ("key", "content_hash")


class VersionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A type of the user's own: saving a changed prompt or schema makes a new version."""

    prompt = forms.CharField(widget=forms.Textarea, help_text="What to look for, in plain words.")
    schema = forms.JSONField(
        widget=forms.Textarea,
        help_text='JSON Schema of the answer: {"type": "object", "properties": {…}, "required": […]}. A property whose '
        "name ends in _s is a moment in seconds.",
    )

    class Meta:
        model = AnalysisType
        fields = ("name", "label", "is_retired")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self.instance.versions.order_by("-number").first() if self.instance.pk else None
        if newest is not None:
            self.initial.update(prompt=newest.prompt, schema=newest.schema)
            self.fields["name"].disabled = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            faults = faults_of_type(cleaned["name"], cleaned["prompt"], cleaned["schema"])
            if faults:
                raise forms.ValidationError(faults)
        return cleaned


class VersionInline(admin.TabularInline):  # type: ignore[type-arg]
    model = AnalysisTypeVersion
    fields = readonly_fields = ("number", "prompt", "schema", "created_at", "created_by")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(AnalysisType)
class AnalysisTypeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Types of the user's own. Versions are never changed or deleted; a type can be retired."""

    form = VersionForm
    inlines = (VersionInline,)
    list_display = ("name", "label", "newest", "is_retired", "advice", "created_at")
    readonly_fields = ("advice",)

    @admin.display(description="newest version")
    def newest(self, row: AnalysisType) -> int:
        return row.versions.count()

    @admin.display(description="what to know of its schema")
    def advice(self, row: AnalysisType) -> str:
        version = row.versions.order_by("-number").first()
        return " ".join(schema_warnings(version.schema)) if version else ""

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AnalysisType, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        user = request.user if request.user.is_authenticated else None
        add_version(obj.name, prompt=form.cleaned_data["prompt"], schema=form.cleaned_data["schema"], by=user)
        for warning in schema_warnings(form.cleaned_data["schema"]):
            self.message_user(request, f"{obj.name}: {warning}", messages.WARNING)


@admin.register(AnalysisTypeVersion)
class AnalysisTypeVersionAdmin(_ReadOnly):
    list_display = ("type", "number", "created_at", "created_by")
    list_select_related = ("type", "created_by")
