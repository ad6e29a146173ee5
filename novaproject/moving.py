"""Moving the library from SQLite to PostgreSQL: rows, words and vectors, with their ids. Nothing is paid again.

Rows go in the order of their ids, in pieces that are committed: a move that was cut off is run again and goes on after
the last id that is there. At the end each table is read on both sides and compared. The SQLite database stays as it is.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from blake3 import blake3
from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Field, ForeignKey, JSONField, Model
from django.utils import timezone

from embeddings.models import Space
from embeddings.stores.registry import store
from embeddings.words.registry import word_index
from jobs.errors import WorkError
from jobs.models import Cluster
from jobs.progress import NO_PROGRESS, Progress
from novaproject.database_guard import unfit_reason
from novaproject.database_url import database_of

TARGET = "target"
ROWS_AT_ONCE, VECTORS_AT_ONCE = 2_000, 1_000
#: A set of workers that was seen so lately is alive.
ALIVE_S = 60.0
#: Stands in a database that a move has begun to fill.
MARK = "novaproject_move"
AGAIN = "Begin again with an empty database."
#: Of the migrations each database has its own.
NOT_MOVED = {"django_migrations"}


class MoveError(WorkError):
    """A library that cannot be moved, and why."""

    code = "move"


@dataclass
class MoveReport:
    """How many rows of each table are in both databases, and how many vectors."""

    rows: dict[str, int] = field(default_factory=dict)
    vectors: int = 0


def move_to_postgres(url: str, *, progress: Progress = NO_PROGRESS) -> MoveReport:
    """Copy the library into the PostgreSQL database of this URL, and compare. Raises MoveError."""
    config = _fit_target(url)
    with _named(config):
        _migrate(url)
        _begin()
        models = _in_order()
        report = MoveReport()
        for place, model in enumerate(models):
            progress.update(place / (2 * len(models)), model._meta.db_table)
            _copy(model)
        with _as_default():
            progress.update(0.5, "the words")
            word_index().rebuild()
        for space in Space.objects.order_by("pk"):
            progress.update(0.55, f"the vectors of {space}")
            report.vectors += _copy_vectors(space)
        for place, model in enumerate(models):
            progress.update(0.6 + 0.4 * place / len(models), f"comparing {model._meta.db_table}")
            report.rows[model._meta.db_table] = _compare(model)
        _end(models)
    return report


def _fit_target(url: str) -> dict[str, Any]:
    if connection.vendor != "sqlite":
        raise MoveError("The library is in PostgreSQL already.", remedy="Leave DATABASE_URL as it is.")
    alive = Cluster.objects.filter(seen_at__gte=timezone.now() - timedelta(seconds=ALIVE_S))
    if alive.exists():
        raise MoveError(
            "The library is at work, and what it writes now would stay behind.",
            remedy="Stop it, and run this again after a minute.",
        )
    config = database_of(url, settings.BASE_DIR, settings.DATA_DIR)
    if "sqlite3" in config["ENGINE"]:
        raise MoveError(
            "This URL names no PostgreSQL.", remedy="Write it like postgres://user:password@host:5432/name."
        )
    if reason := unfit_reason(config):
        raise MoveError(reason)
    return config


@contextmanager
def _named(config: Mapping[str, Any]) -> Iterator[None]:
    connections.settings[TARGET] = {**connections.settings["default"], "OPTIONS": {}, **config}
    try:
        yield
    finally:
        connections[TARGET].close()
        del connections[TARGET], connections.settings[TARGET]


@contextmanager
def _as_default() -> Iterator[None]:
    """What asks for the database in use gets the new one: stores of words and vectors do."""
    before = connections["default"]
    connections["default"] = connections[TARGET]
    try:
        yield
    finally:
        connections["default"] = before


def _migrate(url: str) -> None:
    """In a process of its own, for which that database is the one in use."""
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MoveError(f"The new database could not be prepared: {done.stderr.strip()[-500:]}")


def _begin() -> None:
    """Empty a new database of what its migrations put there; one that has a library of its own is refused."""
    with transaction.atomic(using=TARGET), connections[TARGET].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [MARK])
        if cursor.fetchone()[0]:
            return
        cursor.execute("SELECT EXISTS (SELECT 1 FROM files) OR EXISTS (SELECT 1 FROM bedrock_ledger)")
        if cursor.fetchone()[0]:
            raise MoveError("There is a library in that database already.", remedy="Name an empty one.")
        tables = ", ".join(f'"{model._meta.db_table}"' for model in _in_order())
        cursor.execute(f"TRUNCATE {tables}, chunk_words")
        cursor.execute(f"CREATE TABLE {MARK} (began_at timestamptz DEFAULT now())")


def _in_order() -> list[type[Model]]:
    """All models with tables, each after those that it refers to."""
    waiting = {
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in NOT_MOVED
    }
    ordered: list[type[Model]] = []
    while waiting:
        ready = [
            model
            for model in waiting
            if not any(
                isinstance(column, ForeignKey) and column.related_model in waiting - {model}
                for column in model._meta.concrete_fields
            )
        ]
        if not ready:
            raise MoveError("Tables refer to each other in a circle.")
        ordered += sorted(ready, key=lambda model: model._meta.db_table)
        waiting -= set(ready)
    return ordered


def _columns(model: type[Model]) -> list[Field[Any, Any]]:
    return [column for column in model._meta.concrete_fields if not column.generated]


def _pieces(model: type[Model], using: str, after: Any = None) -> Iterator[list[Model]]:
    """All rows in the order of their ids, some at once."""
    rows = model._base_manager.using(using).order_by("pk")
    while piece := list((rows if after is None else rows.filter(pk__gt=after))[:ROWS_AT_ONCE]):
        yield piece
        after = piece[-1].pk


def _copy(model: type[Model]) -> None:
    last = model._base_manager.using(TARGET).order_by("-pk").values_list("pk", flat=True).first()
    for piece in _pieces(model, "default", last):
        try:
            _insert(model, piece)
        except DatabaseError:
            for row in piece:  # which one is it?
                try:
                    _insert(model, [row])
                except DatabaseError as exc:
                    raise MoveError(
                        f"Row {row.pk} of {model._meta.db_table} does not fit into PostgreSQL: {str(exc).strip()}",
                        remedy="Mend that row, and run this again: it goes on from there.",
                    ) from exc


def _insert(model: type[Model], rows: list[Model]) -> None:
    """As they are: nothing is worked out anew, and no date is that of today."""
    with transaction.atomic(using=TARGET):
        model._base_manager._insert(rows, fields=_columns(model), using=TARGET, raw=True)  # type: ignore[attr-defined]


def _copy_vectors(space: Space) -> int:
    """Vectors of a space that are not there yet. Returns how many there are. Raises MoveError where one differs."""
    if not store().has_table(space.pk):
        return 0
    ids = sorted(store().ids(space.pk))
    with _as_default():
        store().create_table(space.pk, space.dimension)
        there = store().ids(space.pk)
    for first in range(0, len(ids), VECTORS_AT_ONCE):
        wanted = ids[first : first + VECTORS_AT_ONCE]
        found, vectors = store().fetch(space.pk, wanted, space.dimension)
        with _as_default():
            new = [(pk, vector) for pk, vector in zip(found, vectors, strict=True) if pk not in there]
            if new:
                store().insert(space.pk, space.dimension, new)
            copied, copies = store().fetch(space.pk, wanted, space.dimension)
        if not np.array_equal(vectors[np.argsort(found)], copies[np.argsort(copied)]):
            raise MoveError(f"Vectors of “{space}” differ after the move.", remedy=AGAIN)
    return len(ids)


def _compare(model: type[Model]) -> int:
    """How many rows both have. Raises MoveError where one differs."""
    counts, digests = [], []
    for using in ("default", TARGET):
        count, digest = 0, blake3()
        for piece in _pieces(model, using):
            count += len(piece)
            for row in piece:
                digest.update(repr([_value(row, column) for column in _columns(model)]).encode("utf-8", "replace"))
        counts.append(count)
        digests.append(digest.digest())
    if counts[0] != counts[1] or digests[0] != digests[1]:
        raise MoveError(
            f"{model._meta.db_table} differs after the move: {counts[0]:,} rows here, {counts[1]:,} there.",
            remedy="Begin again with an empty database, and with the library stopped.",
        )
    return counts[0]


def _value(row: Model, column: Field[Any, Any]) -> Any:
    """A value as both databases keep it: without NUL, and JSON in one order."""
    value = getattr(row, column.attname)
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(column, JSONField):
        return _sorted(value)
    return value.replace("\0", "") if isinstance(value, str) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name.replace("\0", ""), _sorted(item)) for name, item in value.items())
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def _end(models: list[type[Model]]) -> None:
    """Ids go on after the highest that ever was, and the mark of the move goes."""
    with connection.cursor() as lite:
        lite.execute("SELECT name, seq FROM sqlite_sequence")
        highest = dict(lite.fetchall())
    with connections[TARGET].cursor() as cursor:
        for statement in connections[TARGET].ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
        for model in models:
            table, key = model._meta.db_table, model._meta.pk.column
            if highest.get(table):
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', key])
                sequence = cursor.fetchone()[0]
                if sequence:
                    cursor.execute("SELECT setval(%s, %s)", [sequence, highest[table]])
        cursor.execute(f"DROP TABLE {MARK}")
        cursor.execute("ANALYZE")
