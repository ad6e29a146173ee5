"""Many rows: alike ones written at once, and any read or named in slices."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.constants import OnConflict

#: Rows that one statement names, reads or writes: well below SQLite's 32,766 parameters, and a transaction for which
#: nobody waits long.
ROWS_PER_STATEMENT = 500

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)


def sliced(items: Sequence[Item], size: int = ROWS_PER_STATEMENT) -> Iterator[Sequence[Item]]:
    """These items in their order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def in_pieces(rows: QuerySet[Row], size: int = ROWS_PER_STATEMENT) -> Iterator[Row]:
    """These rows, of which the caller may change any: each piece is read to its end before the first is given.

    `iterator()` leaves its query open meanwhile, and SQLite refuses at once to write over an open query as soon as
    another process has written: "database is locked", without waiting (https://www.sqlite.org/rescode.html#busy_snapshot).
    """
    for ids in sliced(list(rows.values_list("pk", flat=True)), size):
        yield from list(rows.filter(pk__in=ids))


def insert_alike(template: Model, names: Sequence[str], rows: Iterable[tuple[int | str, ...]]) -> None:
    """A row like this unsaved one for each of `rows`, which hold the columns `names`. What a constraint forbids is left
    out, as by `bulk_create(ignore_conflicts=True)`, which prepares each value of each row and takes far longer.
    """
    fields = [field for field in template._meta.concrete_fields if not field.primary_key]
    same: dict[str, Any] = {
        str(field.column): field.get_db_prep_save(field.pre_save(template, True), connection)
        for field in fields
        if field.column not in names
    }
    quoted = ", ".join(connection.ops.quote_name(name) for name in [*same, *names])
    insert = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
    ignored = connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], [])
    places = ", ".join(["%s"] * (len(same) + len(names)))
    constant = tuple(same.values())
    with connection.cursor() as cursor:
        cursor.executemany(
            f"{insert} {connection.ops.quote_name(template._meta.db_table)} ({quoted}) VALUES ({places}) {ignored}",
            [(*constant, *row) for row in rows],
        )
