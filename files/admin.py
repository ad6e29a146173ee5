"""The library in the admin. Nothing here can change or delete an original."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.timezone import localtime
from rest_framework.exceptions import ValidationError

from files import humanize, removal_tasks
from files.admin_filters import FILE_FILTERS, facet_filters
from files.api import with_counts
from files.errors import SelectionError
from files.import_tasks import request_scan, restore_now
from files.media import derived
from files.models import File, FileQuerySet, Problem, Proxy, RemovedFile, Root
from files.selection import facets
from files.selection.actions import estimate, start_action
from files.selection.paging import FilePaginator
from files.upkeep import removing
from jobs.errors import WorkError
from jobs.kept_answers import kept
from jobs.web.admin_base import (
    DialogAction,
    KeptValuesFilter,
    OptionsForm,
    PlanLine,
    PlanText,
    ReadOnlyAdmin,
    form_from_serializer,
    plan_text,
)

NOTHING = "–"


class TotalsPaginator(FilePaginator):
    """Counts rows and adds up their sizes in one query, once a page."""

    @cached_property
    def totals(self) -> dict[str, int]:
        files: Any = self.object_list
        rows = files.order_by()
        sums = {"count": Count("pk"), "size": Sum("size_bytes")}
        return kept(rows.values("pk"), "count and size", lambda: rows.aggregate(**sums))

    @cached_property
    def count(self) -> int:
        return self.totals["count"]

    @property
    def total_size(self) -> str:
        return humanize.size(self.totals["size"] or 0)


class FileChangeList(ChangeList):
    """Reads the facets of the rows of the page only."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not isinstance(self.result_list, list):  # "show all" of a short list goes round the paginator
            self.result_list: Any = list(self.result_list)
            facets.fill(self.result_list)


class FileColumns:
    """How a file is shown in a list."""

    @admin.display(description="Poster")
    def poster(self, file: File) -> str:
        if derived.poster_path(file) is None:  # a picture that is not there is never asked for
            return ""
        return format_html(
            '<img class="poster" src="{}" alt="" width="96" height="54" loading="lazy">',
            reverse("files:thumbnail", args=[file.pk]),
        )

    @admin.display(description="name", ordering="name")
    def name_and_path(self, file: File) -> str:
        folder = file.path.rpartition("/")[0]
        place = f"{file.root.path}/{folder}".rstrip("/")
        here = f"{reverse('admin:files_file_changelist')}?{urlencode({'directory': place})}"
        return format_html(
            '<a href="{}"><strong>{}</strong></a><br><a class="quiet" href="{}">{}</a>',
            reverse("file-page", args=[file.pk]),
            file.name,
            here,
            place,
        )

    @admin.display(description="size", ordering="size_bytes")
    def size(self, file: File) -> str:
        return format_html('<span title="{} bytes">{}</span>', f"{file.size_bytes:,}", humanize.size(file.size_bytes))

    @admin.display(description="duration", ordering="duration_s")
    def duration(self, file: File) -> str:
        return humanize.length(file.duration_s)

    @admin.display(description="resolution", ordering="width")
    def resolution(self, file: File) -> str:
        return file.resolution or NOTHING

    @admin.display(description="imported", ordering="imported_at")
    def imported(self, file: File) -> str:
        """The day; the list has no room for more."""
        moment = localtime(file.imported_at)
        return format_html(
            '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{moment:%H:%M:%S}", f"{moment:%d %b %Y}"
        )


