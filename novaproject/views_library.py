"""The library: what is in it, filtered, as a grid or a list; and doing something to a selection."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from curation.models import Tag
from files.errors import SelectionError, UnknownActionError
from files.models import File, FileQuerySet, Proxy
from files.selection import facets
from files.selection.actions import can_be_undone, estimate, start_action, undo_batch
from files.selection.paging import FilePaginator
from files.selection.pieces import get_action
from files.selection.resolving import resolve
from jobs.errors import WorkError
from jobs.kept_answers import kept
from jobs.models import Batch, Job
from jobs.web.option_forms import OptionsForm, form_from_serializer
from jobs.web.undo import tell_with_undo
from novaproject.pages import folder_tree, library_query
from novaproject.pages.cards import cards

PER_PAGE = 60
#: How the list is shown, kept for this person's session.
REMEMBERED = ("view", "ordering", "density")
#: The filters of "everything that matches" in one field, as options of an action have names of filters (`language`).
MATCHING = "matching"


@require_safe
@permission_required("files.view_file", raise_exception=True)
def library(request: HttpRequest) -> HttpResponse:
    query = _remembered(request)
    filters = library_query.filters(query)
    problem = ""
    try:
        selection = resolve(filter=filters)
    except SelectionError as error:
        problem, selection = f"{error} {error.remedy}", File.objects.none()
    sort = library_query.sort(query)
    page = FilePaginator(selection.order_by(sort, "-id"), PER_PAGE).get_page(query.get("page"))
    is_list = query.get("view") == "list"
    menus = library_query.menus(query)
    numbers = library_query.page_numbers(page.number, page.paginator.num_pages)
    context = {
        "filters": filters,
        "problem": problem,
        "totals": totals_of(selection),
        "in_library": kept(File.objects.order_by(), "count", File.objects.count),
        "page": page,
        "cards": cards(page.object_list),
        "is_list": is_list,
        "grid_url": library_query.address(query, view="grid"),
        "list_url": library_query.address(query, view="list"),
        "menus": menus,
        "text_filters": library_query.text_filters(query),
        "unlisted_fields": library_query.unlisted_fields(query, menus),
        "sorts": library_query.SORTS.items(),
        "sort": sort,
        "more_is_open": any(query.get(name) for name in library_query.MORE),
        "chips": library_query.chips(query),
        "hidden_fields": library_query.hidden_fields(query),
        "pager": [(number, library_query.address(query, page=str(number)) if number else "") for number in numbers],
        "next_url": library_query.address(query, page=str(page.number + 1)) if page.has_next() else "",
        "is_dense": query.get("density") == "compact",
        "density_url": library_query.address(
            query, density="roomy" if query.get("density") == "compact" else "compact"
        ),
        "tag_names": Tag.objects.values_list("name", flat=True),
        "chosen_tags": query.getlist("tag"),
        "actions": [action for action in facets.actions() if request.user.has_perm(action.permission)],
        "folders": folder_tree.tree(query.get("directory", "")),
    }
    return render(request, "novaproject/library.html", context)


@require_safe
@permission_required("files.view_file", raise_exception=True)
def tree(request: HttpRequest) -> HttpResponse:
    """The folders in one folder, as a fragment: asked for when it is opened."""
    folders = folder_tree.below(request.GET.get("directory", ""))
    return render(request, "novaproject/_folder_tree.html", {"folders": folders})


def _remembered(request: HttpRequest) -> QueryDict:
    """The address, with the view, sort and density that this person chose last where it names none."""
    query = request.GET.copy()
    chosen = {name: str(query[name]) for name in REMEMBERED if query.get(name)}
    kept: dict[str, str] = request.session.get("library", {})
    if chosen and {**kept, **chosen} != kept:
        request.session["library"] = kept = {**kept, **chosen}
    for name, value in kept.items():
        query.setdefault(name, value)
    return query


def totals_of(selection: FileQuerySet) -> dict[str, Any]:
    """Count a selection and sum its seconds, its bytes, and those of its proxies."""
    rows, proxies = selection.order_by(), Proxy.objects.filter(file__in=selection.order_by().values("pk")).order_by()
    sums = {"count": Count("pk"), "total_s": Sum("duration_s"), "total_bytes": Sum("size_bytes")}
    totals = kept(rows.values("pk"), "totals", lambda: rows.aggregate(**sums))
    made = kept(proxies, "bytes", lambda: proxies.aggregate(total=Sum("size_bytes")))
    return {
        "count": totals["count"],
        "duration_s": totals["total_s"] or 0,
        "size_bytes": totals["total_bytes"] or 0,
        "proxy_bytes": made["total"] or 0,
    }


def selected_in(sent: QueryDict) -> QueryDict:
    """What chooses the files, apart from the action's options that are sent beside it."""
    return QueryDict(f"all=1&{sent[MATCHING]}") if MATCHING in sent else sent


