"""The one module that knows pgvector: float32 vectors of record, one table a space.

The extension is made by the migrations, so a database that is migrated has it.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from pgvector import Vector

from embeddings.stores.rows import SignRow, fitting
from embeddings.vectors import Floats

#: Rows of signs that are read at once.
READ_ROWS = 2_000
#: Before its numbers (float32, big-endian) a vector has its width and a word of zeros, together as long as a number.
HEADER = 1


def problem() -> str:
    """Why vectors cannot be used in this process; the migrations would have said so."""
    return ""


def require() -> None:
    """Nothing is missing where the migrations ran."""


def table_of(space_id: int) -> str:
    return f"vec_space_{int(space_id)}"


def create_table(space_id: int, dimension: int) -> None:
    """Make the table of a space unless it is there."""
    if not has_table(space_id):  # to ask first takes no lock
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {table_of(space_id)} "
                f"(id bigint PRIMARY KEY, embedding vector({int(dimension)}) NOT NULL)"
            )
            # Compressing float32 saves next to nothing, and each look-up would pay for it.
            cursor.execute(f"ALTER TABLE {table_of(space_id)} ALTER COLUMN embedding SET STORAGE EXTERNAL")


def drop_table(space_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table_of(space_id)}")


def has_table(space_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table_of(space_id)])
        return bool(cursor.fetchone()[0])


def insert(space_id: int, dimension: int, rows: Iterable[tuple[int, Floats]]) -> None:
    """Add vectors by id. Raises SpaceMismatchError before anything is written when one has another width."""
    checked = fitting(rows, dimension)
    with connection.cursor() as cursor:
        into = f"COPY {table_of(space_id)} (id, embedding) FROM STDIN (FORMAT BINARY)"
        with connection.wrap_database_errors, cursor.copy(into) as copy:
            copy.set_types(["int8", "bytea"])
            for row, vector in checked:
                copy.write_row((row, Vector(vector).to_binary()))


def delete(space_id: int, ids: Sequence[int]) -> None:
    """Remove vectors by id."""
    if ids and has_table(space_id):
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table_of(space_id)} WHERE id = ANY(%s)", [list(ids)])  # noqa: S608


def fetch(space_id: int, ids: Sequence[int], dimension: int) -> tuple[list[int], Floats]:
    """The vectors that are there, as (ids, float32 (n, dimension)); the order is not that of the question."""
    sql = f"SELECT id, embedding FROM {table_of(space_id)} WHERE id = ANY(%s)"  # noqa: S608
    rows = _binary(sql, [list(map(int, ids))])
    return [row[0] for row in rows], _matrix([row[1] for row in rows], dimension)


def look_up(space_id: int, ids: Sequence[int], dimension: int) -> tuple[NDArray[np.int64], Floats, int]:
    """What a search asks of its candidates, in one statement: the places in the question of those that still are, their
    vectors in that order, and the space's generation (-1 if none is found)."""
    rows = _binary(
        f"SELECT wanted.place - 1, v.embedding, s.generation "  # noqa: S608
        f"FROM unnest(%s::bigint[]) WITH ORDINALITY AS wanted (id, place) JOIN {table_of(space_id)} AS v USING (id), "
        f"embedding_spaces AS s WHERE s.id = %s ORDER BY wanted.place",
        [list(ids), space_id],
    )
    if not rows:
        return np.empty(0, np.int64), np.empty((0, dimension), np.float32), -1
    places, blobs, generations = zip(*rows, strict=True)
    return np.array(places, np.int64), _matrix(blobs, dimension), generations[0]


def signs_after(space_id: int, last_id: int, limit: int) -> Iterator[Sequence[SignRow]]:
    """The signs of a space's vectors with higher ids, in the order of these: at most `limit`, in pieces."""
    with connection.chunked_cursor() as cursor:  # the client would else hold all of them at once
        cursor.execute(
            "SELECT bits, id, chunk_id, file_id, kind_code FROM embeddings WHERE space_id = %s AND id > %s "
            "ORDER BY id LIMIT %s",
            [space_id, last_id, limit],
        )
        while rows := cursor.fetchmany(READ_ROWS):
            yield rows


def ids(space_id: int) -> set[int]:
    """All ids of the table (for checks)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table_of(space_id)}")  # noqa: S608
        return {row[0] for row in cursor.fetchall()}


def rows_of_sparse_blocks(space_id: int, share: float) -> list[int]:
    """None: autovacuum gives room back."""
    return []


def _binary(sql: str, params: Sequence[object]) -> list[tuple[int, bytes, int]]:
    """Rows in PostgreSQL's binary form: vectors as text would take many times as long to read."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        rows: list[tuple[int, bytes, int]] = cursor.execute(sql, params, binary=True).fetchall()
        return rows


def _matrix(blobs: Sequence[bytes], dimension: int) -> Floats:
    numbers = np.frombuffer(b"".join(blobs), dtype=">f4").reshape(len(blobs), HEADER + dimension)
    return numbers[:, HEADER:].astype(np.float32)
