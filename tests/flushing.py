"""A quicker end of the tests that commit: Django makes the content types, permissions and models anew, row by row.

That took a tenth of a second each time, nearly all of the flush. The same rows are put back instead.
"""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from embeddings.words.registry import word_index

#: What Django, bedrock and jobs put into a new database after the migrations, in the order of their foreign keys.
KEPT = ("django_content_type", "auth_permission", "bedrock_models", "job_queues")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        if not connection.introspection.table_names():  # none of the chosen tests has asked for a database
            yield
            return
        put_back = [_as_statement(table) for table in KEPT]

    def flush(_case: TransactionTestCase) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in [*_deletions(), *put_back]:
                cursor.execute(statement)
        word_index().rebuild()  # it stands beside the tables, and would still say what they said
        ContentType.objects.clear_cache()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", flush)
        yield


def _deletions() -> list[str]:
    """What empties all tables. PostgreSQL takes longest for `TRUNCATE`, which gives each table a new file."""
    if connection.vendor == "sqlite":
        return sql_flush(no_style(), connection, reset_sequences=False)
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return ["SET LOCAL session_replication_role = replica", *(f'DELETE FROM "{table}"' for table in tables)]


def _as_statement(table: str) -> str:
    """One INSERT of all the rows that the table has now, as the database itself writes them."""
    quote = "quote" if connection.vendor == "sqlite" else "quote_nullable"
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        cursor.execute(f'SELECT {", ".join(f"""{quote}("{name}")""" for name in names)} FROM "{table}"')
        rows = ", ".join(f"({', '.join(row)})" for row in cursor.fetchall())
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({columns}) VALUES {rows}'
