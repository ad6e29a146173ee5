"""Where vectors are kept: one module for each database engine, behind one interface."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from embeddings.stores.rows import SignRow
from embeddings.vectors import Floats


class VectorStore(Protocol):
    """The float32 vectors of record, by space and by the id of their embedding.

    Where `problem` says something, every method that needs a vector raises ExtensionUnavailableError.
    """

    def problem(self) -> str:
        """Why vectors cannot be used in this process, in plain words; empty when they can."""

    def require(self) -> None:
        """Raise ExtensionUnavailableError where vectors cannot be used."""

    def create_table(self, space_id: int, dimension: int) -> None:
        """Make the table of a space unless it is there."""

    def drop_table(self, space_id: int) -> None: ...

    def has_table(self, space_id: int) -> bool: ...

    def insert(self, space_id: int, dimension: int, rows: Iterable[tuple[int, Floats]]) -> None:
        """Add vectors by id. Raises SpaceMismatchError before anything is written when one has another width."""

    def delete(self, space_id: int, ids: Sequence[int]) -> None:
        """Remove vectors by id."""

    def fetch(self, space_id: int, ids: Sequence[int], dimension: int) -> tuple[list[int], Floats]:
        """The vectors that are there, as (ids, float32 (n, dimension)); the order is not that of the question."""

    def look_up(self, space_id: int, ids: Sequence[int], dimension: int) -> tuple[NDArray[np.int64], Floats, int]:
        """The places in the question of those that still are, their vectors in that order, and the space's generation
        (-1 if none is found)."""

    def signs_after(self, space_id: int, last_id: int, limit: int) -> Iterator[Sequence[SignRow]]:
        """The signs of a space's vectors with higher ids, in the order of these: at most `limit`, in pieces."""

    def ids(self, space_id: int) -> set[int]:
        """All ids of the table (for checks)."""

    def rows_of_sparse_blocks(self, space_id: int, share: float) -> list[int]:
        """Ids of the rows in blocks that are used by less than this share; none where the engine sees to it."""


#: Imported when first asked for: what speaks to PostgreSQL is installed only where that is used.
_STORES: Mapping[str, str] = {"sqlite": "embeddings.stores.vec0", "postgresql": "embeddings.stores.pgvector"}


def store() -> VectorStore:
    """The vectors of the database in use."""
    return cast("VectorStore", import_module(_STORES[connection.vendor]))
