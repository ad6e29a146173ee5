"""The one module that knows FTS5: words of chunks, found fast.

`chunks_fts` keeps no text of its own (external content over `chunks.words` and `chunks.variants`), so a row must leave
it with the text that it came with, before the chunk changes. The table is made by migration 0007.
"""

from collections.abc import Iterable

from django.db import DatabaseError, connection

from embeddings.words.normalise import indexed
from embeddings.words.query import Term, WordFilter, WordQuery


def add(rows: Iterable[tuple[int, str]]) -> None:
    """Index texts by chunk id."""
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO chunks_fts (rowid, words, variants) VALUES (%s, %s, %s)", _columns(rows))


def remove(rows: Iterable[tuple[int, str]]) -> None:
    """Take texts out again: exactly those that were added."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO chunks_fts (chunks_fts, rowid, words, variants) VALUES ('delete', %s, %s, %s)", _columns(rows)
        )


def best(query: WordQuery, where: WordFilter, *, limit: int) -> dict[int, float]:
    """The chunks that match, best first, each with its BM25."""
    return _matches("-chunks_fts.rank", "ORDER BY chunks_fts.rank", query, where, limit)


def latest(query: WordQuery, where: WordFilter, *, limit: int) -> dict[int, float]:
    """Chunks that match, newest first. For words so common that they say nothing, and ranking would be slow."""
    return _matches("0.0", "ORDER BY chunks_fts.rowid DESC", query, where, limit)


def frequency_is_above(term: Term, threshold: int) -> bool:
    """Whether more than `threshold` chunks match. Looks no further than that many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM chunks_fts WHERE chunks_fts MATCH %s LIMIT %s)",
            [_expression(WordQuery([term])), threshold + 1],
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


def _columns(rows: Iterable[tuple[int, str]]) -> list[tuple[int, str, str]]:
    return [(pk, (of_text := indexed(text)).words, of_text.variants) for pk, text in rows]


def _expression(query: WordQuery) -> str:
    """The query in FTS5's language: everything quoted, so that nothing typed is ever its syntax."""
    if not query.terms:
        return ""
    wanted = (" OR " if query.is_any else " AND ").join(_term(term, is_strict=query.is_strict) for term in query.terms)
    if query.is_any and query.required:
        wanted = " AND ".join([f"({wanted})", *(_term(term, is_strict=True) for term in query.required)])
    if query.excluded:
        wanted = f"({wanted}) NOT ({' OR '.join(_term(term, is_strict=True) for term in query.excluded)})"
    return wanted


def _term(term: Term, *, is_strict: bool) -> str:
    phrase = f'"{" ".join(term.words)}"' + ("*" if term.is_prefix else "")
    if is_strict or term.is_quoted:
        return f"words : {phrase}"
    forms = [phrase, *(f'"{" ".join(form)}"' for form in term.forms)]
    return f"({' OR '.join(forms)})" if len(forms) > 1 else phrase


def _matches(score: str, order: str, query: WordQuery, where: WordFilter, limit: int) -> dict[int, float]:
    expression = _expression(query)
    if not expression:
        return {}
    conditions, params = ["chunks_fts MATCH %s"], [expression]
    if where.kind:
        conditions.append("c.source_kind = %s")
        params.append(where.kind)
    if where.files is not None:
        conditions.append("c.file_id IN (SELECT value FROM json_each(%s))")
        params.append(where.files_json)
    # Alone, the index answers in rank order by itself; with a condition it goes on until enough rows have passed.
    joined = "CROSS JOIN chunks c ON c.id = chunks_fts.rowid" if len(conditions) > 1 else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT chunks_fts.rowid, {score} FROM chunks_fts {joined} "  # noqa: S608
            f"WHERE {' AND '.join(conditions)} {order} LIMIT %s",
            [*params, limit],
        )
        return dict(cursor.fetchall())
