"""The page of one file, and its player alone for other pages to bring in."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.exceptions import ValidationError

from curation.views import marks_of
from files.import_tasks import restore_now
from files.models import File, FileQuerySet
from files.selection import facets
from files.selection.actions import start_action
from files.selection.resolving import resolve
from files.upkeep.removing import remove_file
from jobs.errors import WorkError
from jobs.models import Job
from jobs.web.undo import tell_with_undo
from novaproject.api import paths as api_paths
from novaproject.pages import file_history, file_page
from novaproject.pages.library_query import folder_of
from novaproject.player import parse_start
from novaproject.views_setup import weights
from transcription.models import Segment, Transcript
from transcription.segments import SPEAKER_CHARS
from transcription.writing import correct_segment, undo_correction

CORRECT = "transcription.change_segment"
READ = "transcription.view_transcript"
SEE_RESULTS = "nova.view_analysisresult"
COPIES = 10
DOWNLOADS = ("srt", "vtt", "txt", "json")


@require_safe
@permission_required("files.view_file", raise_exception=True)
def file_detail(request: HttpRequest, pk: int) -> HttpResponse:
    files = facets.annotate(File.objects.select_related("root").prefetch_related("proxies"))
    file = get_object_or_404(files, pk=pk)
    user = request.user
    may_read = user.has_perm(READ)
    transcript = Transcript.objects.current_for(file) if may_read else None
    analysis = file_page.Analysis(panels=[], is_empty=True)
    if user.has_perm(SEE_RESULTS):
        analysis = file_page.analysis_of(file)
    said = marks_of(file, user)
    player = file_page.player_for(
        file,
        start_s=parse_start(request.GET.get("t")),
        transcript=transcript,
        chapters=analysis.chapters,
        elements=analysis.elements,
        moments=[(moment.start_s, moment.end_s, str(moment)) for moment in said.moments],
    )
    allowed = [action for action in facets.actions() if request.user.has_perm(action.permission)]
    actions = file_page.actions_for(file, allowed)
    costs, cost_total = file_history.costs_of(file)
    context: dict[str, Any] = {
        "file": file,
        "folder": folder_of(file),
        "crumbs": crumbs_of(file),
        "player": player,
        "page_url": player.page_url,
        "marks": said,
        "may_read": may_read,
        "transcript": transcript,
        "cues": file_page.cues_of(transcript),
        "may_correct": transcript is not None and request.user.has_perm(CORRECT),
        "is_editing": "edit" in request.GET and request.user.has_perm(CORRECT),
        "downloads": [(name.upper(), api_paths.transcript_download(transcript.pk, name)) for name in DOWNLOADS]
        if transcript
        else [],
        "other_transcripts": Transcript.objects.filter(file=file, is_current=False) if may_read else (),
        "analysis": analysis,
        "exports": file_page.exports_of(analysis),
        "proxies": file.proxies.all() if user.has_perm("files.view_proxy") else (),
        "copies": copies_of(file),
        "has_duplicates": resolve(filter={"duplicate_of": file.pk}).exists(),
        "jobs": file_history.jobs_of(file) if user.has_perm("jobs.view_job") else (),
        "costs": costs,
        "cost_total": cost_total,
        "actions": actions.values(),
        "make_proxy": actions.get("proxy"),
        "transcribe": actions.get("transcribe"),
        "analyse": actions.get("nova"),
        "may_remove": request.user.has_perm("files.delete_file"),
        **file_page.hearing_of(file, transcript),
        "subtitle_sources": file.subtitle_sources.all(),
        **({} if transcript else weights(request)),
        "can_edit_in_admin": request.user.is_staff and request.user.has_perm("files.change_file"),
    }
    return render(request, "novaproject/file.html", context)


def copies_of(file: File) -> FileQuerySet:
    """Exact duplicates of the file: equal to the last byte."""
    if not file.full_hash:
        return File.objects.none()
    same = File.objects.filter(full_hash=file.full_hash).exclude(pk=file.pk)
    return same.select_related("root").order_by("pk")[:COPIES]


def crumbs_of(file: File) -> list[tuple[str, str]]:
    """The folders between the root and the file, each with the address of the library there."""
    parts = [part for part in folder_of(file).split("/") if part]
    return [
        (part, f"{reverse('library')}?{urlencode({'directory': '/'.join([file.root.path, *parts[: index + 1]])})}")
        for index, part in enumerate(parts)
    ]


@require_POST
@permission_required(("files.view_file", CORRECT), raise_exception=True)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """A person's words for one line. The script swaps the line; without it the page comes back at it."""
    segment = get_object_or_404(Segment.objects.select_related("transcript__file"), pk=pk)
    text, speaker = request.POST.get("text", "").strip(), " ".join(request.POST.get("speaker", "").split())
    changes: dict[str, str] = {"text": text} if text and text != segment.text else {}
    if "speaker" in request.POST and speaker != segment.shown_speaker:
        changes["speaker"] = speaker[:SPEAKER_CHARS]
    if changes:
        correct_segment(segment, **changes)
        segment.refresh_from_db()
    page_url = reverse("file-page", args=[segment.transcript.file_id])
    if "HX-Request" not in request.headers:
        return redirect(f"{page_url}?edit=1#line-{segment.pk}")
    cue = file_page.cue_of(segment)
    return render(request, "novaproject/_cue_form.html", {"cue": cue, "page_url": page_url, "said": "Saved"})


