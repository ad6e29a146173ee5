"""The folders of the library: what each is like, adding one, its rules, following it when it has moved, removing it."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from files import conf, removal_tasks
from files.api import with_counts
from files.errors import FilesError
from files.import_tasks import request_import, request_scan, require_importable
from files.importing import roots
from files.importing.listing import list_folder
from files.models import File, Problem, Root
from files.serializers import RootSerializer
from files.storage.paths import has_media_extension, shown_path
from files.upkeep.removing import trash
from jobs.errors import WorkError
from jobs.models import Job
from jobs.web.undo import tell_with_undo
from novaproject.templatetags import human

CHANGE = "files.change_root"
PER_PAGE = 50
#: More folders than this on one level are no list to choose from.
MOST_BROWSED = 500


def may_choose_any(user: Any) -> bool:
    """Whether this person may add any folder of the machine: an administrator. `IMPORT_ROOTS` fences all others."""
    return bool(user.is_superuser)


@require_safe
@permission_required(("files.view_file", "files.view_root"), raise_exception=True)
def folders(request: HttpRequest) -> HttpResponse:
    """Every folder with its state, counts, last look and size."""
    scanning = set(Job.objects.active().filter(subject_kind="root").values_list("subject_id", flat=True))
    context = {
        "folders": with_counts(Root.objects.listed()).order_by("is_uploads", "name"),
        "removed": Root.objects.filter(removed_at__isnull=False).order_by("-removed_at"),
        "scanning": scanning,
        "may_add": request.user.has_perm("files.add_file"),
        "may_change": request.user.has_perm(CHANGE),
        "scan_minutes": conf.scan_minutes(),
    }
    return render(request, "novaproject/folders.html", context)


@require_safe
@permission_required(("files.view_file", "files.view_root"), raise_exception=True)
def folder(request: HttpRequest, pk: int) -> HttpResponse:
    """One folder: its rules, what could not be taken in, and what can be done to it."""
    shown = get_object_or_404(with_counts(Root.objects.listed()), pk=pk)
    context = {
        "folder": shown,
        "steps": conf.STEPS,
        "chosen_steps": conf.steps_for(shown.steps),
        "scan_minutes": conf.scan_minutes(),
        "jobs": Job.objects.filter(subject_kind="root", subject_id=pk)[:5]
        if request.user.has_perm("jobs.view_job")
        else (),
        "moved": request.session.pop("relocation", None),
        "may_change": request.user.has_perm(CHANGE) and not shown.is_uploads,
        "may_remove": request.user.has_perm("files.delete_root") and not shown.is_uploads,
    }
    return render(request, "novaproject/folder.html", context)


@require_safe
@permission_required(("files.view_file", "files.add_file"), raise_exception=True)
def browse(request: HttpRequest) -> HttpResponse:
    """The folders of this machine, to choose one: all for an administrator, the import roots for others."""
    wanted = request.GET.get("path", "").strip()
    places = [Path(place) for place in conf.import_roots()]
    if may_choose_any(request.user) and not places:
        places = [Path.home(), Path("/media"), Path("/mnt"), Path("/Volumes"), Path("/")]
    context: dict[str, Any] = {"places": [place for place in places if place.is_dir()], "path": wanted}
    if wanted:
        try:
            here = roots.real_path(wanted) if may_choose_any(request.user) else require_importable(wanted)
            context |= _level(here, is_fenced=not may_choose_any(request.user))
        except (FilesError, OSError) as error:
            context["problem"] = f"{error} {getattr(error, 'remedy', '')}".strip()
    return render(request, "novaproject/folder_browse.html", context)


def _level(here: Path, *, is_fenced: bool) -> dict[str, Any]:
    """The folders in this one, and the way up where that may be looked into."""
    with os.scandir(here) as entries:
        names = sorted(
            (entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)),
            key=str.casefold,
        )
    up = here.parent
    may_go_up = up != here and not (is_fenced and not any(up.is_relative_to(root) for root in conf.import_roots()))
    return {
        "here": shown_path(str(here)),
        "up": shown_path(str(up)) if may_go_up else "",
        "inside": [(shown_path(name), shown_path(str(here / name))) for name in names[:MOST_BROWSED]],
        "is_cut": len(names) > MOST_BROWSED,
    }


@require_POST
@permission_required(("files.view_file", "files.add_file"), raise_exception=True)
def add(request: HttpRequest) -> HttpResponse:
    """Look into a folder first, or import it."""
    path = request.POST.get("path", "").strip()
    is_free = may_choose_any(request.user)
    back = f"{reverse('folder-browse')}?{urlencode({'path': path})}"
    try:
        if "look" in request.POST:
            where = roots.checked_folder(path) if is_free else roots.checked_folder(require_importable(path))
            messages.info(request, look(where))
            return redirect(back)
        user: Any = request.user
        request_import(path, user=user, any_folder=is_free)
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
        return redirect(back)
    messages.success(request, f"{path} is being imported. Files appear as they are found.")
    return redirect("folders")


def look(where: Path) -> str:
    """What an import of this folder would find, in words: by names and sizes, nothing is opened."""
    listing = list_folder(where, recursive=True)
    media = [entry for entry in listing.entries if has_media_extension(entry.path)]
    found = human.count_of(len(media), "media file,media files")
    size = human.size(sum(entry.size_bytes for entry in media))
    return f"{shown_path(str(where))} holds {found}, {size} in all. Nothing was changed."


@require_POST
@permission_required(("files.view_file", CHANGE), raise_exception=True)
def scan(request: HttpRequest, pk: int) -> HttpResponse:
    """Look through a folder now."""
    scanned = get_object_or_404(Root.objects.listed(), pk=pk)
    user: Any = request.user
    request_scan(scanned, retry_problems="retry_problems" in request.POST, user=user)
    messages.success(request, f"Scanning “{scanned.name}”.")
    return redirect("problems" if request.POST.get("next") == reverse("problems") else "folders")


@require_POST
@permission_required(("files.view_file", CHANGE), raise_exception=True)
def rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the rules of a folder; the API's serializer has the last word."""
    changed = get_object_or_404(Root.objects.listed(), pk=pk, is_uploads=False)
    sent = request.POST
    wanted: dict[str, Any] = {
        "steps": sent.getlist("steps") if "own_steps" in sent else None,
        "language": sent.get("language", "").strip(),
        "languages": words_of(sent.get("languages", "")),
        "vocabulary": words_of(sent.get("vocabulary", "")),
        "audio_track": sent.get("audio_track") or None,
        "never_send": "never_send" in sent,
        "scan_minutes": sent.get("scan_minutes") or None,
    }
    saved = RootSerializer(changed, data=wanted, partial=True)
    if not saved.is_valid():
        wrong = "; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in saved.errors.items())
        messages.error(request, f"The rules were not saved. {wrong}")
    else:
        saved.save()
        messages.success(request, f"Saved the rules of “{changed.name}”. They hold from the next import or job on.")
    return redirect("folder", pk)


