"""The contract's filters, for the side of the admin's list. Every one is served by an index."""

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from files.models import FileQuerySet, Root
from files.selection.facets import Facet, facets, narrow
from files.selection.filters import in_directory

_MB, _GB = 10**6, 10**9


class RangeFilter(SimpleListFilter):
    """A few ranges of one column: name to label, from, to (to is left out)."""

    column = ""
    ranges: dict[str, tuple[str, float | None, float | None]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _, _) in self.ranges.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in self.ranges:
            return queryset
        _, low, high = self.ranges[str(self.value())]
        if low is not None:
            queryset = queryset.filter(**{f"{self.column}__gte": low})
        return queryset.filter(**{f"{self.column}__lt": high}) if high is not None else queryset


class SizeFilter(RangeFilter):
    title, parameter_name, column = "size", "size", "size_bytes"
    ranges = {
        "small": ("under 100 MB", None, 100 * _MB),
        "medium": ("100 MB to 1 GB", 100 * _MB, _GB),
        "large": ("1 GB to 10 GB", _GB, 10 * _GB),
        "huge": ("10 GB and more", 10 * _GB, None),
    }


class DurationFilter(RangeFilter):
    title, parameter_name, column = "duration", "duration", "duration_s"
    ranges = {
        "short": ("under a minute", None, 60),
        "minutes": ("1 to 10 minutes", 60, 600),
        "long": ("10 to 60 minutes", 600, 3600),
        "hours": ("an hour and more", 3600, None),
    }


class SinceFilter(SimpleListFilter):
    """The last day, week, month or year."""

    column = ""
    spans = {"day": ("the last 24 hours", 1), "week": ("the last 7 days", 7), "month": ("the last 30 days", 30),
             "year": ("the last 365 days", 365)}  # fmt: skip

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.spans.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in self.spans:
            return queryset
        since = timezone.now() - timedelta(days=self.spans[str(self.value())][1])
        return queryset.filter(**{f"{self.column}__gte": since})


class ImportedFilter(SinceFilter):
    title, parameter_name, column = "imported in", "imported", "imported_at"


class CreatedFilter(SinceFilter):
    title, parameter_name, column = "created in", "created", "created_at"


class RootFilter(SimpleListFilter):
    title, parameter_name = "root", "root"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Root.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = str(self.value() or "")
        return queryset.filter(root=int(chosen)) if chosen.isdecimal() else queryset


class DirectoryFilter(SimpleListFilter):
    """The folder that a path's link leads to; shown only while it is chosen."""

    title, parameter_name = "folder", "directory"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        folder = request.GET.get("directory", "")
        return [(folder, folder)] if folder else []

    def queryset(self, request: HttpRequest, queryset: Any) -> FileQuerySet:
        return in_directory(queryset, str(self.value())) if self.value() else queryset


class DuplicatesFilter(SimpleListFilter):
    title, parameter_name = "exact duplicates", "has_duplicates"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("true", "has one"), ("false", "has none")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.duplicated(wanted=self.value() == "true") if self.value() in ("true", "false") else queryset


def facet_filters() -> list[type[SimpleListFilter]]:
    """One filter for each facet that is registered."""
    return [_facet_filter(facet) for facet in facets()]


def _facet_filter(facet: Facet) -> type[SimpleListFilter]:
    class FacetFilter(SimpleListFilter):
        title = (facet.filter_label or facet.label).lower()
        parameter_name = facet.name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [("true", "yes"), ("false", "no")]

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            known = {"true": True, "false": False}
            chosen = str(self.value())
            return narrow(queryset, facet, wanted=known[chosen]) if chosen in known else queryset

    return FacetFilter


FILE_FILTERS: tuple[Any, ...] = (
    DirectoryFilter, "media_type", "state", RootFilter, SizeFilter, DurationFilter, ImportedFilter, CreatedFilter,
    DuplicatesFilter,
)  # fmt: skip
