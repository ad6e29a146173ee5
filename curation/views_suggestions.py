"""The page of what a tag could be meant for: pictures, how sure, and why; accepted or refused with one key."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from curation.models import Tag
from curation.suggesting import Suggestions, accept, refuse, suggest, take_back
from files.media import derived
from files.models import File
from jobs.errors import WorkError

VIEW = ("curation.view_tag", "files.view_file", "embeddings.view_chunk")
CHANGE = "files.change_file"
#: What is done to a suggestion, and what is said then.
ANSWERS: dict[str, tuple[Callable[[Tag, File], None], str]] = {
    "accept": (accept, "Tagged {file} “{tag}”."),
    "refuse": (refuse, "{file} will not be suggested for “{tag}” again."),
    "take-back": (take_back, "{file} is as before."),
}


@require_safe
@permission_required(VIEW, raise_exception=True)
def suggestions(request: HttpRequest, pk: int) -> HttpResponse:
    tag = get_object_or_404(Tag, pk=pk)
    words = " ".join(request.GET.get("words", "").split())[:200]
    found, problem = None, ""
    try:
        found = suggest(tag, words=words)
    except WorkError as error:
        problem = f"{error} {error.remedy}".strip()
    context = {
        "tag": tag,
        "words": words,
        "found": found,
        "problem": problem,
        "rows": _rows(found),
        "may_change": request.user.has_perm(CHANGE),
    }
    return render(request, "curation/suggestions.html", context)


@require_POST
@permission_required((*VIEW, CHANGE), raise_exception=True)
def suggestion_answer(request: HttpRequest, pk: int, n: int, answer: str) -> HttpResponse:
    """Accept, refuse, or undo one. The script goes on by itself; without it the page comes back."""
    tag, file = get_object_or_404(Tag, pk=pk), get_object_or_404(File, pk=n)
    if answer not in ANSWERS:
        raise Http404("A suggestion is accepted, refused, or taken back.")
    do, said = ANSWERS[answer]
    is_script = "HX-Request" in request.headers
    try:
        do(tag, file)
    except WorkError as error:
        if is_script:
            return HttpResponse(f"{error} {error.remedy}".strip(), status=error.status, content_type="text/plain")
        messages.error(request, f"{error} {error.remedy}".strip())
    else:
        if is_script:
            return HttpResponse(status=204)
        messages.success(request, said.format(file=file.name, tag=tag.name))
    return redirect("tag-suggestions", pk)


def _rows(found: Suggestions | None) -> list[dict[str, object]]:
    shown = found.suggestions if found is not None else []
    return [
        {"one": one, "has_poster": one.still is not None or derived.poster_path(one.file) is not None} for one in shown
    ]
