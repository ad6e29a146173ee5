"""Many rows that differ in few columns, written at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.constants import OnConflict


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
    places = ", ".join(["%s"] * (len(same) + len(names)))
    constant = tuple(same.values())
    with connection.cursor() as cursor:
        cursor.executemany(
            f"{insert} {connection.ops.quote_name(template._meta.db_table)} ({quoted}) VALUES ({places})",
            [(*constant, *row) for row in rows],
        )
