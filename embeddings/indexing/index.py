"""The verb that makes a file findable: chunks, full text and vectors, written together."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef

from embeddings.errors import ProviderUnavailableError
from embeddings.indexing import paid_vectors, spaces
from embeddings.indexing.sources import EVERYTHING, drafts_for
from embeddings.models import KIND_CODES, Chunk, Embedding, PaidVector, Removal, Space, Viewing
from embeddings.stores.registry import store
from embeddings.vectors import Floats, to_bits
from embeddings.words.registry import word_index
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
    return _embed_chunks(file, space, report, force=force, progress=progress)


def embed_file(file: File, *, space: Space | None = None, progress: Progress = NO_PROGRESS) -> IndexReport:
    """Give the chunks of a file the vectors that they lack. Its text is chunked only where that never was done.

    Whatever changes a text chunks it again at once, so that this need not. Raises as `index_file` does.
    """
    count = Chunk.objects.filter(file_id=file.pk).count()
    report = IndexReport(chunks=count) if count else index_text(file)
    return _embed_chunks(file, space, report, force=False, progress=progress)


def _embed_chunks(
    file: File, space: Space | None, report: IndexReport, *, force: bool, progress: Progress
) -> IndexReport:
    space = space or spaces.active()
    store().require()
    store().create_table(space.pk, space.dimension)
    for turn in range(MAX_ROUNDS):
        is_forced = force and turn == 0
        vectors = _make_vectors(file, space, report, force=is_forced, progress=progress)
        with transaction.atomic():  # of what is *now* the file's text; what changed meanwhile waits for another round
            File.everything.hold(file.pk)
            chunks = Chunk.objects.in_library().filter(file_id=file.pk)
            if is_forced:
                old = Embedding.objects.filter(space=space, chunk__in=chunks, content_hash__in=list(vectors))
                remove_vectors(space, list(old.values_list("id", flat=True)))
            lacking = list(chunks.awaiting(space).defer("text", "marks"))
            ready = [chunk for chunk in lacking if chunk.content_hash in vectors]
            report.embedded += len(ready)
            report.waiting = len(lacking) - len(ready)
            if ready:
                insert_vectors(space, ready, np.stack([vectors[chunk.content_hash] for chunk in ready]))
        if not report.waiting:
            break
    progress.update(1, str(report))
    return report


def index_text(file: File, *, kinds: Collection[str] = EVERYTHING) -> IndexReport:
    """The part of it that is free and quick: chunks and words of these kinds. A changed text loses its vectors at once.

    An equal chunk keeps its row, and its vectors with it. A media embedding that is on record, and paid for, gives its
    vectors here too. A file without a name was never looked at (its news was lost): then all kinds are made.
    """
    with transaction.atomic():
        File.everything.hold(file.pk)
        if not Chunk.objects.filter(file_id=file.pk, source_kind=Chunk.Kind.NAME).exists():
            kinds = EVERYTHING
        current = File.everything.filter(pk=file.pk).first()
        drafts = drafts_for(current, kinds) if current else []
        wanted = {draft.identity: draft for draft in drafts}
        stored = {
            (
                chunk.source_kind,
                chunk.source_id,
                chunk.ordinal,
                chunk.start_s,
                chunk.end_s,
                chunk.content_hash,
            ): chunk
            for chunk in Chunk.objects.filter(file_id=file.pk, source_kind__in=kinds)
        }
        removed = remove_chunks([chunk for identity, chunk in stored.items() if identity not in wanted])
        fresh = Chunk.objects.bulk_create(
            [
                Chunk(
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
                for identity, draft in wanted.items()
                if identity not in stored
            ],
            batch_size=500,
        )
        word_index().add((chunk.pk, chunk.text) for chunk in fresh)
        report = IndexReport(chunks=len(wanted), added=len(fresh), removed=removed)
        if any(draft.media for draft in drafts):
            report.reused += _store_media(file.pk) + _store_paid_frames(file.pk)
        return report


def remove_file(file_id: int) -> int:
    """Nothing of this file is found any more. Returns how many chunks went."""
    with transaction.atomic():
        File.everything.hold(file_id)
        return remove_chunks(list(Chunk.objects.filter(file_id=file_id)))


def remove_source(file_id: int, kinds: Sequence[str], source_id: int) -> int:
    """Nothing of this transcript or result is found any more. Returns how many chunks went."""
    with transaction.atomic():
        File.everything.hold(file_id)
        return remove_chunks(list(Chunk.objects.filter(file_id=file_id, source_kind__in=kinds, source_id=source_id)))


def remove_chunks(chunks: Sequence[Chunk]) -> int:
    """Chunks with their words and their vectors in every space. Call inside a transaction."""
    if not chunks:
        return 0
    ids = [chunk.pk for chunk in chunks]
    for space in Space.objects.order_by("pk"):
        remove_vectors(
            space, list(Embedding.objects.filter(chunk_id__in=ids, space=space).values_list("id", flat=True))
        )
    word_index().remove((chunk.pk, chunk.text) for chunk in chunks)
    Chunk.objects.filter(pk__in=ids)._raw_delete(using="default")  # all that hangs on them is gone already
    return len(ids)


def remove_vectors(space: Space, ids: Sequence[int]) -> None:
    """Vectors of one space, by id. Call inside a transaction."""
    if not ids:
        return
    space.hold()
    store().delete(space.pk, ids)
    Removal.objects.bulk_create([Removal(space=space, embedding_id=pk) for pk in ids], batch_size=1000)
    Embedding.objects.filter(pk__in=ids)._raw_delete(using="default")
    space.touch()


def _store_media(file_id: int) -> int:
    """Give pieces of a media embedding their vectors, each in its own space. Returns how many lacked theirs."""
    lacking = Chunk.objects.filter(file_id=file_id, source_kind=Chunk.Kind.VIDEO, embeddings=None)
    chunks = [] if store().problem() else list(lacking.order_by("source_id", "ordinal"))
    for viewing_id, group in groupby(chunks, key=lambda chunk: chunk.source_id):
        viewing = Viewing.objects.select_related("space").get(pk=viewing_id)
        of_viewing = list(group)
        store().create_table(viewing.space_id, viewing.space.dimension)
        insert_vectors(viewing.space, of_viewing, viewing.matrix[[chunk.ordinal for chunk in of_viewing]])
    return len(chunks)


def _store_paid_frames(file_id: int) -> int:
    """Give frames the vectors that were paid for before: of the frame, or of the picture that is its file's only one.
    Returns how many lacked theirs.
    """
    chunks = list(Chunk.objects.filter(file_id=file_id, source_kind=Chunk.Kind.SEEN))
    if not chunks or store().problem():
        return 0
    paid_for = PaidVector.objects.filter(purpose=PaidVector.Purpose.FRAME, space=OuterRef("pk"))
    seen = Viewing.objects.filter(state=Viewing.State.DONE, space=OuterRef("pk"))
    count = 0
    for space in Space.objects.filter(Exists(paid_for) | Exists(seen)):
        known = paid_vectors.known_pictures(space, [chunk.content_hash for chunk in chunks])
        picture = Viewing.objects.filter(
            space=space, state=Viewing.State.DONE, content_hash=chunks[0].file.full_hash or "-"
        ).first()
        if picture is not None and chunks[0].file.media_type == File.MediaType.IMAGE:
            known[chunks[0].content_hash] = picture.matrix[0]
        awaiting = Chunk.objects.awaiting_pictures(space).filter(file_id=file_id)
        ready = [chunk for chunk in awaiting if chunk.content_hash in known]
        if ready:
            store().create_table(space.pk, space.dimension)
            insert_vectors(space, ready, np.stack([known[chunk.content_hash] for chunk in ready]))
        count += len(ready)
    return count


def _make_vectors(file: File, space: Space, report: IndexReport, *, force: bool, progress: Progress) -> Vectors:
    """Vectors by content hash for what lacks one, outside any transaction: this is the slow (or paid) part."""
    lacking = Chunk.objects.of_text() if force else Chunk.objects.awaiting(space)
    lacking = lacking.filter(file_id=file.pk)
    texts = dict(lacking.values_list("content_hash", "text"))
    made: Vectors = {}
    if not force:
        made = known_vectors(space, texts)
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
        batch = [texts[content_hash] for content_hash in hashes]
        vectors = paid_vectors.embed(space, provider, batch, purpose="index", file_id=file.pk)
        made.update(zip(hashes, vectors, strict=True))
    return made


def known_vectors(space: Space, content_hashes: Iterable[str]) -> Vectors:
    """Vectors that this space has of equal content already, by its hash: nothing is computed or paid twice."""
    rows = Embedding.objects.filter(space=space, content_hash__in=list(content_hashes))
    hashes_by_id = dict(rows.values_list("id", "content_hash"))
    ids, vectors = store().fetch(space.pk, list(hashes_by_id), space.dimension)
    return {hashes_by_id[pk]: vector for pk, vector in zip(ids, vectors, strict=True)}


def insert_vectors(space: Space, chunks: Sequence[Chunk], vectors: Floats) -> None:
    """Rows and vectors of chunks that have none in this space. Call inside a transaction."""
    bits = to_bits(vectors)
    space.hold()
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
    store().insert(space.pk, space.dimension, ((row.pk, vectors[place]) for place, row in enumerate(rows)))
    space.touch()
