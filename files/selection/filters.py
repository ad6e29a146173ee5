"""The parameters of `GET /api/files`, which are also what an action over a filter takes.

They fail closed: a value that cannot be read is an error, because an ignored one would widen what an action is done to.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import django_filters
from django import forms
from django.db.models import Q
from django_filters.rest_framework import FilterSet

from files.models import File, FileQuerySet, Problem, Proxy, Root
from files.selection.facets import Facet, facets, narrow
from files.storage.paths import composed_forms, spellings

ORDERINGS = {
    "id": "id",
    "name": "name",
    "path": "path",
    "media_type": "media_type",
    "state": "state",
    "size_bytes": "size_bytes",
    "duration_s": "duration_s",
    "width": "width",
    "created_at": "created_at",
    "imported_at": "imported_at",
}


class StrictBooleanField(forms.Field):
    """`true` or `false`; the stock field takes anything else as "not asked"."""

    def to_python(self, value: Any) -> bool | None:
        known = {"none": None, "": None, "true": True, "1": True, "false": False, "0": False}
        word = str(value).lower().strip()
        if word not in known:
            raise forms.ValidationError("Write true or false.")
        return known[word]


class StrictBooleanFilter(django_filters.BooleanFilter):
    field_class = StrictBooleanField  # type: ignore[assignment]


class FacetFilter(StrictBooleanFilter):
    """Asks a facet without selecting it: the condition alone is worked out."""

    def __init__(self, facet: Facet) -> None:
        self.facet = facet
        super().__init__(field_name=facet.name, label=facet.filter_label or facet.label)

    def filter(self, qs: Any, value: bool | None) -> FileQuerySet:  # noqa: FBT001
        return qs if value is None else narrow(qs, self.facet, wanted=value)


def in_directory(queryset: FileQuerySet, directory: str) -> FileQuerySet:
    """Files in a folder or below it: an absolute path, or one relative to any root."""
    if not directory.strip("/") and not directory.startswith("/"):
        return queryset
    matching = Q(pk__in=[])
    roots = [(root_id, PurePosixPath(path)) for root_id, path in Root.objects.values_list("pk", "path")]
    for folder in map(PurePosixPath, composed_forms(directory)):
        if not folder.is_absolute():
            matching |= Q(path__gte=f"{folder}/", path__lt=f"{folder}0")
            continue
        for root_id, root in roots:
            if root.is_relative_to(folder):
                matching |= Q(root_id=root_id)
            elif folder.is_relative_to(root):
                inside = str(folder.relative_to(root))
                matching |= Q(root_id=root_id, path__gte=f"{inside}/", path__lt=f"{inside}0")
    return queryset.filter(matching)


class BaseFileFilters(FilterSet):
    q = django_filters.CharFilter(method="filter_words", label="Words of the name or path")
    media_type = django_filters.MultipleChoiceFilter(choices=File.MediaType.choices, label="Type")
    state = django_filters.MultipleChoiceFilter(choices=File.State.choices, label="State")
    root = django_filters.ModelMultipleChoiceFilter(queryset=Root.objects.all(), label="Library folder")
    directory = django_filters.CharFilter(method="filter_directory", label="Folder, with what is below it")
    has_duplicates = StrictBooleanFilter(method="filter_duplicates", label="Has an exact duplicate")
    min_size = django_filters.NumberFilter("size_bytes", "gte", label="Bytes at least", min_value=0)
    max_size = django_filters.NumberFilter("size_bytes", "lte", label="Bytes at most", min_value=0)
    min_duration = django_filters.NumberFilter("duration_s", "gte", label="Seconds at least", min_value=0)
    max_duration = django_filters.NumberFilter("duration_s", "lte", label="Seconds at most", min_value=0)
    created_after = django_filters.IsoDateTimeFilter("created_at", "gte", label="Created at or after")
    created_before = django_filters.IsoDateTimeFilter("created_at", "lte", label="Created at or before")
    imported_after = django_filters.IsoDateTimeFilter("imported_at", "gte", label="Imported at or after")
    imported_before = django_filters.IsoDateTimeFilter("imported_at", "lte", label="Imported at or before")
    ordering = django_filters.OrderingFilter(fields=list(ORDERINGS.items()), label="Order")

    class Meta:
        model = File
        fields: list[str] = []

    def filter_words(self, queryset: FileQuerySet, name: str, value: str) -> FileQuerySet:
        for word in value.split():
            found = Q(pk__in=[])
            for spelling in spellings(word):
                found |= Q(name__icontains=spelling) | Q(path__icontains=spelling)
            queryset = queryset.filter(found)
        return queryset

    def filter_directory(self, queryset: FileQuerySet, name: str, value: str) -> FileQuerySet:
        return in_directory(queryset, value)

    def filter_duplicates(self, queryset: FileQuerySet, name: str, value: bool) -> FileQuerySet:  # noqa: FBT001
        return queryset.duplicated(wanted=value)


#: Filters of the floors above that are more than a facet's yes or no.
FilterMaker = Callable[[], django_filters.Filter]
_filters: dict[str, FilterMaker] = {}


def register_filter(name: str, make: FilterMaker) -> None:
    """Make a filter of files known. Called in `AppConfig.ready()`."""
    _filters[name] = make


def file_filters() -> type[BaseFileFilters]:
    """The filters of the contract with one for each facet, and each filter, that is registered."""
    return _filters_with(tuple(facets()), tuple(_filters.items()))


@lru_cache(maxsize=8)
def _filters_with(known: tuple[Facet, ...], more: tuple[tuple[str, FilterMaker], ...]) -> type[BaseFileFilters]:
    made: Mapping[str, Any] = {
        **{facet.name: FacetFilter(facet) for facet in known},
        **{name: make() for name, make in more},
    }
    return type("FileFilters", (BaseFileFilters,), {**made, "Meta": BaseFileFilters.Meta})


@lru_cache(maxsize=64)
def only(filters: type[BaseFileFilters], names: frozenset[str]) -> type[BaseFileFilters]:
    """These filters without the others: a search has one or two, and building a form of all takes longer than it."""
    fewer: type[BaseFileFilters] = type("AskedFilters", (filters,), {})
    fewer.base_filters = OrderedDict((name, made) for name, made in filters.base_filters.items() if name in names)
    return fewer


class ProxyFilters(FilterSet):
    file_id = django_filters.NumberFilter("file_id", label="File")

    class Meta:
        model = Proxy
        fields = ["file_id", "proxy_spec"]


class ProblemFilters(FilterSet):
    class Meta:
        model = Problem
        fields = ["root", "kind"]
