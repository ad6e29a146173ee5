"""Pages of a person's own order: what is said of a file, its moments, collections and tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from curation.annotating import annotate_file
from curation.api import with_counts
from curation.api_collections import as_download
from curation.collecting import add_item, order_items, take_out
from curation.exports.formats import FORMATS
from curation.exports.reading import of_collection
from curation.marking import change_moment, mark_moment, remove_moment
from curation.models import HIGHEST_RATING, NAME_CHARS, NOTE_CHARS, Annotation, Collection, Moment, Tag
from curation.speakers import Speaker, speakers_of
from curation.tagging import add_tag, delete_tag, merge_tags, rename_tag, take_tag
from curation.tasks import request_names
from files import humanize
from files.media import derived
from files.models import File
from jobs.errors import WorkError
from jobs.web.undo import tell_with_undo
from transcription.segments import SPEAKER_CHARS

CHANGE = "files.change_file"
#: So many tags are offered while one is typed.
OFFERED_TAGS = 500


@dataclass(frozen=True, kw_only=True)
class FileMarks:
    """What a person said of a file, for its page."""

    file: File
    annotation: Annotation
    tags: Sequence[Tag]
    moments: Sequence[Moment]
    known_tags: Sequence[str]
    collections: Sequence[Collection]
    may_change: bool
    may_mark: bool
    may_collect: bool
    speakers: Sequence[Speaker] = ()

    @property
    def ratings(self) -> range:
        return range(1, HIGHEST_RATING + 1)


def marks_of(file: File, user: Any) -> FileMarks:
    """Everything that the marks and moments of a file's page show."""
    annotation = Annotation.objects.filter(file=file).first() or Annotation(file=file)
    return FileMarks(
        file=file,
        annotation=annotation,
        tags=list(Tag.objects.filter(file_tags__file=file)),
        moments=list(Moment.objects.filter(file=file).prefetch_related("tags"))
        if user.has_perm("curation.view_moment")
        else [],
        known_tags=list(Tag.objects.values_list("name", flat=True)[:OFFERED_TAGS]),
        collections=list(Collection.objects.all()) if user.has_perm("curation.view_collection") else [],
        may_change=user.has_perm(CHANGE),
        may_mark=user.has_perm("curation.add_moment"),
        may_collect=user.has_perm("curation.change_collection"),
        speakers=speakers_of(file) if user.has_perm("transcription.view_transcript") else (),
    )


@require_POST
@permission_required(("files.view_file", CHANGE), raise_exception=True)
def annotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Save rating, favourite, note and tags. The script swaps the panel; without it the page comes back."""
    file = get_object_or_404(File.objects.select_related("root"), pk=pk)
    problem = ""
    try:
        with transaction.atomic():
            _save_annotation(file, request)
    except (WorkError, ValueError) as error:
        problem = f"{error} {getattr(error, 'remedy', '')}".strip()
    if "HX-Request" not in request.headers:
        if problem:
            messages.error(request, problem)
        return redirect("file-page", pk)
    context = {"marks": marks_of(file, request.user), "said": "" if problem else "Saved", "problem": problem}
    return render(request, "curation/_marks_panel.html", context)


def _save_annotation(file: File, request: HttpRequest) -> None:
    sent = request.POST
    if "add_tag" in sent and sent["add_tag"].strip():
        for name in sent["add_tag"].split(","):
            add_tag(file, name)
    if "remove_tag" in sent:
        take_tag(file, sent["remove_tag"])
    rating = int(sent.get("rating") or 0)
    if not 0 <= rating <= HIGHEST_RATING:
        raise ValueError(f"A rating is from 1 to {HIGHEST_RATING}.")
    wanted = {"rating": rating or None, "favourite": "favourite" in sent, "note": sent.get("note", "")[:NOTE_CHARS]}
    before = Annotation.objects.filter(file=file).first() or Annotation(file=file)
    changes = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if changes:
        annotate_file(file, **changes)


@require_POST
@permission_required(("files.view_file", "transcription.view_transcript", CHANGE), raise_exception=True)
def speakers(request: HttpRequest, pk: int) -> HttpResponse:
    """Name the people who speak, in this file or in every file with the same tags."""
    file = get_object_or_404(File.objects.select_related("root"), pk=pk)
    sent = request.POST
    shown = {speaker.tag: speaker.name for speaker in speakers_of(file)}
    typed = dict(zip(sent.getlist("tag"), sent.getlist("name"), strict=False))
    everywhere = "everywhere" in sent
    changed = {tag: name[:SPEAKER_CHARS] for tag, name in typed.items() if everywhere or name.strip() != shown.get(tag)}
    user: Any = request.user
    try:
        others = request_names(file, changed, everywhere=everywhere, user=user) if changed else 0
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}")
    else:
        follow = f" {humanize.files(others)} with the same tags follow in the background." if others else ""
        messages.success(request, f"Saved who speaks.{follow}")
    return redirect(f"{reverse('file-page', args=[pk])}#speakers")


@require_POST
@permission_required(("files.view_file", "curation.add_moment"), raise_exception=True)
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a range of a file."""
    file = get_object_or_404(File.objects.select_related("root"), pk=pk)
    try:
        moment = mark_moment(file, **_said_of_moment(request))
    except (WorkError, ValueError) as error:
        messages.error(request, f"{error} {getattr(error, 'remedy', '')}".strip())
        return redirect(f"{reverse('file-page', args=[pk])}#moments")
    messages.success(request, f"Marked “{moment}”.")
    return redirect(f"{moment.get_absolute_url()}#moments")


