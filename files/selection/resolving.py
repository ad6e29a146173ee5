"""Which files an action is meant for: a list of ids, or everything that a filter matches."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.http import QueryDict

from files.errors import SelectionError
from files.models import File, FileQuerySet
from files.selection.facets import annotate
from files.selection.filters import file_filters, only

#: More ids than this are a filter's business; SQLite takes 32,766 parameters in one statement.
MAX_IDS = 10_000


def resolve(*, file_ids: Sequence[int] | None = None, filter: Mapping[str, Any] | None = None) -> FileQuerySet:
    """The files of a selection, annotated with their facets. Raises SelectionError rather than taking too many.

    `filter` has the parameters of `GET /api/files`; an empty one means the whole library.
    """
    if (file_ids is None) == (filter is None):
        raise SelectionError("Give either file_ids or filter.", remedy="An empty filter means every file.")
    if file_ids is None:
        return apply_filter(annotate(File.objects.all()), cast("Mapping[str, Any]", filter))
    ids = set(file_ids)
    if len(ids) > MAX_IDS:
        raise SelectionError(f"{len(ids):,} ids are too many at once.", remedy="Use a filter instead.")
    files = annotate(File.objects.filter(pk__in=ids))
    if unknown := ids - set(files.values_list("pk", flat=True)):
        some = ", ".join(map(str, sorted(unknown)[:10]))
        raise SelectionError(f"Not in the library: {some}.", remedy="Reload the list and choose again.")
    return files


def apply_filter(queryset: FileQuerySet, parameters: Mapping[str, Any]) -> FileQuerySet:
    """Narrow an annotated queryset. Raises SelectionError for a parameter or a value that is not known."""
    filters = file_filters()
    unknown = sorted(set(parameters) - set(filters.base_filters))
    if unknown:
        known = ", ".join(sorted(filters.base_filters))
        raise SelectionError(f"Not a filter: {', '.join(unknown)}.", remedy=f"Known are {known}.")
    bound = only(filters, frozenset(parameters))(data=as_query(parameters), queryset=queryset)
    if not bound.is_valid():
        wrong = "; ".join(f"{name}: {' '.join(map(str, messages))}" for name, messages in bound.errors.items())
        raise SelectionError(f"The filter cannot be read: {wrong}")
    return cast("FileQuerySet", bound.qs)


def as_query(parameters: Mapping[str, Any]) -> QueryDict:
    """A filter given as JSON, in the form of a query string."""
    if isinstance(parameters, QueryDict):
        return parameters
    query = QueryDict(mutable=True)
    for name, value in parameters.items():
        values = value if isinstance(value, list | tuple) else [value]
        query.setlist(name, [_word(one, name) for one in values if one is not None])
    return query


def _word(value: object, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise SelectionError(f"The filter cannot be read: {name} is neither text nor a number.")
