"""The coarse pass: the signs of all vectors of a space in memory (128 bytes at 1024-d), by Hamming distance.

The first 256 signs stand apart: they are read of every row, the others of the best of those rows. A process loads a
space once and then takes in what other processes wrote: the space's `generation` is read per query, new rows are those
with higher ids (AUTOINCREMENT, one writer at a time), gone ones stand in `embedding_removals`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from embeddings.models import Embedding, Removal, Space
from embeddings.stores.registry import store
from embeddings.vectors import Bits, Floats, to_bits

#: A platform without its wheel has numpy do the same, several times slower.
HAS_FAISS = find_spec("faiss") is not None
#: Up to this part of the matrix, the rows that pass a filter are copied and searched alone; above it, all are searched
#: and those that do not pass are dropped from a longer list.
COPY_SHARE = 0.3
#: Bytes of signs that are read of every row: a quarter of what 1024-d has, and a width that faiss has an own loop for.
HEAD_BYTES = 32
#: One row of so many is then compared by all of its signs. On 100,000 made vectors (clustered, and with noise that no
#: direction explains) the ten nearest were among these as surely as by all signs of all rows.
ONE_OF = 100
COLUMNS = ("ids", "chunks", "files", "kinds", "heads", "tails")
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Snapshot:
    """The bits of a space at one generation. Never changed: a new generation is a new snapshot."""

    generation: int
    last_removal: int
    ids: NDArray[np.int64]
    chunks: NDArray[np.int64]
    files: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    heads: Bits
    tails: Bits

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        return sum(getattr(self, name).nbytes for name in COLUMNS)

    def mask(
        self,
        *,
        files: NDArray[np.int64] | None = None,
        chunks: NDArray[np.int64] | None = None,
        kind_codes: Sequence[int] | None = None,
        but_file: int | None = None,
    ) -> Mask | None:
        """Which rows are of these files or chunks, of one of these kinds, and not of that file; None for all."""
        mask: Mask | None = None
        if files is not None:
            top = int(max(self.files.max(initial=0), files.max(initial=0))) + 1
            is_wanted = np.zeros(top, dtype=np.bool_)
            is_wanted[files] = True
            mask = is_wanted[self.files]
        if chunks is not None:
            of_chunks = np.isin(self.chunks, chunks)
            mask = of_chunks if mask is None else mask & of_chunks
        if kind_codes is not None:
            is_kind = np.zeros(256, dtype=np.bool_)
            is_kind[list(kind_codes)] = True
            of_kinds = is_kind[self.kinds]
            mask = of_kinds if mask is None else mask & of_kinds
        if but_file is not None:
            of_others = self.files != but_file
            mask = of_others if mask is None else mask & of_others
        return mask

    def candidates(self, vector: Floats, k: int, mask: Mask | None = None) -> tuple[Places, Floats]:
        """The k rows whose signs differ least from the vector's: their places and the cosines to expect, largest first.

        The product of the vector with signs alone, over the sum of its magnitudes, is the cosine on average where
        both are normally distributed; of 32 candidates in this order 0.996 of the ten nearest are there, of 32 in
        that of the distances 0.988.
        """
        query = to_bits(vector[None, :])[0]
        if mask is None:
            places = self._shortlist(query, k)
        else:
            passing, places = int(mask.sum()), np.empty(0, np.int64)
            if passing > COPY_SHARE * len(self):
                wider = self._shortlist(query, min(len(self), int(k * len(self) / passing * 1.5) + 64))
                places = wider[mask[wider]][:k]
            if len(places) < min(k, passing):
                places = self._shortlist(query, k, np.flatnonzero(mask))
        above = np.unpackbits(self._bits(places), axis=1, count=len(vector)).astype(np.float32)
        scale = np.abs(vector).sum() or np.float32(1)
        expected = (2 * np.einsum("ij,j->i", above, vector) - vector.sum()) / scale
        order = np.argsort(-expected, kind="stable")
        return places[order], expected[order]

    def _shortlist(self, query: Bits, k: int, among: Places | None = None) -> Places:
        """Places of the k rows (of these, or of all) nearest by their signs: first by the heads, of the best by all."""
        heads = self.heads if among is None else self.heads.take(among, axis=0)
        has_tails = self.tails.shape[1] > 0
        found = by_hamming(heads, query[:HEAD_BYTES], max(4 * k, len(heads) // ONE_OF) if has_tails else k)
        if among is not None:
            found = among[found]
        return found[by_hamming(self._bits(found), query, k)] if has_tails else found

    def _bits(self, places: Places) -> Bits:
        # `take` fetches rows in half of the time that indexing with an array needs.
        return np.concatenate([self.heads.take(places, axis=0), self.tails.take(places, axis=0)], axis=1)


_snapshots: dict[tuple[str, int], Snapshot] = {}
_lock = threading.Lock()


def at_hand(space: Space) -> Snapshot:
    """The space's bits as this process last read them: who then reads the generation with something else is spared a
    statement. Loads them at first."""
    known = _snapshots.get(place_of(space))
    return snapshot_of(space) if known is None else known


def snapshot_of(space: Space) -> Snapshot:
    """The space's bits as of now."""
    place = place_of(space)
    known = _snapshots.get(place)
    if known is not None and known.generation == _state(space)[0]:
        return known
    with _lock:
        generation, floor = _state(space)
        known = _snapshots.get(place)
        # A generation from the future is that of another database in the same place: one restored from a backup.
        if known is None or known.last_removal < floor or known.generation > generation:
            known = _empty(space)
        if known.generation != generation:
            known = _snapshots[place] = _brought_up(known, space, generation)
        return known


