"""The library page's address, read and written: the filters that are set, their names, addresses without them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from curation.models import HIGHEST_RATING, LOWEST_RATING, Collection
from embeddings.found_by import FoundBy
from files import humanize
from files.models import File, Root
from files.selection.facets import facets
from novaproject.pages.human_filters import machine_value
from novaproject.templatetags import human

SORTS = {
    "-imported_at": "Newest in the library",
    "-created_at": "Latest date",
    "created_at": "Earliest date",
    "name": "Name",
    "-duration_s": "Longest first",
    "-size_bytes": "Largest first",
}
DEFAULT_SORT = "-imported_at"
NAMED = {
    "q": "Words",
    "directory": "Folder",
    "media_type": "Type",
    "state": "State",
    "min_size": "Larger than",
    "max_size": "Smaller than",
    "min_duration": "Longer than",
    "max_duration": "Shorter than",
    "created_after": "Dated after",
    "created_before": "Dated before",
    "imported_after": "Imported after",
    "imported_before": "Imported before",
    "root": "Library folder",
    "tag": "Tag",
    "collection": "Collection",
    "min_rating": "Rating at least",
    "has_duplicates": "Has an exact duplicate",
    "duplicate_of": "Duplicates of",
    "language": "Language",
    "speaker": "Speaker",
    "found_by": "Found by",
}
WORDS = {
    "media_type": {media_type: words[0] for media_type, words in humanize.MEDIA_TYPES.items()},
    "state": humanize.STATES,
    "found_by": {way.value: str(way.label).lower() for way in FoundBy},
}
#: Filters whose value is the id of a row with a name.
_ROWS: dict[str, type[Any]] = {"root": Root, "duplicate_of": File, "collection": Collection}
#: Filters that may be given more than once: all of the tags hold, any of the ways to be found.
REPEATED = ("tag", "found_by")
#: Filters that are typed, each with what one writes.
MORE = {
    "directory": "2026/09 Ridge Court",
    "language": "English",
    "speaker": "Ada",
    "min_duration": "1:30",
    "max_duration": "10 min",
    "min_size": "10 GB",
    "max_size": "500 MB",
    "created_after": "2026-09-14",
    "created_before": "2026-09-14",
    "imported_after": "yesterday",
}
NAVIGATION = ("page", "view", "ordering", "all", "file")


@dataclass(frozen=True, kw_only=True)
class FilterChip:
    """A filter that is set, and the address of the page without it."""

    text: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Menu:
    """A filter, or the order, that is chosen from a list; `options` are (value, word, whether it is chosen)."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]


@dataclass(frozen=True, kw_only=True)
class TextFilter:
    """A filter that is typed."""

    name: str
    label: str
    value: str
    example: str


def facet_names() -> list[str]:
    return [facet.name for facet in facets()]


def filters(query: QueryDict) -> dict[str, str | list[str]]:
    """The filters that are set, as `GET /api/files` names them; sizes, lengths and dates as people write them."""
    now = timezone.localtime()
    found: dict[str, str | list[str]] = {}
    for name in [*NAMED, *facet_names()]:
        values = [machine_value(name, str(value).strip(), now) for value in query.getlist(name) if str(value).strip()]
        if values:
            found[name] = values if name in REPEATED else values[-1]
    return found


def sort(query: QueryDict) -> str:
    wanted = query.get("ordering", "")
    return wanted if wanted in SORTS else DEFAULT_SORT


