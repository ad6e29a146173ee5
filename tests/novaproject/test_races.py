"""What SQLite's one writer hides: two transactions that meet in the same rows, on a real server."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pytest
from django.db import connection, transaction

from curation import collecting
from curation.models import Collection
from embeddings.indexing import index, spaces
from embeddings.models import Chunk, Space
from embeddings.stores import bit_matrix
from embeddings.vectors import SpaceKey
from files.models import File
from jobs import queue, registry
from jobs.execution import claims
from jobs.models import Job
from tests.embeddings.conftest import make_file, words_provider  # noqa: F401  (fixtures)
from transcription import writing
from transcription.errors import SegmentReplacedError
from transcription.models import Segment, Transcript
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, correct_segment, save_transcript

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres("two writers at once")]

MakeFile = Callable[..., File]
P = ParamSpec("P")
T = TypeVar("T")


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    """Threads with a connection each, as other workers have."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def in_own_connection(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return call(*args, **kwargs)
    finally:
        connection.close()


def until_it_waits(work: Future[Any]) -> None:
    """Until what another thread does is over, or waits for a lock of ours."""
    with connection.cursor() as cursor:
        while not work.done():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return


@pytest.mark.usefixtures("words_provider")
def test_vectors_that_are_committed_late_are_found(make_file: MakeFile, others: ThreadPoolExecutor) -> None:  # noqa: F811
    space = spaces.get_or_make(SpaceKey(provider="words", model="races", dimension=64))
    file = make_file("clip.mp4")
    chunks = Chunk.objects.bulk_create(
        Chunk(file=file, source_kind="transcript", source_id=1, ordinal=n, text=f"{n}", content_hash=f"{n}")
        for n in range(2)
    )

    def insert(chunk: Chunk) -> None:
        with transaction.atomic():
            index.insert_vectors(Space.objects.get(pk=space.pk), [chunk], np.eye(64, dtype=np.float32)[:1])

    with transaction.atomic():
        insert(chunks[0])
        later = others.submit(in_own_connection, insert, chunks[1])
        until_it_waits(later)
        others.submit(in_own_connection, bit_matrix.snapshot_of, space).result()
    later.result()

    assert sorted(bit_matrix.snapshot_of(space).chunks.tolist()) == sorted(chunk.pk for chunk in chunks)


def test_a_correction_during_a_transcription_is_kept_or_refused(
    make_file: MakeFile,  # noqa: F811
    others: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = make_file("clip.mp4")
    heard = NewTranscript(provider="whisper", segments=[SpokenSegment(start_s=0, end_s=3, text="The lynx seals.")])
    save_transcript(file, heard)
    segment, corrections = Segment.objects.get(), []
    read = writing.corrected_segments

    def read_and_let_somebody_correct(transcript: Transcript, *, make_current: bool) -> list[SpokenSegment]:
        found = read(transcript, make_current=make_current)
        corrections.append(others.submit(in_own_connection, correct_segment, segment, text="The liner seals."))
        until_it_waits(corrections[0])
        return found

    monkeypatch.setattr(writing, "corrected_segments", read_and_let_somebody_correct)

    save_transcript(file, heard)

    with pytest.raises(SegmentReplacedError):
        corrections[0].result()


def test_workers_that_claim_at_once_get_a_job_each(others: ThreadPoolExecutor) -> None:
    kind = next(kind.name for kind in registry.kinds() if kind.queue == "long" and kind.limit is None)
    wanted = {queue.enqueue(kind, number).pk for number in range(4)}
    together = threading.Barrier(4)

    def claim() -> int | None:
        together.wait()
        job = claims.claim("long")
        return job.pk if job else None

    taken = [work.result() for work in [others.submit(in_own_connection, claim) for _ in range(4)]]

    assert set(taken) == wanted


def test_a_limit_holds_where_workers_claim_at_once(others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = next(kind for kind in registry.kinds() if kind.queue == "long" and kind.limit is None)
    monkeypatch.setitem(registry._kinds, kind.name, kind.__class__(**{**vars(kind), "limit": lambda: 1}))
    for number in range(4):
        queue.enqueue(kind.name, number)
    together = threading.Barrier(4)

    def claim() -> Job | None:
        together.wait()
        return claims.claim("long")

    taken = [work.result() for work in [others.submit(in_own_connection, claim) for _ in range(4)]]

    assert sum(job is not None for job in taken) == 1


def test_two_that_index_one_file_make_each_chunk_once(make_file: MakeFile, others: ThreadPoolExecutor) -> None:  # noqa: F811
    file = make_file("clip.mp4")

    with transaction.atomic():
        index.index_text(file)
        other = others.submit(in_own_connection, index.index_text, file)
        until_it_waits(other)
    other.result()

    assert Chunk.objects.filter(file=file, source_kind="name").count() == 1


def test_two_that_add_to_a_collection_come_one_after_the_other(
    make_file: MakeFile,  # noqa: F811
    others: ThreadPoolExecutor,
) -> None:
    collection = Collection.objects.create(name="Best of")
    files = [make_file(f"{name}.mp4") for name in "ab"]

    with transaction.atomic():
        collecting.add_item(collection, files[0])
        other = others.submit(in_own_connection, collecting.add_item, collection, files[1])
        until_it_waits(other)
    other.result()

    assert list(collection.items.order_by("n").values_list("n", "position")) == [(1, 0), (2, 1)]


def test_nul_never_reaches_a_column(make_file: MakeFile) -> None:  # noqa: F811
    file = make_file("clip.mp4")
    file.metadata = {"title": "a\0b", "\0tags": ["\0", 1]}
    file.name = "c\0lip.mp4"
    file.save()

    file.refresh_from_db()

    assert (file.name, file.metadata) == ("clip.mp4", {"title": "ab", "tags": ["", 1]})
    assert File.objects.filter(name="clip\0.mp4").exists()