def words_of(text: str) -> list[str]:
    """Words with commas or line ends between them."""
    return [word.strip() for word in text.replace("\n", ",").split(",") if word.strip()]


@require_POST
@permission_required(("files.view_file", CHANGE), raise_exception=True)
def relocate(request: HttpRequest, pk: int) -> HttpResponse:
    """Follow a folder to where it is now; first compare a sample, and change nothing."""
    moved = get_object_or_404(Root.objects.listed(), pk=pk, is_uploads=False)
    path = request.POST.get("path", "").strip()
    try:
        if not may_choose_any(request.user):
            require_importable(path)
        report = roots.relocate_root(moved, path, dry_run="go" not in request.POST)
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
        return redirect("folder", pk)
    if report.dry_run:
        found = f"{report.same} of {report.checked} files that were compared are the same there."
        request.session["relocation"] = {"path": report.new_path, "text": found, "is_same": report.is_same}
        return redirect(f"{reverse('folder', args=[pk])}#moved")
    user: Any = request.user
    request_scan(moved, user=user)
    messages.success(request, f"“{moved.name}” is at {report.new_path} now. Scanning it.")
    return redirect("folder", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("files.view_file", "files.delete_root"), raise_exception=True)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what removing a folder from the library does and does not, and do it."""
    gone = get_object_or_404(with_counts(Root.objects.listed()), pk=pk, is_uploads=False)
    if request.method != "POST":
        return render(request, "novaproject/folder_remove.html", {"folder": gone})
    user: Any = request.user
    removal_tasks.remove_root(gone, created_by=user)
    stay = human.count_of(gone.file_count, "file stays,files stay")  # type: ignore[attr-defined]
    text = f"“{gone.name}” is leaving the library. Its {stay} on the drive."
    tell_with_undo(request, text, url=reverse("folder-restore", args=[pk]))
    return redirect("folders")


@require_POST
@permission_required(("files.view_file", "files.delete_root"), raise_exception=True)
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring a removed folder back."""
    back = get_object_or_404(Root.objects.filter(removed_at__isnull=False), pk=pk)
    user: Any = request.user
    removal_tasks.restore_root(back, created_by=user)
    messages.success(request, f"“{back.name}” is in the library again.")
    return redirect("folders")


@require_safe
@permission_required(("files.view_file", "files.view_problem"), raise_exception=True)
def problems(request: HttpRequest) -> HttpResponse:
    """What could not be taken in, why, and what to do."""
    found = Problem.objects.select_related("root")
    if request.GET.get("root", "").isdecimal():
        found = found.filter(root_id=int(request.GET["root"]))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "roots": Root.objects.filter(pk__in=found.values("root")).order_by("name"),
        "may_retry": request.user.has_perm(CHANGE),
    }
    return render(request, "novaproject/problems.html", context)


@require_safe
@permission_required(("files.view_file", "files.delete_file"), raise_exception=True)
def trash_page(request: HttpRequest) -> HttpResponse:
    """What was removed from the library, to bring back or to delete for good."""
    page = Paginator(trash(), PER_PAGE).get_page(request.GET.get("page"))
    uploads = trash().filter(root__is_uploads=True).count()
    return render(request, "novaproject/trash.html", {"page": page, "uploads": uploads})


@require_POST
@permission_required(("files.view_file", "files.delete_file"), raise_exception=True)
def trash_change(request: HttpRequest) -> HttpResponse:
    """Restore the ticked files, or delete all removed uploads for good."""
    user: Any = request.user
    if "empty" in request.POST:
        done = removal_tasks.empty_trash(trash(), created_by=user)
        if isinstance(done, int):
            messages.success(request, f"Deleted {human.count_of(done, 'upload,uploads')} for good.")
            return redirect("trash")
        return redirect("batch-page", done.pk)
    ids = [int(value) for value in request.POST.getlist("file") if value.isdecimal()]
    chosen = File.everything.in_trash().filter(pk__in=ids)
    if not chosen:
        messages.error(request, "No file is selected. Tick some first.")
        return redirect("trash")
    return redirect("batch-page", removal_tasks.request_restoring(chosen, created_by=user).pk)