@require_POST
@permission_required(("files.view_file", "curation.change_moment"), raise_exception=True)
def moment_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a moment."""
    moment = get_object_or_404(Moment.objects.in_library().select_related("file"), pk=pk)
    try:
        change_moment(moment, **_said_of_moment(request))
    except (WorkError, ValueError) as error:
        messages.error(request, f"{error} {getattr(error, 'remedy', '')}".strip())
    return redirect(f"{moment.get_absolute_url()}#moments")


@require_POST
@permission_required(("files.view_file", "curation.delete_moment"), raise_exception=True)
def moment_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a moment; the message has an Undo."""
    moment = get_object_or_404(Moment.objects.in_library().select_related("file"), pk=pk)
    page = f"{reverse('file-page', args=[moment.file_id])}#moments"
    name = str(moment)
    said = {
        "start_s": str(moment.start_s),
        "end_s": str(moment.end_s),
        "name": moment.name,
        "note": moment.note,
        "tags": ", ".join(tag.name for tag in moment.tags.all()),
    }
    remove_moment(moment)
    undo_url = reverse("moment-mark", args=[moment.file_id])
    tell_with_undo(request, f"Deleted the moment “{name}”.", url=undo_url, fields=said)
    return redirect(page)


def _said_of_moment(request: HttpRequest) -> dict[str, Any]:
    """The moment as the form says it. Raises ValueError for seconds that cannot be read."""
    sent = request.POST
    try:
        start_s, end_s = seconds_of(sent.get("start_s", "")), seconds_of(sent.get("end_s", ""))
    except ValueError as error:
        raise ValueError("Write times as 1:23.4, or mark them with I and O in the player.") from error
    return {
        "start_s": start_s,
        "end_s": end_s,
        "name": " ".join(sent.get("name", "").split())[:NAME_CHARS],
        "note": sent.get("note", "").strip()[:NOTE_CHARS],
        "tags": [name for name in sent.get("tags", "").split(",") if name.strip()],
    }


def seconds_of(text: str) -> float:
    """`83.4`, `1:23.4` or `1:01:23`. Raises ValueError."""
    total = 0.0
    for part in text.strip().split(":"):
        total = total * 60 + float(part)
    if not 0 <= total < 1_000_000:
        raise ValueError(text)
    return total


@require_safe
@permission_required(("files.view_file", "curation.view_collection"), raise_exception=True)
def collections(request: HttpRequest) -> HttpResponse:
    """Every collection, and every tag."""
    context = {
        "collections": Collection.objects.annotate(item_count=Count("items", filter=Q(items__file__removed_at=None))),
        "tags": with_counts(Tag.objects.all()),
        "may_add": request.user.has_perm("curation.add_collection"),
        "may_tag": request.user.has_perm("curation.change_tag"),
    }
    return render(request, "curation/collections.html", context)


@require_POST
@permission_required("curation.add_collection", raise_exception=True)
def collection_add(request: HttpRequest) -> HttpResponse:
    name = " ".join(request.POST.get("name", "").split())[:NAME_CHARS]
    if not name:
        messages.error(request, "Give the collection a name.")
        return redirect("collections")
    return redirect("collection", Collection.objects.create(name=name).pk)


