"""Whether chunks, words and vectors agree, and making them agree again. For `manage.py doctor` and `embed --repair`."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F

from embeddings.indexing import index
from embeddings.models import Chunk, Embedding, Removal, Space
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.words.registry import word_index
from jobs.bulk import sliced

#: A block of vectors with fewer live rows than this part is written together with others.
SPARSE = 0.5
#: The file is written anew when more than this part of it is empty.
EMPTY = 0.25
#: Vectors gone that other processes may still hold in memory; beyond so many they read all anew.
KEPT_REMOVALS = 100_000


@dataclass(frozen=True)
class IndexFault:
    """Something that does not agree, in plain words, and how much of it there is."""

    name: str
    count: int
    text: str


def check() -> list[IndexFault]:
    """What does not agree. Reads the whole index: seconds for a hundred thousand chunks."""
    return [fault for fault in _faults() if fault.count]


def repair() -> list[IndexFault]:
    """Make it agree, in small transactions, while search goes on. Returns what was found and mended.

    What lost its vector is embedded again by the next `embed`.
    """
    found = check()
    for file_id in list(Chunk.objects.exclude(file__removed_at=None).values_list("file_id", flat=True).distinct()):
        index.remove_file(file_id)
    if not word_index().is_sound():
        with transaction.atomic():
            word_index().rebuild()
    for space in Space.objects.all():
        if not store().problem() and store().has_table(space.pk):
            match_rows(space)
            close_gaps(space)
        prune_removals(space)
    bit_matrix.forget()
    shrink_file()
    return found


def _faults() -> Iterator[IndexFault]:
    left = Chunk.objects.exclude(file__removed_at=None).count()
    yield IndexFault("left", left, f"Chunks of files that left the library: {left:,}.")
    yield IndexFault("words", int(not word_index().is_sound()), "The word index does not say what the chunks say.")
    for space in Space.objects.all():
        if store().problem():
            continue
        stored = store().ids(space.pk) if store().has_table(space.pk) else set()
        rows = set(Embedding.objects.filter(space=space).values_list("id", flat=True))
        orphans, missing = len(stored - rows), len(rows - stored)
        yield IndexFault("orphans", orphans, f"Vectors of “{space}” that belong to nothing: {orphans:,}.")
        yield IndexFault("missing", missing, f"Chunks that have lost their vector in “{space}”: {missing:,}.")
        moved = Embedding.objects.filter(space=space).exclude(content_hash=F("chunk__content_hash")).count()
        yield IndexFault("stale", moved, f"Vectors of “{space}” that are of another text: {moved:,}.")


def match_rows(space: Space) -> None:
    """Vectors without a row go; rows without a vector, or of another text, go too, and are embedded again."""
    with transaction.atomic():
        stored = store().ids(space.pk)
        rows = set(Embedding.objects.filter(space=space).values_list("id", flat=True))
        store().delete(space.pk, sorted(stored - rows))
        stale = Embedding.objects.filter(space=space).exclude(content_hash=F("chunk__content_hash"))
        gone = (rows - stored) | set(stale.values_list("id", flat=True))
        for batch in sliced(sorted(gone)):
            index.remove_vectors(space, batch)


def close_gaps(space: Space) -> None:
    """Write the rows of sparse blocks together: an emptied block is given back to the file."""
    for batch in sliced(store().rows_of_sparse_blocks(space.pk, SPARSE)):
        with transaction.atomic():
            ids, vectors = store().fetch(space.pk, batch, space.dimension)
            store().delete(space.pk, ids)
            store().insert(space.pk, space.dimension, zip(ids, vectors, strict=True))


def prune_removals(space: Space) -> None:
    """Forget removals that nobody needs; who has not read them yet starts from nothing."""
    rows = Removal.objects.filter(space=space).order_by("-id")
    oldest_kept = rows.values_list("id", flat=True)[KEPT_REMOVALS : KEPT_REMOVALS + 1].first()
    if oldest_kept is None:
        return
    with transaction.atomic():
        Space.objects.filter(pk=space.pk).update(removals_floor=oldest_kept)
        Removal.objects.filter(space=space, id__lte=oldest_kept).delete()
        space.touch()


def shrink_file() -> None:
    """Shrink the file where much of it is empty. Not inside a transaction: SQLite writes it anew."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count")
        empty, pages = cursor.fetchone()
        if pages and empty / pages > EMPTY:
            cursor.execute("VACUUM")