def menus(query: QueryDict) -> list[Menu]:
    """What the list is narrowed by with a click: by what files have, how they are found, where they lie."""
    types = [(name, words[0].capitalize()) for name, words in humanize.MEDIA_TYPES.items()]
    flags = [
        _menu(query, facet.name, facet.label, [("true", "Yes"), ("false", "Missing" if facet.is_goal else "No")])
        for facet in facets()
    ]
    ratings = [(str(n), f"{n} or more") for n in range(LOWEST_RATING, HIGHEST_RATING + 1)]
    collections = [(str(pk), name) for pk, name in Collection.objects.values_list("pk", "name")]
    states = [(state, word.capitalize()) for state, word in humanize.STATES.items()]
    return [
        _menu(query, "media_type", "Type", types),
        *flags,
        _menu(query, "min_rating", "Rating", ratings),
        _menu(query, "found_by", "Found by", FoundBy.choices),
        *([_menu(query, "collection", "Collection", collections)] if collections else []),
        _menu(query, "has_duplicates", "Exact duplicate", [("true", "Yes"), ("false", "No")]),
        _menu(query, "state", "Drive", states),
    ]


def _menu(query: QueryDict, name: str, label: str, choices: Sequence[tuple[Any, Any]]) -> Menu:
    chosen = query.get(name, "")
    options = [(str(value), str(word), str(value) == chosen) for value, word in choices]
    return Menu(name=name, label=label, options=[("", "Any", not chosen), *options])


def text_filters(query: QueryDict) -> list[TextFilter]:
    """What is narrowed by typing, with an example of each."""
    return [
        TextFilter(name=name, label=NAMED[name], value=query.get(name, ""), example=example)
        for name, example in MORE.items()
    ]


def chips(query: QueryDict) -> list[FilterChip]:
    """What the page is filtered by, each with the address that takes it away."""
    labels = {facet.name: facet.label for facet in facets()}
    found = []
    for name, value in hidden_fields(query):
        if name in labels:
            text = f"{labels[name]}: {'yes' if value.lower() in ('true', '1', 'yes') else 'no'}"
        else:
            text = f"{NAMED[name]}: {_said(name, value)}"
        rest = [other for other in query.getlist(name) if other.strip() != value] if name in REPEATED else []
        found.append(
            FilterChip(text=text, url=address(query, without=(name, "page"), **({name: rest} if rest else {})))
        )
    return found


def _said(name: str, value: str) -> str:
    """A filter's value as people say it; what cannot be read is shown as it came."""
    try:
        if name.endswith("_size"):
            return human.size(float(value))
        if name.endswith("_duration"):
            return human.duration(float(value))
    except ValueError:
        return value
    if name.endswith(("_after", "_before")):
        moment = parse_datetime(value)
        return human.day(moment) if moment is not None and moment.tzinfo else value
    if name in _ROWS and value.isdecimal():
        return str(_ROWS[name].objects.filter(pk=value).first() or value)
    return WORDS.get(name, {}).get(value, value)


def address(query: QueryDict, *, without: Iterable[str] = (), **changes: str | list[str]) -> str:
    """This address with some parameters changed or left out; empty ones never stand in it."""
    copy = query.copy()
    for name in (*without, *(key for key in copy if not copy[key])):
        copy.pop(name, None)
    for name, value in changes.items():
        copy.setlist(name, value if isinstance(value, list) else [value])
    return f"?{copy.urlencode()}"


def page_numbers(current: int, last: int) -> list[int | None]:
    """The pages to link to; None is a gap."""
    wanted = sorted({1, 2, current - 1, current, current + 1, last - 1, last} & set(range(1, last + 1)))
    numbers: list[int | None] = []
    for number in wanted:
        if numbers and numbers[-1] is not None and number - numbers[-1] > 1:
            numbers.append(None)
        numbers.append(number)
    return numbers


def folder_of(file: File) -> str:
    """The folder of a file inside its root."""
    return file.path.rpartition("/")[0]


def unlisted_fields(query: QueryDict, shown: Sequence[Menu]) -> list[tuple[str, str]]:
    """Filters that came by a link and that the form has no field for: they stay when it is sent."""
    listed = {"q", "tag", *MORE, *(menu.name for menu in shown)}
    return [(name, value) for name, value in hidden_fields(query) if name not in listed]


def hidden_fields(query: QueryDict) -> list[tuple[str, str]]:
    """The filters as hidden inputs, for "everything that matches"."""
    pairs: list[tuple[str, str]] = []
    for name, value in filters(query).items():
        pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
    return pairs
