"""The one module that knows FTS5: words of chunks, found fast.

`chunks_fts` keeps no text of its own (external content over `chunks.words`), so a row must leave it with the text that
it came with, before the chunk changes. The table is made by migrations 0002 and 0006.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError, connection

from embeddings.words.query import spaced


@dataclass(frozen=True)
class WordFilter:
    """An extra condition on `chunks` (alias c), with its parameters: filters hold before ranking."""

    sql: str = ""
    params: tuple[str | int, ...] = field(default=())


def add(rows: Iterable[tuple[int, str]]) -> None:
    """Index texts by chunk id."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO chunks_fts (rowid, words) VALUES (%s, %s)", [(pk, spaced(text)) for pk, text in rows]
        )


def remove(rows: Iterable[tuple[int, str]]) -> None:
    """Take texts out again: exactly those that were added."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO chunks_fts (chunks_fts, rowid, words) VALUES ('delete', %s, %s)",
            [(pk, spaced(text)) for pk, text in rows],
        )


def best(expression: str, where: WordFilter, *, limit: int) -> list[int]:
    """Ids of the chunks that match, best first by bm25."""
    return _ids("ORDER BY chunks_fts.rank", expression, where, limit)


def latest(expression: str, where: WordFilter, *, limit: int) -> list[int]:
    """Ids of chunks that match, newest first. For words so common that ranking all their chunks would be slow."""
    return _ids("ORDER BY chunks_fts.rowid DESC", expression, where, limit)


def document_count() -> int:
    """About how many chunks there are (the highest id: exact counting reads the whole table)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM chunks")
        return int(cursor.fetchone()[0] or 0)


def frequency_is_above(expression: str, threshold: int) -> bool:
    """Whether more than `threshold` chunks match. Looks no further than that many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM chunks_fts WHERE chunks_fts MATCH %s LIMIT %s)",
            [expression, threshold + 1],
        )
        return int(cursor.fetchone()[0]) > threshold


def rebuild() -> None:
    """Make the index again from the chunks."""
    _command("rebuild")


def optimize() -> None:
    """Merge its segments into one: smaller and quicker to read."""
    _command("optimize")


def is_sound() -> bool:
    """Whether the index says what the chunks say."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('integrity-check', 1)")
    except DatabaseError:
        return False
    return True


def _command(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chunks_fts (chunks_fts) VALUES (%s)", [name])


def _ids(order: str, expression: str, where: WordFilter, limit: int) -> list[int]:
    if not expression:
        return []
    # Alone, the index answers in rank order by itself; with a condition it goes on until enough rows have passed.
    joined = f"CROSS JOIN chunks c ON c.id = chunks_fts.rowid WHERE {where.sql} AND" if where.sql else "WHERE"
    params: Sequence[str | int] = [*where.params, expression, limit]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT chunks_fts.rowid FROM chunks_fts {joined} chunks_fts MATCH %s {order} LIMIT %s",  # noqa: S608
            params,
        )
        return [row[0] for row in cursor.fetchall()]
