"""The page of the spaces: what each has and lacks, what the rest costs; make, build, compare, use and delete them."""

from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from embeddings import conf, registry
from embeddings.indexing import spaces
from embeddings.indexing.space_coverage import coverage_of, is_paid
from embeddings.models import CONTENTS, TEXT, SavedQuery, Space
from embeddings.providers import picture_models, text_models
from embeddings.searching.compare import compare, compare_on_transcripts, cost_of_comparing
from embeddings.tasks import request_build
from jobs.errors import WorkError

VIEW = "embeddings.view_space"


@require_safe
@permission_required(VIEW, raise_exception=True)
def spaces_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@permission_required((VIEW, "embeddings.add_space"), raise_exception=True)
def space_add(request: HttpRequest) -> HttpResponse:
    """Make a space beside those in use; it is empty until it is built."""
    sent = request.POST
    dimension = sent.get("dimension", "").strip()
    try:
        key = registry.key_for(sent.get("provider", ""), sent.get("model", "").strip(), int(dimension or 0) or None)
        space = spaces.get_or_make(key)
    except ValueError:
        messages.error(request, "Write the dimension as a number, or leave it out.")
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
    else:
        messages.success(request, f"“{space}” is there. Build it, then use it.")
    return redirect("spaces")


@require_POST
@permission_required((VIEW, "embeddings.add_embedding"), raise_exception=True)
def space_build(request: HttpRequest, pk: int) -> HttpResponse:
    """Make what it lacks, as a batch."""
    space = get_object_or_404(Space, pk=pk)
    try:
        batch = request_build(space, _content(request), created_by=cast("Any", request.user))
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
        return redirect("spaces")
    return redirect(batch)


@require_POST
@permission_required((VIEW, "embeddings.change_space"), raise_exception=True)
def space_use(request: HttpRequest, pk: int) -> HttpResponse:
    """Search with it from now on."""
    space = get_object_or_404(Space, pk=pk)
    content = _content(request)
    try:
        lacking = spaces.choose(space, content)
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
    else:
        say = messages.warning if lacking else messages.success
        say(request, f"Search uses “{space}” for {content}s now. {lacking}".strip())
    return redirect("spaces")


@require_POST
@permission_required((VIEW, "embeddings.delete_space"), raise_exception=True)
def space_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget it; what was paid for only where the box is ticked."""
    space = get_object_or_404(Space, pk=pk)
    try:
        spaces.delete(space, with_paid="forget_paid" in request.POST)
    except WorkError as error:
        messages.error(request, f"{error} {error.remedy}".strip())
    else:
        messages.success(request, f"“{space}” and its vectors are gone.")
    return redirect("spaces")


@require_POST
@permission_required((VIEW, "embeddings.view_chunk"), raise_exception=True)
def spaces_compare(request: HttpRequest) -> HttpResponse:
    """Two spaces on the saved searches; what paid questions cost is said first, and asked for by a second press."""
    sent, content = request.POST, _content(request)
    pair = [
        get_object_or_404(Space, pk=int(sent[name]) if sent.get(name, "").isdecimal() else 0)
        for name in ("first", "second")
    ]
    try:
        cost = cost_of_comparing(*pair, content=content)
        may_cost = Decimal(sent.get("max_usd") or 0)
        is_covered = not cost.questions or (cost.usd is not None and cost.usd <= may_cost)
        rows = compare(*pair, content=content) if is_covered else None
        on_transcripts = compare_on_transcripts(*pair) if content == TEXT else None
    except (WorkError, InvalidOperation) as error:
        messages.error(request, f"{error} {getattr(error, 'remedy', '')}".strip())
        return redirect("spaces")
    compared = {"compared": pair, "content": content, "rows": rows, "cost": cost, "on_transcripts": on_transcripts}
    return _page(request, compared)


def _page(request: HttpRequest, context: dict[str, Any] | None = None) -> HttpResponse:
    found = list(Space.objects.all())
    shown = [
        {
            "space": space,
            "coverage": list(coverage_of(space).items()),
            "paid": spaces.paid_in(space) if is_paid(space) else None,
        }
        for space in found
    ]
    return render(
        request,
        "embeddings/spaces.html",
        {
            "spaces": shown,
            "providers": sorted(conf.conf().providers),
            "models": [model.model for model in text_models.KNOWN] + [model.name for model in picture_models.KNOWN],
            "has_saved": SavedQuery.objects.exists(),
            "contents": CONTENTS,
            **(context or {}),
        },
    )


def _content(request: HttpRequest) -> str:
    asked = request.POST.get("for", TEXT)
    return asked if asked in CONTENTS else TEXT
