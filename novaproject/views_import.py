"""Importing a folder from the pages, by reference."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from files import conf
from files.errors import PathRefusedError
from files.import_tasks import request_import
from files.importing import roots
from files.importing.directories import importable
from files.importing.listing import FolderListing, list_folder
from files.models import Root
from files.selection import facets
from files.storage.paths import has_media_extension
from jobs.errors import WorkError
from novaproject.pages import forecast
from novaproject.templatetags import human
from novaproject.views_folders import may_choose_any


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("files.view_file", "files.add_file"), raise_exception=True)
def import_folder(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "import_roots": conf.import_roots(),
        "limits_folders": not Root.objects.exists(),
        "roots": Root.objects.annotate(file_count=Count("files")).order_by("name"),
        "path": "",
        "recursive": True,
        "make_proxies": True,
    }
    if request.method != "POST":
        return render(request, "novaproject/import.html", context)
    path = request.POST.get("path", "").strip()
    recursive, make_proxies = "recursive" in request.POST, "make_proxies" in request.POST
    context |= {"path": path, "recursive": recursive, "make_proxies": make_proxies}
    try:
        if "look" in request.POST:
            context["report"] = _look(path, recursive=recursive, any_folder=may_choose_any(request.user))
            return render(request, "novaproject/import.html", context)
        user = request.user if request.user.is_authenticated else None
        request_import(
            path,
            recursive=recursive,
            make_proxies=make_proxies,
            user=user,
            any_folder=may_choose_any(request.user),
        )
    except WorkError as error:
        context["problem"] = f"{error} {error.remedy}".strip()
        return render(request, "novaproject/import.html", context, status=400)
    messages.success(request, f"{path} is being imported. Files appear as they are found.")
    return redirect("home")


def _look(path: str, *, recursive: bool, any_folder: bool) -> str:
    """What an import would find, in words: names and sizes only, nothing is opened."""
    folder = roots.checked_folder(path)
    if not any_folder and not importable(folder, conf.import_roots()):
        raise PathRefusedError(f"{path} is not open to you.", remedy="Ask an administrator to add it.")
    return _in_words(list_folder(folder, recursive=recursive))


def _in_words(listing: FolderListing) -> str:
    media = [entry for entry in listing.entries if has_media_extension(entry.path)]
    text = human.count_of(len(media), "media file,media files")
    size = human.size(sum(entry.size_bytes for entry in media))
    left = len(listing.refusals)
    others = f", {human.count_of(left, 'thing,things')} cannot be read or lead out of the folder" if left else ""
    total_bytes = sum(entry.size_bytes for entry in media)
    goals = [facet.action for facet in facets.facets() if facet.is_goal and facet.action is not None]
    pace = forecast.in_words((action, total_bytes) for action in goals)
    takes = f" At the pace of this machine’s own jobs it takes: {pace}." if pace else ""
    return f"Found {text} by name, {size} in all{others}. Nothing was changed.{takes}"
