"""The one module that knows sqlite-vec: float32 vectors of record, one vec0 table a space.

Where the extension cannot be loaded, every function but `problem` and the removals raises ExtensionUnavailableError.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from numpy.typing import NDArray

from embeddings.conf import conf
from embeddings.errors import ExtensionUnavailableError
from embeddings.stores.rows import SignRow, fitting
from embeddings.vectors import Floats

logger = logging.getLogger(__name__)
#: Rows to a chunk of vec0. Small ones are quick to write and to read one row of, and a chunk is given back to the file
#: when its last row goes. SQLite walks a chunk's pages up to the row: at 1024-d, beyond what is mapped, 128 rows by id
#: took 4 ms at 16 rows a chunk, 11.6 ms at 64 (measured on 200,000); rows written a second are the same.
ROWS_PER_CHUNK = 16
#: Rows of signs that are read at once, and so many that their pages, up to 64 MB, are let go afterwards.
READ_ROWS, MANY_ROWS = 2_000, 50_000
_problem = ""


def load_into(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Receiver of `connection_created`: load sqlite-vec into a new SQLite connection; remember why it could not be."""
    global _problem  # noqa: PLW0603  (one verdict a process: the same library for each connection)
    if connection.vendor != "sqlite":
        return
    raw: Any = connection.connection
    if not hasattr(raw, "enable_load_extension"):
        _problem = "this Python's sqlite3 cannot load extensions"
        return
    try:
        raw.enable_load_extension(True)
        try:
            with connection.wrap_database_errors:  # sqlite3 and pysqlite3 have error classes of their own
                raw.load_extension(_library())
        finally:
            raw.enable_load_extension(False)
    except (ImportError, DatabaseError) as error:
        _problem = f"sqlite-vec cannot be loaded: {error}"
        logger.warning("%s", _problem)
    else:
        _problem = ""


def problem() -> str:
    """Why vectors cannot be used in this process, in plain words; empty when they can."""
    connection.ensure_connection()
    return _problem


def require() -> None:
    if problem():
        raise ExtensionUnavailableError(f"Semantic search is off: {_problem}.")


def table_of(space_id: int) -> str:
    return f"vec_space_{int(space_id)}"


def create_table(space_id: int, dimension: int) -> None:
    """Make the table of a space unless it is there."""
    require()
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table_of(space_id)} "
            f"USING vec0(embedding float[{int(dimension)}], chunk_size={ROWS_PER_CHUNK})"
        )


def drop_table(space_id: int) -> None:
    require()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table_of(space_id)}")


def has_table(space_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [table_of(space_id)])
        return cursor.fetchone() is not None


def insert(space_id: int, dimension: int, rows: Iterable[tuple[int, Floats]]) -> None:
    """Add vectors by id. Raises SpaceMismatchError before anything is written when one has another width."""
    require()
    checked = fitting(rows, dimension)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table_of(space_id)} (rowid, embedding) VALUES (%s, %s)",  # noqa: S608
            [(row, np.ascontiguousarray(vector, dtype="<f4").tobytes()) for row, vector in checked],
        )


def delete(space_id: int, ids: Sequence[int]) -> None:
    """Remove vectors by id. Where the extension is missing they stay for `doctor` to sweep: no hit can show them."""
    if problem() or not ids or not has_table(space_id):
        return
    with connection.cursor() as cursor:
        cursor.executemany(f"DELETE FROM {table_of(space_id)} WHERE rowid = %s", [(row,) for row in ids])  # noqa: S608


def fetch(space_id: int, ids: Sequence[int], dimension: int) -> tuple[list[int], Floats]:
    """The vectors that are there, as (ids, float32 (n, dimension)); the order is not that of the question."""
    require()
    if not ids:  # a space without vectors may have no table yet
        return [], np.empty((0, dimension), dtype=np.float32)
    with connection.cursor() as cursor:
        # `rowid IN (…)` would scan the whole vec0 table (13 ms at 30,000 rows); this join looks each one up (1.7 ms).
        cursor.execute(
            f"SELECT v.rowid, v.embedding FROM json_each(%s) AS wanted "  # noqa: S608
            f"CROSS JOIN {table_of(space_id)} AS v ON v.rowid = wanted.value",
            [json.dumps([int(row) for row in ids])],
        )
        rows = cursor.fetchall()
    vectors = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4").reshape(len(rows), dimension)
    return [row[0] for row in rows], vectors


def look_up(space_id: int, ids: Sequence[int], dimension: int) -> tuple[NDArray[np.int64], Floats, int]:
    """What a search asks of its candidates, in one statement, for each takes as long as a dozen rows: the places in the
    question of those that still are, their vectors in that order, and the space's generation (-1 if none is found)."""
    require()
    sql = (
        f"SELECT wanted.key, v.embedding, s.generation "  # noqa: S608
        f"FROM embedding_spaces AS s CROSS JOIN json_each(?) AS wanted "
        f"CROSS JOIN {table_of(space_id)} AS v ON v.rowid = wanted.value WHERE s.id = ?"
    )
    with connection.wrap_database_errors:  # Django's cursor would take a quarter of the time
        rows = connection.connection.execute(sql, [str(list(ids)), space_id]).fetchall()
    if not rows:
        return np.empty(0, np.int64), np.empty((0, dimension), np.float32), -1
    places, blobs, generations = zip(*rows, strict=True)
    vectors = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(rows), dimension)
    return np.array(places, np.int64), vectors, generations[0]


def signs_after(space_id: int, last_id: int, limit: int) -> Iterator[Sequence[SignRow]]:
    """The signs of a space's vectors with higher ids, in the order of these: at most `limit`, in pieces."""
    with connection.cursor() as cursor:
        cursor.execute(
            # In the order of the table: by the index of spaces the same rows took six times as long.
            "SELECT bits, id, chunk_id, file_id, kind_code FROM embeddings NOT INDEXED WHERE space_id = %s AND id > %s "
            "ORDER BY id LIMIT %s",
            [space_id, last_id, limit],
        )
        while rows := cursor.fetchmany(READ_ROWS):
            yield rows
        if limit > MANY_ROWS:
            cursor.execute("PRAGMA shrink_memory")  # the pages read are not read again


def ids(space_id: int) -> set[int]:
    """All ids of the table (for checks)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rowid FROM {table_of(space_id)}_rowids")  # noqa: S608
        return {row[0] for row in cursor.fetchall()}


def rows_of_sparse_blocks(space_id: int, share: float) -> list[int]:
    """Ids of the rows in blocks (but the last, which still fills) that are used by less than this share."""
    table = table_of(space_id)
    sparse: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT chunk_id, size, validity FROM {table}_chunks ORDER BY chunk_id")  # noqa: S608
        for chunk_id, size, validity in cursor.fetchall()[:-1]:
            if int.from_bytes(validity, "little").bit_count() < size * share:
                sparse.append(chunk_id)
        cursor.execute(
            f"SELECT rowid FROM {table}_rowids WHERE chunk_id IN (SELECT value FROM json_each(%s))",  # noqa: S608
            [str(sparse)],
        )
        return [row[0] for row in cursor.fetchall()]


def _library() -> str:
    given = conf().sqlite_vec_path
    if given:
        return given
    import sqlite_vec

    path: str = sqlite_vec.loadable_path()
    return path