@admin.register(File)
class FileAdmin(FileColumns, ReadOnlyAdmin[File]):
    list_display = (
        "poster", "name_and_path", "media_type", "state", "size", "duration", "resolution", "badges", "imported",
    )  # fmt: skip
    list_display_links = None
    list_select_related = ("root",)
    search_fields = ("name", "path")
    search_help_text = "Words of the name or the path"
    ordering = ("-imported_at", "-id")
    paginator = TotalsPaginator
    change_list_template = "admin/files/file/change_list.html"
    actions = None

    class Media:
        css = {"all": ("files/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[File]:
        return File.objects.all()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FileChangeList

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [*FILE_FILTERS[:3], *facet_filters(), *FILE_FILTERS[3:]]

    def get_dialog_actions(self, request: HttpRequest) -> tuple[DialogAction, ...]:
        return tuple(_dialog(action) for action in facets.actions())

    @admin.display(description="has")
    def badges(self, file: File) -> str:
        return format_html_join(
            " ",
            '<a class="badge {}" href="{}" title="{}">{}</a>',
            ((badge.level, badge.url or "#", badge.title or badge.text, badge.text) for badge in facets.badges(file)),
        ) or NOTHING  # fmt: skip


def _dialog(action: facets.Action) -> DialogAction:
    """A dialog for an action of the registry: the options are the API's."""

    def plan(rows: QuerySet[Any], options: dict[str, Any]) -> PlanText:
        try:
            return plan_text(estimate(action.name, _files(rows), options), label=action.label)
        except ValidationError as error:
            detail: Any = error.detail
            rows_of = detail.items() if isinstance(detail, dict) else [("", detail)]
            words = "; ".join(f"{name}: {' '.join(map(str, texts))}".removeprefix(": ") for name, texts in rows_of)
            raise SelectionError(f"The options cannot be used: {words}") from error

    def submit(rows: QuerySet[Any], options: dict[str, Any], request: HttpRequest) -> str:
        user: Any = request.user
        return start_action(action.name, _files(rows), options, user=user).get_absolute_url()

    return DialogAction(
        name=action.name,
        label=action.label,
        permission=action.permission,
        form=form_from_serializer(action.options),
        plan=plan,
        submit=submit,
    )


def _files(rows: Any) -> FileQuerySet:
    """The selection as `selection.resolve` would give it: with its facets."""
    return facets.annotate(rows)


@admin.register(RemovedFile)
class TrashAdmin(FileColumns, ReadOnlyAdmin[RemovedFile]):
    """What was removed: imports can come back while their original is there, uploads until the trash is emptied."""

    list_display = ("name", "path", "size", "duration", "removed_at", "bytes")
    list_filter = ("media_type",)
    list_select_related = ("root",)
    search_fields = ("name", "path")
    actions = ("restore",)

    @admin.display(description="bytes")
    def bytes(self, file: RemovedFile) -> str:
        return "in the trash" if file.root.is_uploads else "untouched, where they were"

    def has_restore_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("files.delete_file")

    @admin.action(description="Put back into the library", permissions=["restore"])
    def restore(self, request: HttpRequest, rows: Any) -> HttpResponseRedirect | None:
        back = 0
        user: Any = request.user
        if rows.count() > removal_tasks.AT_ONCE:
            return HttpResponseRedirect(removal_tasks.request_restoring(rows, created_by=user).get_absolute_url())
        for file in rows.select_related("root"):
            try:
                restore_now(file, created_by=user)
                back += 1
            except WorkError as error:
                self.message_user(request, f"{file.name}: {error} {error.remedy}", messages.WARNING)
        if back:
            verb = "is" if back == 1 else "are"
            self.message_user(request, f"{humanize.files(back)} {verb} in the library again.", messages.SUCCESS)
        return None

    def get_dialog_actions(self, request: HttpRequest) -> tuple[DialogAction, ...]:
        return (EMPTY_TRASH,)


def _plan_emptying(rows: QuerySet[Any], options: dict[str, Any]) -> PlanText:
    uploads = removing.deletable(rows)
    total = uploads.aggregate(count=Count("pk"), size=Sum("size_bytes"))
    kept = rows.count() - total["count"]
    size = humanize.size(total["size"] or 0)
    lines = [PlanLine(text=f"To be deleted for good: {humanize.uploads(total['count'])}, {size}")]
    if kept:
        lines.append(PlanLine(text=f"{kept:,} imports stay listed: their originals are not ours to delete"))
    return PlanText(lines=lines, button=f"Delete {total['count']:,} for good", todo=total["count"])


def _empty(rows: QuerySet[Any], options: dict[str, Any], request: HttpRequest) -> str:
    user: Any = request.user
    done = removal_tasks.empty_trash(rows, created_by=user)
    if not isinstance(done, int):
        return done.get_absolute_url()
    messages.success(request, f"Deleted for good: {humanize.uploads(done)}.")
    return reverse("admin:files_removedfile_changelist")


EMPTY_TRASH = DialogAction(
    name="empty_trash",
    label="Delete uploads for good",
    permission="files.delete_file",
    form=OptionsForm,
    plan=_plan_emptying,
    submit=_empty,
)


@admin.register(Root)
class RootAdmin(ReadOnlyAdmin[Root]):
    list_display = ("name", "path", "is_present", "files", "size", "problems", "last_seen_at", "missing_since")
    list_filter = ("is_present",)
    search_fields = ("name", "path")
    actions = ("scan",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Root]:
        return with_counts(super().get_queryset(request))

    @admin.display(description="files", ordering="file_count")
    def files(self, root: Any) -> str:
        url = f"{reverse('admin:files_file_changelist')}?root={root.pk}"
        return format_html('<a href="{}">{}</a>', url, f"{root.file_count:,}")

    @admin.display(description="size", ordering="size_bytes")
    def size(self, root: Any) -> str:
        return humanize.size(root.size_bytes)

    @admin.display(description="problems", ordering="problem_count")
    def problems(self, root: Any) -> str:
        if not root.problem_count:
            return NOTHING
        url = f"{reverse('admin:files_problem_changelist')}?root__id__exact={root.pk}"
        return format_html('<a href="{}">{}</a>', url, f"{root.problem_count:,}")

    def has_scan_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("files.change_root")

    @admin.action(description="Scan for new, moved and missing files", permissions=["scan"])
    def scan(self, request: HttpRequest, roots: QuerySet[Root]) -> None:
        _scan(self, request, roots)


def _plan_deleting(rows: QuerySet[Any], options: dict[str, Any]) -> PlanText:
    chosen = rows.count()
    total = removing.replaceable(rows).aggregate(count=Count("pk"), size=Sum("size_bytes"))
    proxies = "1 proxy" if total["count"] == 1 else f"{total['count']:,} proxies"
    lines = [
        PlanLine(text=f"{proxies} ({humanize.size(total['size'] or 0)}) will be deleted; originals stay untouched")
    ]
    if kept := chosen - total["count"]:
        lines.append(PlanLine(text=f"{kept:,} cannot be made again now (drive away, file missing): they stay"))
    warning = "Until they are made again, these files play from their originals, where the browser can."
    return PlanText(lines=lines, button=f"Delete {proxies}", todo=total["count"], warnings=[warning])


def _delete_proxies(rows: QuerySet[Any], options: dict[str, Any], request: HttpRequest) -> str:
    deleted = removing.delete_proxies(rows)
    messages.success(request, f"Deleted: {deleted:,}. “Make proxies” makes them again.")
    return reverse("admin:files_proxy_changelist")


DELETE_PROXIES = DialogAction(
    name="delete_proxies",
    label="Delete proxies",
    permission="files.delete_proxy",
    form=OptionsForm,
    plan=_plan_deleting,
    submit=_delete_proxies,
)


@admin.register(Proxy)
class ProxyAdmin(ReadOnlyAdmin[Proxy]):
    list_display = ("path", "file", "proxy_spec", "size", "duration", "resolution", "is_partial", "created_at")
    list_filter = (("proxy_spec", KeptValuesFilter), "is_partial")
    list_select_related = ("file",)
    search_fields = ("path",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "file_id" or super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proxy]:
        return super().get_queryset(request).filter(file__removed_at__isnull=True)

    def get_dialog_actions(self, request: HttpRequest) -> tuple[DialogAction, ...]:
        return (DELETE_PROXIES,)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, proxy: Proxy) -> str:
        return humanize.size(proxy.size_bytes)

    @admin.display(description="duration", ordering="duration_s")
    def duration(self, proxy: Proxy) -> str:
        return humanize.length(proxy.duration_s)

    @admin.display(description="resolution")
    def resolution(self, proxy: Proxy) -> str:
        return f"{proxy.width}×{proxy.height}"


@admin.register(Problem)
class ProblemAdmin(ReadOnlyAdmin[Problem]):
    list_display = ("path", "root", "reason", "remedy", "times", "seen_at")
    list_filter = ("kind", "root")
    list_select_related = ("root",)
    search_fields = ("path", "reason")
    actions = ("try_again",)

    def has_scan_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("files.change_root")

    @admin.action(description="Try again", permissions=["scan"])
    def try_again(self, request: HttpRequest, problems: QuerySet[Problem]) -> None:
        # A scan takes in what has changed; a time that cannot be makes these count as changed.
        problems.update(mtime_ns=-1)
        _scan(self, request, Root.objects.filter(pk__in=problems.values("root")))


def _scan(model_admin: Any, request: HttpRequest, roots: QuerySet[Root]) -> None:
    user: Any = request.user
    for root in roots:
        request_scan(root, user=user)
    folders = f"{len(roots)} folder" if len(roots) == 1 else f"{len(roots):,} folders"
    model_admin.message_user(request, f"{folders} to be scanned. See the jobs for how far it is.", messages.SUCCESS)
