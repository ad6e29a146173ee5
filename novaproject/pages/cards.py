"""How a file stands in a list: its poster, state, badges and the address of its page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from embeddings import found_by
from files import humanize
from files.media import derived
from files.models import File
from files.selection.facets import Badge, applicable, badges, facets, narrow
from jobs.models import Job
from jobs.registry import label_of
from novaproject.api import paths as api_paths
from novaproject.pages.library_query import folder_of


@dataclass(frozen=True, kw_only=True)
class Card:
    file: File
    url: str
    poster_url: str
    state: str
    folder: str
    #: What it is, where there is no poster to show it.
    kind: str
    badges: list[Badge]
    #: Whether small pictures of its seconds can be asked for.
    has_sprite: bool = False


def poster_url(file: File) -> str:
    """The address of the poster, or nothing where none was made: a picture that is not there is never asked for."""
    if derived.poster_path(file) is None:
        return ""
    return api_paths.thumbnail(file.pk)


def card(file: File, more: Sequence[Badge] = ()) -> Card:
    """`file` should come from `files.selection.facets.annotate`, with its root; `more` are further badges."""
    return Card(
        file=file,
        url=reverse("file-page", args=[file.pk]),
        poster_url=poster_url(file),
        state="" if file.state == File.State.AVAILABLE else humanize.STATES[file.state].capitalize(),
        folder=folder_of(file),
        kind=humanize.MEDIA_TYPES[file.media_type][0].capitalize(),
        badges=[*badges(file), *more],
        has_sprite=file.is_playable and derived.sprite_path(file) is not None,
    )


def cards(files: Iterable[File]) -> list[Card]:
    shown = list(files)
    ids = [file.pk for file in shown]
    more = (work_badges(ids), missing_badges(ids), found_by.badges_of(ids))
    return [card(file, [badge for found in more for badge in found.get(file.pk, ())]) for file in shown]


def missing_badges(file_ids: Sequence[int]) -> Mapping[int, list[Badge]]:
    """What every file of its kind should have, and these lack: a query for each such facet."""
    found: dict[int, list[Badge]] = {}
    for facet in facets():
        if not facet.is_goal or facet.badge is None:
            continue
        lacking = narrow(applicable(File.objects.filter(pk__in=file_ids), facet.name), facet, wanted=False)
        for file_id in lacking.order_by().values_list("pk", flat=True):
            found.setdefault(file_id, []).append(Badge(text=facet.missing or f"No {facet.label.lower()}", level="none"))
    return found


def work_badges(file_ids: Sequence[int]) -> Mapping[int, list[Badge]]:
    """What runs for these files, and what failed and was not asked for again: two queries, however many files."""
    found: dict[int, list[Badge]] = {}
    of_files = Job.objects.filter(subject_kind="file", subject_id__in=file_ids)
    for level, word, rows in (
        ("run", "{}: running", of_files.active()),
        ("bad", "{}: failed", of_files.unresolved()),
    ):
        for kind, subject_id in rows.order_by("kind").values_list("kind", "subject_id").distinct():
            url = f"{reverse('file-page', args=[subject_id])}#jobs"
            badge = Badge(text=word.format(label_of(kind)), level=level, url=url)
            found.setdefault(subject_id or 0, []).append(badge)
    return found
