"""Four writers and eight readers at once, on one SQLite file."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from embeddings.indexing import index, spaces
from embeddings.models import Chunk, Embedding
from embeddings.searching.search import search
from embeddings.stores.registry import store
from embeddings.words.registry import word_index
from files.models import File
from tests.embeddings.conftest import add_file, say

WRITERS, READERS, ROUNDS, FILES = 4, 8, 6, 8


def generation_of(text: str) -> str:
    return next(word for word in text.split() if word.startswith("generation")).strip(".")


def lines(number: int) -> list[tuple[float, float, str]]:
    """Three far pieces, so that each file has three chunks of one generation."""
    return [(i * 100.0, i * 100.0 + 5, f"The pump hums, generation{number} part {i}.") for i in range(3)]


@pytest.mark.django_db(transaction=True)
def test_four_writers_and_eight_readers_never_meet_a_lock_or_half_a_source() -> None:
    files = [add_file(f"pump-{number}.mp4") for number in range(FILES)]
    doomed = [add_file(f"doomed-{number}.mp4") for number in range(WRITERS)]
    for file in [*files, *doomed]:
        say(file, lines(0))
        index.index_file(file)
    gone: set[int] = set()
    errors: list[BaseException] = []
    is_over = threading.Event()

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (a thread's error must fail the test)
            errors.append(error)
        finally:
            connection.close()

    def write(place: int) -> None:
        for number in range(1, ROUNDS + 1):
            for file in files[place::WRITERS]:
                transcript = file.transcripts.get()
                for segment, (_, _, text) in zip(transcript.segments.all(), lines(number), strict=True):
                    type(segment).objects.filter(pk=segment.pk).update(text=text)
                index.index_file(file, force=number % 2 == 0)
        index.remove_file(doomed[place].pk)
        File.everything.filter(pk=doomed[place].pk).update(removed_at="2026-01-01T00:00:00Z")
        gone.add(doomed[place].pk)

    def read(place: int) -> None:
        mode = ("hybrid", "keyword", "semantic")[place % 3]
        while not is_over.is_set():
            left = set(gone)
            for hit in search("pump hums", mode=mode, limit=100).results:
                assert hit.file_id not in left
            seen = Chunk.objects.filter(source_kind="transcript", file=files[place % FILES])
            assert len(seen) == 3

    readers = [threading.Thread(target=run, args=[lambda place=place: read(place)]) for place in range(READERS)]
    writers = [threading.Thread(target=run, args=[lambda place=place: write(place)]) for place in range(WRITERS)]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join(120)
    is_over.set()
    for thread in readers:
        thread.join(60)

    assert errors == []
    assert gone == {file.pk for file in doomed}
    assert word_index().is_sound()
    assert store().ids(spaces.active().pk) == set(Embedding.objects.values_list("id", flat=True))
    assert {hit.file_id for hit in search("pump hums", limit=100).results} == {file.pk for file in files}