def _selection(sent: QueryDict) -> FileQuerySet:
    """The files that a form names: everything that its filters match, or the ticked ones."""
    if sent.get("all"):
        return resolve(filter=library_query.filters(sent))
    try:
        ids = [int(value) for value in sent.getlist("file")]
    except ValueError as error:
        raise SelectionError("The selection cannot be read.", remedy="Go back and choose again.") from error
    if not ids:
        raise SelectionError("No file is selected.", remedy="Go back and tick some.")
    return resolve(file_ids=ids)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("files.view_file", raise_exception=True)
def action(request: HttpRequest, name: str) -> HttpResponse:
    """The page between a selection and the work: options, what would happen, what it costs, then the button."""
    chosen = _action_for(request, name)
    sent = selected_in(request.POST if request.method == "POST" else request.GET)
    try:
        selection = _selection(sent)
    except SelectionError as error:
        messages.error(request, f"{error} {error.remedy}")
        return redirect("library")
    context: dict[str, Any] = {
        "action": chosen,
        "count": selection.count(),
        "what": in_words(sent, selection),
        # The selection, to be sent again with the options.
        "hidden_fields": [("all", "1"), (MATCHING, urlencode(library_query.hidden_fields(sent)))]
        if sent.get("all")
        else [("file", value) for value in sent.getlist("file")],
    }
    form = form_from_serializer(chosen.options)
    context["form"] = shown = form(request.POST) if request.method == "POST" else form()
    if shown.is_valid():
        try:
            batch = start_action(name, selection, shown.options(), user=request.user)  # type: ignore[arg-type]
        except WorkError as error:
            context["problem"] = f"{error} {error.remedy}".strip()
        else:
            return _after(request, batch)
    context = _plan_of(chosen, selection, shown if shown.is_bound else form.with_defaults()) | context
    return render(request, "novaproject/action.html", context)


@require_safe
@permission_required("files.view_file", raise_exception=True)
def action_plan(request: HttpRequest, name: str) -> HttpResponse:
    """What would happen with these options: asked again whenever one of them changes."""
    chosen = _action_for(request, name)
    try:
        selection = _selection(selected_in(request.GET))
    except SelectionError as error:
        return render(request, "novaproject/_plan_anew.html", {"problem": f"{error} {error.remedy}", "action": chosen})
    form = form_from_serializer(chosen.options)(request.GET)
    return render(request, "novaproject/_plan_anew.html", {"action": chosen, **_plan_of(chosen, selection, form)})


def _after(request: HttpRequest, batch: Batch) -> HttpResponse:
    """Where an action leads: to its batch; back to the list where all of it was done at once."""
    is_running = batch.jobs.filter(state__in=Job.ACTIVE).exists()
    if can_be_undone(batch) and batch.jobs.exists():
        words = f"{batch.label}: {'started' if is_running else 'done'}."
        tell_with_undo(request, words, url=reverse("batch-undo", args=[batch.pk]))
    elif not is_running:
        messages.success(request, f"{batch.label}: done.")
    if is_running or not batch.jobs.exists():
        return redirect("batch-page", batch.pk)
    came_from = urlsplit(request.META.get("HTTP_REFERER", ""))
    is_list = came_from.netloc == request.get_host() and came_from.path == reverse("library")
    return redirect(f"{came_from.path}?{came_from.query}" if is_list else "library")


@require_POST
@permission_required(("files.view_file", "jobs.view_batch"), raise_exception=True)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what an action did to a selection."""
    batch = get_object_or_404(Batch, pk=pk)
    user: Any = request.user
    try:
        messages.success(request, undo_batch(batch, user=user))
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
    return redirect("library")


def _action_for(request: HttpRequest, name: str) -> facets.Action:
    try:
        chosen = get_action(name)
    except UnknownActionError as error:
        raise Http404(str(error)) from error
    if not request.user.has_perm(chosen.permission):
        raise PermissionDenied
    return chosen


def _plan_of(chosen: facets.Action, selection: FileQuerySet, form: OptionsForm) -> dict[str, Any]:
    """The plan for what stands in the form; what is wrong with it instead, when something is."""
    if not form.is_valid():
        return {"problem": f"Check the options. {form.problems()}"}
    try:
        return {"plan": estimate(chosen.name, selection, form.options())}
    except WorkError as error:
        return {"problem": f"{error} {error.remedy}".strip()}


def in_words(sent: QueryDict, selection: FileQuerySet) -> str:
    """Say in words which files a form chose: by name, by filters, or all."""
    if not sent.get("all"):
        names = selection.values_list("name", flat=True)[:2]
        return names[0] if len(names) == 1 else "The files that you ticked"
    words = [chip.text for chip in library_query.chips(sent)]
    return f"Everything that matches: {', '.join(words)}" if words else "The whole library"
