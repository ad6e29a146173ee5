"""The search page: a box, the moments that answer, and the player beside them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from embeddings.api import SPEND
from embeddings.forms import SearchForm
from embeddings.indexing.costs import cost_of_frames
from embeddings.indexing.space_coverage import is_paid
from embeddings.models import Chunk, SavedQuery
from embeddings.searching import saved, seen
from embeddings.searching.search import MAX_LIMIT, Hit, SearchAnswer, like_of, more_like, search, search_picture
from embeddings.searching.snippets import find, snippet
from embeddings.serializers import PictureQuerySerializer, SavedSearchSerializer
from embeddings.words.query import parse
from files.media import derived
from files.models import File
from jobs.errors import WorkError
from transcription.models import Segment, Transcript
from vision.frames.decoding import picture_of_anybody

#: Lines of the transcript shown beside a moment, before and after it.
LINES_BEFORE, LINES_AFTER = 4, 12
MORE = 20
READ = "transcription.view_transcript"
#: A moment later than this (eleven days) is no moment of a file.
LATEST_S = 1_000_000


@dataclass(frozen=True, kw_only=True)
class SearchFilterChip:
    """A kind of match with its count, and the address that shows only that kind."""

    label: str
    count: int
    url: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """A hit, its own address on this page, whether it is in the player, and whether there is a picture to ask for."""

    hit: Hit
    url: str
    like_url: str
    has_picture: bool
    is_current: bool
    #: It came since the saved search was opened last.
    is_new: bool = False


@dataclass(frozen=True, kw_only=True)
class TranscriptLine:
    """A line of the transcript beside the player."""

    start_s: float
    end_s: float
    html: str
    is_current: bool

    @property
    def t(self) -> str:
        return f"{self.start_s:g}"

    @property
    def end(self) -> str:
        return f"{self.end_s:g}"


@require_safe
@permission_required("embeddings.view_chunk", raise_exception=True)
def search_page(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    form.may_pay, form.may_read = request.user.has_perm(SPEND), request.user.has_perm(READ)
    context = _context(form)
    htmx: Any = getattr(request, "htmx", None)
    if htmx and not htmx.boosted and not htmx.history_restore_request:
        return render(request, "embeddings/_answer.html", context)
    return render(request, "embeddings/search.html", context | _picture_box())


@require_POST
@permission_required("embeddings.view_chunk", raise_exception=True)
def search_by_picture(request: HttpRequest) -> HttpResponse:
    """The page for a picture of somebody's own. It is looked at and kept nowhere, so the answer has no address."""
    form = SearchForm(request.POST)
    sent = PictureQuerySerializer(data=request.FILES)
    answer, problem = None, ""
    try:
        if sent.is_valid():
            picture = picture_of_anybody(Path(sent.validated_data["picture"].temporary_file_path()))
            may_pay = request.user.has_perm(SPEND)
            answer = search_picture(picture, limit=MAX_LIMIT, filters=form.filters(), may_pay=may_pay)
        else:
            problem = " ".join(map(str, chain(*sent.errors.values())))
    except WorkError as error:
        problem = f"{error} {error.remedy}".strip()
    context = _context(form, (answer, problem)) | _picture_box()
    context["rows"] = [replace(row, url="") for row in context["rows"]]
    return render(
        request, "embeddings/search.html", context | {"chips": [], "more_url": "", "like_name": "your picture"}
    )


def _picture_box() -> dict[str, Any]:
    """Whether a picture can be looked for, and what that costs; None where it is free."""
    space = seen.space_in_use()
    return {
        "sees": space is not None,
        "picture_usd": cost_of_frames(space, 1) if space is not None and is_paid(space) else None,
    }


@require_safe
@permission_required("embeddings.view_chunk", raise_exception=True)
def moment(request: HttpRequest, pk: int) -> HttpResponse:
    """The player's side of the page for one moment, as a fragment."""
    chunk = get_object_or_404(Chunk.objects.in_library().select_related("file"), pk=pk)
    try:
        asked_s = float(request.GET["t"])
    except (KeyError, ValueError):
        asked_s = -1.0
    start_s = asked_s if 0 <= asked_s < LATEST_S else chunk.start_s
    return render(
        request,
        "embeddings/_moment.html",
        _now(chunk, request.GET.get("q", ""), start_s, may_read=request.user.has_perm(READ)),
    )


