"""Answers about whole tables, such as how many files have no transcript, kept until one of the tables changes.

Each table of the floors above has a row with a token, which every statement that writes to the table renews, in the
same transaction. An answer is kept in memory with the tokens of the tables that it was read from; with other tokens it
is worked out anew. Statements are seen on their way to the database, so that bulk writes count too. SQLite only:
elsewhere each writer would wait for the others at these rows, and every answer is worked out each time.
"""

import logging
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from django.apps import apps
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.core.paginator import Paginator
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import QuerySet
from django.utils.functional import cached_property

logger = logging.getLogger(__name__)
TOKENS = "table_tokens"
#: Pages, sums and counts: a few hundred bytes each.
MOST_ANSWERS = 500
_WRITE = re.compile(r"\s*(?:INSERT|REPLACE|UPDATE|DELETE)\b(?:\s+OR\s+\w+)?(?:\s+(?:INTO|FROM))?\s+\"?(\w+)", re.I)
_NAME = re.compile(r'"(\w+)"')
_RENEW = f"INSERT INTO {TOKENS} (name, token) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET token = excluded.token"  # noqa: S608

Answer = TypeVar("Answer")
_answers: "OrderedDict[tuple[Any, ...], Any]" = OrderedDict()
_lock = threading.Lock()


@cache
def watched_tables() -> frozenset[str]:
    """The tables whose changes are noticed: those of the floors above this one, whose own change every second."""
    ours = [app for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR and app.name != "jobs"]
    models = [model for app in ours for model in app.get_models(include_auto_created=True)]
    return frozenset(model._meta.db_table for model in models)


def kept(rows: QuerySet[Any], name: str, work_out: Callable[[], Answer]) -> Answer:
    """What `work_out` answers about these rows, from memory where nothing has changed since it was asked last.

    `name` tells apart what is asked about the same rows.
    """
    connection: Any = connections[rows.db]
    if connection.vendor != "sqlite":
        return work_out()
    try:
        sql, parameters = rows.query.get_compiler(using=rows.db).as_sql()
    except EmptyResultSet:
        return work_out()
    read = _all_tables().intersection(_NAME.findall(sql))
    if not read or read - watched_tables():
        return work_out()
    tables = sorted(read)
    key = (connection.settings_dict["NAME"], name, sql, tuple(map(str, parameters)))
    question = f"SELECT name, token FROM {TOKENS} WHERE name IN ({', '.join('?' * len(tables))}) ORDER BY name"  # noqa: S608
    connection.ensure_connection()
    # Before the rows are read: what is written meanwhile makes the answer old. (Beside Django, in microseconds.)
    tokens = connection.connection.execute(question, tables).fetchall()
    with _lock:
        known = _answers.get(key)
    if known is not None and known[0] == tokens:
        return cast("Answer", known[1])
    answer = work_out()
    with _lock:
        _answers[key] = (tokens, answer)
        _answers.move_to_end(key)
        while len(_answers) > MOST_ANSWERS:
            _answers.popitem(last=False)
    return answer


@cache
def _all_tables() -> frozenset[str]:
    return frozenset(model._meta.db_table for model in apps.get_models(include_auto_created=True))


class KeptPaginator(Paginator[Any]):
    """Counts its rows once, however many pages are looked at, until something is written."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return kept(rows.order_by().values("pk"), "count", rows.count)
        return super().count


def notice_writes() -> None:
    """See from now on, on every connection to SQLite, which tables are written to."""

    def begin(sender: object, connection: BaseDatabaseWrapper, **_: object) -> None:
        if connection.vendor == "sqlite" and _renew_tokens not in connection.execute_wrappers:
            connection.execute_wrappers.append(_renew_tokens)

    connection_created.connect(begin, weak=False, dispatch_uid="jobs.kept_answers")


def _renew_tokens(execute: Callable[..., Any], sql: Any, parameters: Any, many: Any, context: dict[str, Any]) -> Any:
    """Django's hook around each statement: after a write its table gets another token."""
    result = execute(sql, parameters, many, context)
    match = _WRITE.match(sql) if isinstance(sql, str) else None
    if match is None or match[1] not in watched_tables():
        return result
    connection: Any = context["connection"]
    cursor = connection.connection.cursor()  # beside Django's own, which counts queries and would come back here
    try:
        cursor.execute(_RENEW, (match[1], secrets.token_hex(8)))
    except connection.Database.Error as error:
        if "no such table" in str(error):  # a migration from before there were tokens
            return result
        if connection.in_atomic_block:
            raise
        # The write is done by now, and is not to be called failed.
        logger.warning("Counts of %s may be out of date until it changes again: %s", match[1], error)
    finally:
        cursor.close()
    return result