def place_of(space: Space) -> tuple[str, int]:
    """What tells the space from those of other databases in this process."""
    return str(connection.settings_dict["NAME"]), space.pk


def _state(space: Space) -> tuple[int, int]:
    with connection.cursor() as cursor:  # once a query: the ORM would take longer than the search
        cursor.execute("SELECT generation, removals_floor FROM embedding_spaces WHERE id = %s", [space.pk])
        generation, floor = cursor.fetchone() or (0, 0)
    return int(generation), int(floor)


def forget() -> None:
    """Let go of all bits in this process."""
    with _lock:
        _snapshots.clear()


def _empty(space: Space) -> Snapshot:
    last = Removal.objects.filter(space=space).order_by("-id").values_list("id", flat=True).first() or 0
    width = (space.dimension + 7) // 8
    return Snapshot(
        generation=-1,
        last_removal=max(last, space.removals_floor),
        ids=np.empty(0, np.int64),
        chunks=np.empty(0, np.int64),
        files=np.empty(0, np.int32),
        kinds=np.empty(0, np.uint8),
        heads=np.empty((0, min(width, HEAD_BYTES)), np.uint8),
        tails=np.empty((0, max(width - HEAD_BYTES, 0)), np.uint8),
    )


def _brought_up(known: Snapshot, space: Space, generation: int) -> Snapshot:
    """Rows first, removals second: what goes between the two reads is then among the removals or was never read."""
    grown = _read(known, space)
    removals = Removal.objects.filter(space=space, id__gt=known.last_removal).order_by("id")
    gone = list(removals.values_list("id", "embedding_id"))
    last = gone[-1][0] if gone else known.last_removal
    if not gone:
        return replace(grown, generation=generation, last_removal=last)
    keep = ~np.isin(grown.ids, [embedding for _, embedding in gone])
    return replace(_of_columns(grown, lambda column: column[keep]), generation=generation, last_removal=last)


def _read(known: Snapshot, space: Space) -> Snapshot:
    """What is known with what came after it, read straight into its place: copies would stay with the process."""
    after, have = int(known.ids[-1]) if len(known) else 0, len(known)
    room = have + Embedding.objects.filter(space=space, pk__gt=after).count()
    grown = _with_room(known, room)
    # Rows that came since the count are of the next generation.
    for rows in store().signs_after(space.pk, after, room - have):
        these = slice(have, have + len(rows))
        parts, grown.ids[these], grown.chunks[these], grown.files[these], grown.kinds[these] = zip(*rows, strict=True)
        bits = np.frombuffer(b"".join(parts), np.uint8).reshape(len(rows), -1)
        grown.heads[these], grown.tails[these] = bits[:, :HEAD_BYTES], bits[:, HEAD_BYTES:]
        have += len(rows)
    return _of_columns(grown, lambda column: column[:have])


def _with_room(known: Snapshot, room: int) -> Snapshot:
    def widened(column: NDArray[Any]) -> NDArray[Any]:
        wide = np.empty((room, *column.shape[1:]), column.dtype)
        wide[: len(column)] = column
        return wide

    return _of_columns(known, widened)


def _of_columns(snapshot: Snapshot, make: Callable[[NDArray[Any]], NDArray[Any]]) -> Snapshot:
    columns: dict[str, Any] = {name: make(getattr(snapshot, name)) for name in COLUMNS}
    return replace(snapshot, **columns)


def by_hamming(bits: Bits, query: Bits, k: int) -> Places:
    """Places of the k rows nearest to the query by Hamming distance, nearest first."""
    k = min(k, len(bits))
    if k == 0:
        return np.empty(0, np.int64)
    if HAS_FAISS:
        # By counting: the heap, faiss's own choice, takes twice as long for hundreds of rows.
        _, places = _faiss().knn_hamming(query.reshape(1, -1), bits, k, variant="mc")
        found: Places = places[0].astype(np.int64)
        return found
    distances = _hamming(bits, query)
    nearest = np.argpartition(distances, k - 1)[:k]
    return nearest[np.argsort(distances[nearest], kind="stable")]


@cache
def _faiss() -> Any:
    """faiss on one thread: one core reads bits as fast as memory gives them, and threads that wait for each other made
    a query 30 times slower on a busy machine."""
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def _hamming(bits: Bits, query: Bits) -> NDArray[np.int64]:
    step = 65_536  # rows at once: what is computed between stays in the processor's cache
    parts = [
        np.bitwise_count(bits[i : i + step] ^ query).sum(axis=1, dtype=np.int64) for i in range(0, len(bits), step)
    ]
    return np.concatenate(parts)
