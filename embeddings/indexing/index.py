"""The verb that makes a file findable: chunks, full text and vectors, written together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.db import transaction

from embeddings.errors import ProviderUnavailableError
from embeddings.indexing import paid_vectors, spaces
from embeddings.indexing.chunks import Draft
from embeddings.indexing.sources import drafts_for, name_of
from embeddings.models import KIND_CODES, Chunk, Embedding, Removal, Space, Viewing
from embeddings.stores import vec0
from embeddings.vectors import Floats, to_bits
from embeddings.words import fts5
from files.models import File
from jobs.progress import NO_PROGRESS, Progress

#: Texts sent to the model at once; a cancel is obeyed between two.
BATCH_TEXTS = 64
#: How often the text may change under the model's hands before the rest is left for the next run.
MAX_ROUNDS = 3
Vectors = dict[str, Floats]


@dataclass(kw_only=True)
class IndexReport:
    """What indexing a file did."""

    chunks: int = 0
    added: int = 0
    removed: int = 0
    embedded: int = 0
    reused: int = 0
    waiting: int = 0

    def __str__(self) -> str:
        parts = [f"{self.chunks} {'chunk' if self.chunks == 1 else 'chunks'}", f"{self.embedded} embedded"]
        parts += [f"{self.reused} reused"] if self.reused else []
        parts += [f"{self.waiting} waiting"] if self.waiting else []
        return ", ".join(parts)


def index_file(
    file: File, *, space: Space | None = None, force: bool = False, progress: Progress = NO_PROGRESS
) -> IndexReport:
    """Bring chunks, full text and vectors of a file in line with what is known of it now.

    What did not change is kept and costs nothing. `force` makes all vectors again and swaps them in one transaction.
    Raises ProviderError, ExtensionUnavailableError, SpaceMismatchError; the words are then findable all the same.
    """
    report = index_text(file)
    space = space or spaces.active()
    vec0.require()
    vec0.create_table(space.pk, space.dimension)
    for turn in range(MAX_ROUNDS):
        is_forced = force and turn == 0
        made = _make_vectors(file, space, report, force=is_forced, progress=progress)
        _store(file, space, made, report, force=is_forced)
        if not report.waiting:
            break
    progress.update(1, str(report))
    return report


def index_text(file: File) -> IndexReport:
    """The part of it that is free and quick: chunks and words. A changed text loses its vectors here, at once.

    What was seen before, and paid for, gets its vectors here too.
    """
    with transaction.atomic():
        current = File.everything.filter(pk=file.pk).first()
        drafts = drafts_for(current) if current else []
        report = _write_chunks(current or file, drafts)
        if any(draft.seen for draft in drafts):
            report.reused += _store_seen(file.pk)
        return report


def index_name(file: File) -> None:
    """The words of its name and folders alone, for a file that has another place now."""
    with transaction.atomic():
        if file.removed_at is None:
            _write_chunks(file, [name_of(file)], kinds=[Chunk.Kind.NAME])


def remove_file(file_id: int) -> int:
    """Nothing of this file is found any more. Returns how many chunks went."""
    with transaction.atomic():
        return remove_chunks(list(Chunk.objects.filter(file_id=file_id)))


def remove_source(file_id: int, kinds: Sequence[str], source_id: int) -> int:
    """Nothing of this transcript or result is found any more. Returns how many chunks went."""
    with transaction.atomic():
        return remove_chunks(list(Chunk.objects.filter(file_id=file_id, source_kind__in=kinds, source_id=source_id)))


def remove_chunks(chunks: Sequence[Chunk]) -> int:
    """Chunks with their words and their vectors in every space. Call inside a transaction."""
    if not chunks:
        return 0
    ids = [chunk.pk for chunk in chunks]
    for space in Space.objects.all():
        remove_vectors(
            space, list(Embedding.objects.filter(chunk_id__in=ids, space=space).values_list("id", flat=True))
        )
    fts5.remove((chunk.pk, chunk.text) for chunk in chunks)
    Chunk.objects.filter(pk__in=ids)._raw_delete(using="default")  # all that hangs on them is gone already
    return len(ids)


def remove_vectors(space: Space, ids: Sequence[int]) -> None:
    """Vectors of one space, by id. Call inside a transaction."""
    if not ids:
        return
    vec0.delete(space.pk, ids)
    Removal.objects.bulk_create([Removal(space=space, embedding_id=one) for one in ids], batch_size=1000)
    Embedding.objects.filter(pk__in=ids)._raw_delete(using="default")
    space.touch()


def _write_chunks(
    file: File, drafts: Sequence[Draft], *, kinds: Sequence[str] = tuple(Chunk.Kind.values)
) -> IndexReport:
    """Replace what changed of these kinds, keep what did not: an equal chunk keeps its row, and its vectors with it."""
    wanted = {draft.identity: draft for draft in drafts}
    stored = list(Chunk.objects.filter(file_id=file.pk, source_kind__in=kinds))
    kept = {identity for identity in map(_identity, stored) if identity in wanted}
    removed = remove_chunks([chunk for chunk in stored if _identity(chunk) not in wanted])
    fresh = Chunk.objects.bulk_create(
        [_row(file, draft) for identity, draft in wanted.items() if identity not in kept], batch_size=500
    )
    fts5.add((chunk.pk, chunk.text) for chunk in fresh)
    return IndexReport(chunks=len(wanted), added=len(fresh), removed=removed)


def _store_seen(file_id: int) -> int:
    """Give what was seen its vectors, in the space that saw it. Returns how many lacked theirs."""
    lacking = Chunk.objects.filter(file_id=file_id, source_kind=Chunk.Kind.VIDEO, embeddings=None)
    chunks = [] if vec0.problem() else list(lacking.order_by("source_id", "ordinal"))
    for viewing_id, group in groupby(chunks, key=lambda chunk: chunk.source_id):
        viewing = Viewing.objects.select_related("space").get(pk=viewing_id)
        of_viewing = list(group)
        vec0.create_table(viewing.space_id, viewing.space.dimension)
        insert_vectors(viewing.space, of_viewing, viewing.matrix[[chunk.ordinal for chunk in of_viewing]])
    return len(chunks)


def _identity(chunk: Chunk) -> tuple[str, int, int, float | None, float | None, str]:
    return (chunk.source_kind, chunk.source_id, chunk.ordinal, chunk.start_s, chunk.end_s, chunk.content_hash)


def _row(file: File, draft: Draft) -> Chunk:
    return Chunk(
        file=file,
        source_kind=draft.kind,
        source_id=draft.source_id,
        ordinal=draft.ordinal,
        start_s=draft.start_s,
        end_s=draft.end_s,
        text=draft.text,
        marks=[list(mark) for mark in draft.marks],
        content_hash=draft.content_hash,
    )


def _make_vectors(file: File, space: Space, report: IndexReport, *, force: bool, progress: Progress) -> Vectors:
    """Vectors by content hash for what lacks one, outside any transaction: this is the slow (or paid) part."""
    lacking = Chunk.objects.of_text() if force else Chunk.objects.awaiting(space)
    lacking = lacking.filter(file_id=file.pk)
    texts = dict(lacking.values_list("content_hash", "text"))
    made: Vectors = {} if force else _known_vectors(space, list(texts))
    report.reused += len(made)
    todo = [content_hash for content_hash in texts if content_hash not in made]
    if not todo:
        return made
    provider = spaces.provider_of(space)
    if problem := provider.problem():
        raise ProviderUnavailableError(problem, remedy="")
    for first in range(0, len(todo), BATCH_TEXTS):
        progress.update(first / len(todo), f"{first} of {len(todo)} texts embedded")
        hashes = todo[first : first + BATCH_TEXTS]
        vectors = paid_vectors.embed(space, provider, [texts[one] for one in hashes], purpose="index", file_id=file.pk)
        made.update(zip(hashes, vectors, strict=True))
    return made


def _known_vectors(space: Space, hashes: Sequence[str]) -> Vectors:
    """Vectors of equal texts that this space has already: nothing is computed or paid twice."""
    rows = Embedding.objects.filter(space=space, content_hash__in=hashes).values_list("id", "content_hash")
    by_id = dict(rows)
    if not by_id:
        return {}
    ids, vectors = vec0.fetch(space.pk, list(by_id), space.dimension)
    return {by_id[one]: vector for one, vector in zip(ids, vectors, strict=True)}


def _store(file: File, space: Space, made: Mapping[str, Floats], report: IndexReport, *, force: bool) -> None:
    """Write the vectors of what is *now* the file's text; what changed meanwhile waits for another round."""
    with transaction.atomic():
        chunks = Chunk.objects.in_library().filter(file_id=file.pk)
        if force:
            old = Embedding.objects.filter(space=space, chunk__in=chunks, content_hash__in=list(made))
            remove_vectors(space, list(old.values_list("id", flat=True)))
        lacking = list(chunks.awaiting(space).defer("text", "marks"))
        ready = [chunk for chunk in lacking if chunk.content_hash in made]
        report.embedded += len(ready)
        report.waiting = len(lacking) - len(ready)
        if ready:
            insert_vectors(space, ready, np.stack([made[chunk.content_hash] for chunk in ready]))


def insert_vectors(space: Space, chunks: Sequence[Chunk], vectors: Floats) -> None:
    """Rows and vectors of chunks that have none in this space. Call inside a transaction."""
    bits = to_bits(vectors)
    rows = Embedding.objects.bulk_create(
        [
            Embedding(
                chunk=chunk,
                space=space,
                file_id=chunk.file_id,
                kind_code=KIND_CODES[chunk.source_kind],
                content_hash=chunk.content_hash,
                bits=bits[place].tobytes(),
            )
            for place, chunk in enumerate(chunks)
        ],
        batch_size=500,
    )
    vec0.insert(space.pk, space.dimension, ((row.pk, vectors[place]) for place, row in enumerate(rows)))
    space.touch()