@require_safe
@permission_required(("files.view_file", "curation.view_collection"), raise_exception=True)
def collection(request: HttpRequest, pk: int) -> HttpResponse:
    """One collection in its order, to be ordered and exported."""
    shown = get_object_or_404(Collection, pk=pk)
    items = shown.items.filter(file__removed_at=None).select_related("file__root", "moment").order_by("position", "n")
    rows = [{"item": item, "has_poster": derived.poster_path(item.file) is not None} for item in items]
    length_s = sum(
        item.file.duration_s or 0 if item.moment is None else item.moment.end_s - item.moment.start_s for item in items
    )
    context = {
        "collection": shown,
        "rows": rows,
        "length_s": length_s,
        "formats": FORMATS.items(),
        "may_change": request.user.has_perm("curation.change_collection"),
        "may_delete": request.user.has_perm("curation.delete_collection"),
    }
    return render(request, "curation/collection.html", context)


@require_POST
@permission_required("curation.change_collection", raise_exception=True)
def collection_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename it, order its items (all at once, or one up or down), take one out."""
    changed = get_object_or_404(Collection, pk=pk)
    sent = request.POST
    try:
        if "name" in sent:
            changed.name = " ".join(sent["name"].split())[:NAME_CHARS] or changed.name
            changed.note = sent.get("note", "")[:NOTE_CHARS]
            changed.save(update_fields=["name", "note"])
        elif "take_out" in sent:
            take_out(get_object_or_404(changed.items, n=int(sent["take_out"])))
        elif "up" in sent or "down" in sent:
            _step(changed, int(sent.get("up") or sent["down"]), -1 if "up" in sent else 1)
        else:
            order_items(changed, [int(number) for number in sent.getlist("n")])
    except ValueError as error:
        raise Http404("There is no such item.") from error
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}")
    if "HX-Request" in request.headers:
        return HttpResponse(status=204)
    return redirect("collection", pk)


def _step(changed: Collection, number: int, step: int) -> None:
    numbers = list(changed.items.filter(file__removed_at=None).order_by("position", "n").values_list("n", flat=True))
    place = numbers.index(number)
    target = min(max(place + step, 0), len(numbers) - 1)
    numbers.insert(target, numbers.pop(place))
    order_items(changed, numbers)


@require_POST
@permission_required("curation.delete_collection", raise_exception=True)
def collection_delete(request: HttpRequest, pk: int) -> HttpResponse:
    gone = get_object_or_404(Collection, pk=pk)
    gone.delete()
    messages.success(request, f"Deleted the collection “{gone.name}”. Its files are still in the library.")
    return redirect("collections")


@require_safe
@permission_required(("files.view_file", "curation.view_collection"), raise_exception=True)
def collection_export(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    exported = get_object_or_404(Collection, pk=pk)
    if name not in FORMATS:
        raise Http404("There is no such format.")
    try:
        return as_download(of_collection(exported), name)
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}")
        return redirect("collection", pk)


@require_POST
@permission_required(("files.view_file", "curation.change_collection"), raise_exception=True)
def collect(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a file, or one of its moments, into a collection; a new one if it is named so."""
    file = get_object_or_404(File, pk=pk)
    moment = get_object_or_404(Moment, pk=request.POST["moment"], file=file) if request.POST.get("moment") else None
    chosen = get_object_or_404(Collection, pk=request.POST.get("collection") or 0)
    add_item(chosen, moment or file)
    messages.success(request, f"“{moment or file}” is in the collection “{chosen.name}”.")
    return redirect("file-page", pk)


@require_POST
@permission_required("curation.change_tag", raise_exception=True)
def tag_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename or colour a tag, merge it into another, or delete it."""
    tag = get_object_or_404(Tag, pk=pk)
    sent = request.POST
    try:
        if "delete" in sent:
            delete_tag(tag)
            messages.success(request, f"Deleted the tag “{tag.name}”.")
        elif sent.get("into"):
            into = get_object_or_404(Tag, pk=sent["into"])
            merge_tags(tag, into)
            messages.success(request, f"“{tag.name}” is now “{into.name}” everywhere.")
        else:
            rename_tag(tag, sent.get("name", tag.name))
            tag.colour = sent.get("colour", "") if "has_colour" in sent else ""
            tag.full_clean(exclude=["folded"])
            tag.save(update_fields=["colour"])
            messages.success(request, f"Saved the tag “{tag.name}”.")
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}")
    return redirect(f"{reverse('collections')}#tags")