@require_POST
@permission_required("embeddings.add_savedquery", raise_exception=True)
def save_search(request: HttpRequest) -> HttpResponse:
    """Keep a search under a name, by the same rules as the API."""
    form = SearchForm(request.POST)
    wanted = {"name": request.POST.get("name", "").strip(), "q": form.question, "mode": form.mode_asked}
    made = SavedSearchSerializer(data=wanted | {"filter": form.filters()})
    if not made.is_valid():
        messages.error(request, f"The search was not saved. {' '.join(map(str, chain(*made.errors.values())))}")
        return redirect(_address(form))
    query = made.save(created_by=request.user)
    query.open()
    messages.success(request, f"Saved as “{query}”. It stands on the empty search page, with what is new in it.")
    return redirect(f"{reverse('search')}?saved={query.pk}")


@require_POST
@permission_required(["embeddings.view_chunk", "embeddings.change_savedquery"], raise_exception=True)
def open_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a saved search finds now, with what came since it was opened last marked as new."""
    query = get_object_or_404(SavedQuery, pk=pk)
    since = {"since": query.opened_at.isoformat()} if query.opened_at else {}
    query.open()
    return redirect(f"{reverse('search')}?{urlencode({'saved': pk, **since})}")


@require_POST
@permission_required("embeddings.delete_savedquery", raise_exception=True)
def forget_search(request: HttpRequest, pk: int) -> HttpResponse:
    query = get_object_or_404(SavedQuery, pk=pk)
    query.delete()
    messages.success(request, f"“{query}” is no longer saved.")
    return redirect("search")


@require_safe
@permission_required("embeddings.view_chunk", raise_exception=True)
def new_in_search(request: HttpRequest, pk: int) -> HttpResponse:
    """How much is new in a saved search, as a fragment; nothing where asking would cost money."""
    query = get_object_or_404(SavedQuery, pk=pk)
    count = saved.what_is_new(query, limit=1).total if query.opened_at and saved.is_free(query) else 0
    return render(request, "embeddings/_new_count.html", {"count": count})


def _context(form: SearchForm, outcome: tuple[SearchAnswer | None, str] | None = None) -> dict[str, Any]:
    answer, problem = outcome or _ask(form)
    shown = answer.results if answer else []
    current = _current(form, shown)
    files = File.objects.only("sampled_hash").in_bulk({hit.file_id for hit in shown})
    pictured = {pk for pk, file in files.items() if derived.poster_path(file) is not None}
    current_id = current.chunk_id if current else None
    since = form.value("since")
    fresh = saved.came_since([hit.chunk_id for hit in shown], since) if since else set()
    rows = [
        _row(form, hit, pictured, is_current=hit.chunk_id == current_id, is_new=hit.chunk_id in fresh) for hit in shown
    ]
    context: dict[str, Any] = {
        "form": form,
        "q": form.question,
        "saved": form.saved_search,
        "new_count": len(fresh),
        "saved_searches": SavedQuery.objects.all() if answer is None and not problem else (),
        "answer": answer,
        "problem": problem,
        "rows": rows,
        "library_is_empty": not rows and not File.objects.exists(),
        "chips": _chips(form, answer) if answer else [],
        "more_url": _address(form, limit=min(form.limit_asked + MORE, MAX_LIMIT))
        if answer and answer.total > len(shown) and form.limit_asked < MAX_LIMIT
        else "",
        "is_all_shown": bool(answer and answer.total > len(shown) and form.limit_asked >= MAX_LIMIT),
    }
    if answer and (form.value("like") or form.value("like_file")):
        like = like_of(chunk_id=form.value("like"), file_id=form.value("like_file"))
        context["like_name"] = like.name if isinstance(like, File) else f"that moment of {like.file.name}"
    elif answer and (frame := form.value("like_frame")):
        context["like_name"] = f"that picture of {like_of(chunk_id=None, file_id=frame[0])}"
    if current is not None:
        chunk = Chunk.objects.in_library().select_related("file").filter(pk=current.chunk_id).first()
        context |= _now(chunk, form.question, current.start_s, may_read=form.may_read) if chunk else {}
    return context


def _ask(form: SearchForm) -> tuple[SearchAnswer | None, str]:
    """The answer, or None with the words to show. Nothing asked is neither."""
    scope: dict[str, Any] = {"limit": form.limit_asked, "filters": form.filters()}
    question, is_typing = form.question, bool(form.value("typing"))
    ask: Callable[..., SearchAnswer]
    if form.value("like") or form.value("like_file") or form.value("like_frame"):
        like = {"chunk_id": form.value("like"), "file_id": form.value("like_file"), "frame": form.value("like_frame")}
        ask = partial(more_like, **like, may_pay=form.may_pay, **scope)
    elif question.strip():
        mode = "keyword" if is_typing else form.mode_asked
        ask = partial(search, question, mode=mode, is_typing=is_typing, may_pay=form.may_pay, **scope)
    else:
        return None, ""
    try:
        answer, kind = ask(), form.value("kind")
        if kind:
            of_kind = ask(kind=kind)
            answer.results, answer.counts[kind] = of_kind.results, of_kind.total
            answer.total = of_kind.total
            answer.file_count = of_kind.file_count
            answer.is_cut |= of_kind.is_cut
    except WorkError as error:
        return None, f"{error} {error.remedy}".strip()
    return answer, ""


def _current(form: SearchForm, hits: list[Hit]) -> Hit | None:
    """The moment in the player: the one that the address names, else the first."""
    if form.value("typing"):
        return None
    named = [hit for hit in hits if hit.chunk_id == form.value("at")]
    return named[0] if named else (hits[0] if hits else None)


def _row(form: SearchForm, hit: Hit, pictured: set[int], *, is_current: bool, is_new: bool) -> ResultRow:
    return ResultRow(
        hit=hit,
        url=_address(form, at=hit.chunk_id),
        like_url=f"{reverse('search')}?like={hit.chunk_id}",
        has_picture=hit.still is not None or hit.file_id in pictured,
        is_current=is_current,
        is_new=is_new,
    )


def _chips(form: SearchForm, answer: SearchAnswer) -> list[SearchFilterChip]:
    wanted = form.value("kind") or ""
    chips = [
        SearchFilterChip(label="All", count=answer.of_all_kinds, url=_address(form, kind=""), is_current=not wanted)
    ]
    for kind, label in Chunk.Kind.choices:
        if answer.counts.get(kind) or kind == wanted:
            count = answer.counts.get(kind, 0)
            chips.append(
                SearchFilterChip(
                    label=str(label), count=count, url=_address(form, kind=kind), is_current=kind == wanted
                )
            )
    return chips


def _address(form: SearchForm, **changes: object) -> str:
    """This page with some parameters changed. What `at` and `limit` were does not stick to a new question."""
    kept = {name: form.value(name) for name in ("q", "mode", "kind", "directory", "filmed", "like", "like_file")}
    if form.saved_search:
        kept |= {"saved": form.saved_search.pk, "since": form.data.get("since") if form.value("since") else None}
    kept["like_frame"] = form.data.get("like_frame") if form.value("like_frame") else None
    if "at" in changes:
        kept["limit"] = form.value("limit")
    wanted = {name: value for name, value in (kept | changes).items() if value}
    return f"{reverse('search')}?{urlencode(wanted)}"


def _now(chunk: Chunk, asked: str, start_s: float | None, *, may_read: bool) -> dict[str, Any]:
    at = start_s or 0.0
    page = reverse("file-page", args=[chunk.file_id])
    return {
        "chunk": chunk,
        "at": at,
        "t": f"{at:g}",
        "page_url": page,
        "lines": _lines(chunk, asked, at) if may_read else [],
    }


def _lines(chunk: Chunk, asked: str, at: float) -> list[TranscriptLine]:
    """The transcript around this second, with the question's words marked."""
    transcript = Transcript.objects.current_for(chunk.file)
    if transcript is None:
        return []
    before = Segment.objects.filter(transcript=transcript, end_s__lte=at).order_by("-index")[:LINES_BEFORE]
    after = Segment.objects.filter(transcript=transcript, end_s__gt=at).order_by("index")[:LINES_AFTER]
    terms = parse(asked).telling
    return [
        TranscriptLine(
            start_s=one.start_s,
            end_s=one.end_s,
            html=snippet(one.text, find(one.text, terms), width=len(one.text)),
            is_current=one.start_s <= at < one.end_s,
        )
        for one in [*reversed(before), *after]
    ]
