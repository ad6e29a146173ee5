"""The coarse pass: the signs of all vectors of a space in memory (128 bytes at 1024-d), by Hamming distance.

A process loads a space once and then takes in what other processes wrote: the space's `generation` is read per query,
new rows are those with higher ids (AUTOINCREMENT, one writer at a time), gone ones stand in `embedding_removals`.
"""

import threading
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from embeddings.models import Removal, Space
from embeddings.vectors import Bits

#: A platform without its wheel has numpy do the same, several times slower.
HAS_FAISS = find_spec("faiss") is not None
#: Up to this part of the matrix, the rows that pass a filter are copied and searched alone; above it, all are searched
#: and those that do not pass are dropped from a longer list.
COPY_SHARE = 0.3
READ_ROWS, MANY_ROWS = 2_000, 50_000
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Snapshot:
    """The bits of a space at one generation. Never changed: a new generation is a new snapshot."""

    generation: int
    last_removal: int
    ids: NDArray[np.int64]
    files: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    bits: Bits

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        return self.ids.nbytes + self.files.nbytes + self.kinds.nbytes + self.bits.nbytes

    def mask(
        self,
        *,
        files: NDArray[np.int64] | None = None,
        kind_code: int | None = None,
        but_file: int | None = None,
    ) -> Mask | None:
        """Which rows are of these files, of this kind, and not of that file; None for all."""
        mask: Mask | None = None
        if files is not None:
            top = int(max(self.files.max(initial=0), files.max(initial=0))) + 1
            is_wanted = np.zeros(top, dtype=np.bool_)
            is_wanted[files] = True
            mask = is_wanted[self.files]
        if kind_code is not None:
            of_kind = self.kinds == kind_code
            mask = of_kind if mask is None else mask & of_kind
        if but_file is not None:
            of_others = self.files != but_file
            mask = of_others if mask is None else mask & of_others
        return mask

    def nearest(self, query: Bits, k: int, mask: Mask | None = None) -> NDArray[np.int64]:
        """Ids of the k rows nearest to these bits, nearest first."""
        if mask is None:
            return self.ids[_nearest(self.bits, query, k)]
        passing = int(mask.sum())
        if passing > COPY_SHARE * len(self):
            wider = min(len(self), int(k * len(self) / passing * 1.5) + 64)
            found = _nearest(self.bits, query, wider)
            found = found[mask[found]]
            if len(found) >= min(k, passing):
                return self.ids[found[:k]]
        places = np.flatnonzero(mask)
        return self.ids[places[_nearest(self.bits[places], query, k)]]


_snapshots: dict[tuple[str, int], Snapshot] = {}
_lock = threading.Lock()


def snapshot_of(space: Space) -> Snapshot:
    """The space's bits as of now."""
    place = (str(connection.settings_dict["NAME"]), space.pk)
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
        files=np.empty(0, np.int32),
        kinds=np.empty(0, np.uint8),
        bits=np.empty((0, width), np.uint8),
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
    return Snapshot(generation, last, grown.ids[keep], grown.files[keep], grown.kinds[keep], grown.bits[keep])


def _read(known: Snapshot, space: Space) -> Snapshot:
    """What is known with what came after it, read straight into its place: copies would stay with the process."""
    after, have = int(known.ids[-1]) if len(known) else 0, len(known)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM embeddings WHERE space_id = %s AND id > %s", [space.pk, after])
        room = have + int(cursor.fetchone()[0])
        ids, files, kinds = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.uint8)
        bits = np.empty((room, known.bits.shape[1]), np.uint8)
        ids[:have], files[:have], kinds[:have], bits[:have] = known.ids, known.files, known.kinds, known.bits
        cursor.execute(
            # In the order of the table: by the index of spaces the same rows took six times as long.
            "SELECT id, file_id, kind_code, bits FROM embeddings NOT INDEXED WHERE space_id = %s AND id > %s "
            "ORDER BY id LIMIT %s",
            [space.pk, after, room - have],  # rows that came since the count are of the next generation
        )
        while rows := cursor.fetchmany(READ_ROWS):
            end = have + len(rows)
            ids[have:end], files[have:end], kinds[have:end] = zip(*(row[:3] for row in rows), strict=True)
            bits[have:end] = np.frombuffer(b"".join(row[3] for row in rows), np.uint8).reshape(len(rows), -1)
            have = end
        if room - len(known) > MANY_ROWS:
            cursor.execute("PRAGMA shrink_memory")  # the pages read, up to 64 MB, are not read again
    return replace(known, ids=ids[:have], files=files[:have], kinds=kinds[:have], bits=bits[:have])


def _nearest(bits: Bits, query: Bits, k: int) -> Places:
    """Places of the k rows nearest to the query by Hamming distance, nearest first."""
    k = min(k, len(bits))
    if k == 0:
        return np.empty(0, np.int64)
    if HAS_FAISS:
        _, places = _faiss().knn_hamming(query.reshape(1, -1), bits, k)
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