@require_POST
@permission_required(("files.view_file", CORRECT), raise_exception=True)
def undo_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the last correction of a line back."""
    segment = get_object_or_404(Segment.objects.select_related("transcript__file"), pk=pk)
    undo_correction(segment)
    page_url = reverse("file-page", args=[segment.transcript.file_id])
    if "HX-Request" not in request.headers:
        return redirect(f"{page_url}?edit=1#line-{segment.pk}")
    cue = file_page.cue_of(segment)
    return render(request, "novaproject/_cue_form.html", {"cue": cue, "page_url": page_url, "said": "Undone"})


@require_POST
@permission_required(("files.view_file", "transcription.add_transcript"), raise_exception=True)
def listen_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Transcribe in another language: this file, or all files of its folder whose language is uncertain."""
    file = get_object_or_404(File.objects.select_related("root"), pk=pk)
    options = {"language": request.POST.get("language", ""), "force": True}
    user: Any = request.user
    chosen = file_page.uncertain_in_folder(file) if "folder" in request.POST else File.objects.filter(pk=pk)
    try:
        batch = start_action("transcribe", chosen, options, user=user)
    except (WorkError, ValidationError) as error:
        messages.error(request, str(error))
        return redirect(reverse("file-page", args=[pk]) + "#transcript")
    return redirect(batch.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("files.view_file", "files.delete_file"), raise_exception=True)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what removing a file from the library does and does not, and do it. A script shows this in a dialog."""
    file = get_object_or_404(File.objects.select_related("root"), pk=pk)
    if request.method == "POST":
        remove_file(file)
        rest = "It is in the trash." if file.root.is_uploads else "The original stays where it is."
        undo_url = reverse("file-restore", args=[file.pk])
        tell_with_undo(request, f"“{file.name}” was removed from the library. {rest}", url=undo_url)
        return redirect("library")
    made = file.proxies.aggregate(count=Count("pk"), size=Sum("size_bytes"))
    active = Job.objects.active().of_subject("file", file.pk).count()
    context = {"file": file, "proxies": made["count"], "proxy_bytes": made["size"] or 0, "active": active}
    return render(request, "novaproject/remove.html", context)


@require_POST
@permission_required(("files.view_file", "files.delete_file"), raise_exception=True)
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring a removed file back: the Undo of a removal, and the trash's button."""
    file = get_object_or_404(File.everything.in_trash().select_related("root"), pk=pk)
    user: Any = request.user
    try:
        restore_now(file, created_by=user)
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
        return redirect("library")
    messages.success(request, f"“{file.name}” is in the library again.")
    return redirect("file-page", pk)


@require_safe
@permission_required("files.view_file", raise_exception=True)
def file_player(request: HttpRequest, pk: int) -> HttpResponse:
    """The player at `?t=`, as a fragment."""
    file = get_object_or_404(File.objects.select_related("root").prefetch_related("proxies"), pk=pk)
    user = request.user
    player = file_page.player_for(
        file,
        start_s=parse_start(request.GET.get("t")),
        transcript=Transcript.objects.current_for(file) if user.has_perm(READ) else None,
        chapters=file_page.analysis_of(file).chapters if user.has_perm(SEE_RESULTS) else (),
    )
    return render(request, "novaproject/_player.html", {"player": player, "is_beside": True})
