"""Jobs, batches, queues, clusters and notices in the admin."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from jobs import control, registry
from jobs.bulk import in_pieces
from jobs.errors import WorkError
from jobs.models import Batch, Cluster, IdempotencyKey, Job, Notice, QueueState
from jobs.web import permissions
from jobs.web.admin_base import ReadOnlyAdmin


class KindFilter(admin.SimpleListFilter):
    """The registered kinds, without a DISTINCT over all rows."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, kind.label) for kind in registry.kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class QueueFilter(admin.SimpleListFilter):
    """The queues, without a DISTINCT over all rows."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in registry.QUEUES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(queue=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job]):
    list_display = ("id", "kind_label", "about", "state", "percent", "message", "error", "created_at")
    list_filter = ("state", QueueFilter, KindFilter)
    search_fields = ("error", "message", "=subject_id")
    ordering = ("-pk",)
    actions = ("cancel_selected", "retry_selected")

    @admin.display(description="about", ordering="subject_id")
    def about(self, job: Job) -> str:
        return f"{job.subject_kind} {job.subject_id}" if job.subject_id is not None else "–"

    @admin.display(description="kind", ordering="kind")
    def kind_label(self, job: Job) -> str:
        return registry.label_of(job.kind)

    @admin.display(description="progress", ordering="progress")
    def percent(self, job: Job) -> str:
        return f"{job.progress:.0%}"

    @admin.action(description="Cancel")
    def cancel_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs.active(), control.cancel, "cancelled")  # type: ignore[attr-defined]

    @admin.action(description="Retry")
    def retry_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        again = jobs.filter(state__in=[Job.State.FAILED, Job.State.CANCELLED])
        self._each(request, again, control.retry, "queued again")

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], do: Any, done_words: str) -> None:
        done, refused = 0, 0
        for job in in_pieces(jobs):
            try:
                permissions.check_job(request.user, job)
                do(job)
                done += 1
            except (WorkError, PermissionDenied):
                refused += 1
        self.message_user(request, f"{done} {done_words}.", messages.SUCCESS if done else messages.WARNING)
        if refused:
            words = f"{refused} unchanged: already finished, or you don't have permission."
            self.message_user(request, words, messages.WARNING)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin[Batch]):
    list_display = ("id", "label", "action", "created_by", "created_at", "cancelled_at", "progress_page")
    list_filter = ("action",)
    search_fields = ("label",)
    list_select_related = ("created_by",)
    fields = ("label", "action", "options", "created_by", "created_at", "cancelled_at", "progress_page")
    actions = ("cancel_selected", "retry_failed_selected")

    @admin.action(description="Cancel what is left")
    def cancel_selected(self, request: HttpRequest, batches: QuerySet[Batch]) -> None:
        self._each(request, batches, control.cancel_batch, "cancelled")

    @admin.action(description="Retry what failed")
    def retry_failed_selected(self, request: HttpRequest, batches: QuerySet[Batch]) -> None:
        self._each(request, batches, control.retry_failed, "queued again")

    def _each(
        self, request: HttpRequest, batches: QuerySet[Batch], do: Callable[[Batch], int], done_words: str
    ) -> None:
        done = 0
        for batch in batches:
            try:
                permissions.check_batch(request.user, batch)
            except PermissionDenied as denied:
                self.message_user(request, f"{batch.label}: {denied}", messages.WARNING)
            else:
                done += do(batch)
        self.message_user(request, f"{done:,} jobs {done_words}.", messages.SUCCESS if done else messages.WARNING)

    @admin.display(description="progress")
    def progress_page(self, batch: Batch) -> str:
        return format_html('<a href="{}">Progress</a>', reverse("batch-page", args=[batch.pk]))


@admin.register(QueueState)
class QueueStateAdmin(ReadOnlyAdmin[QueueState]):
    list_display = ("name", "is_paused", "changed_at", "changed_by")
    list_select_related = ("changed_by",)
    actions = ("pause_selected", "resume_selected")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueueState]:
        return control.queue_states()

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_queuestate")

    @admin.action(description="Pause: start nothing more", permissions=["steer"])
    def pause_selected(self, request: HttpRequest, queues: QuerySet[QueueState]) -> None:
        for state in queues:
            control.pause(state.name, by=_person(request))
        self.message_user(request, "Paused: what runs goes on, nothing more starts.", messages.SUCCESS)

    @admin.action(description="Resume", permissions=["steer"])
    def resume_selected(self, request: HttpRequest, queues: QuerySet[QueueState]) -> None:
        for state in queues:
            control.resume(state.name, by=_person(request))
        self.message_user(request, "Open again.", messages.SUCCESS)


def _person(request: HttpRequest) -> Any:
    return request.user


@admin.register(Cluster)
class ClusterAdmin(ReadOnlyAdmin[Cluster]):
    list_display = ("queue", "owner", "workers", "started_at", "seen_at", "retired_at")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    list_display = ("level", "text", "remedy", "updated_at")
    list_filter = ("level",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin[IdempotencyKey]):
    list_display = ("key", "user", "status", "created_at")
    list_select_related = ("user",)
