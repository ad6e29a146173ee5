"""Indexing: what is findable is what is known of a file now, and nothing is computed twice."""

import numpy as np
import pytest
from django.db import transaction

from embeddings.errors import ProviderError, ProviderUnavailableError, SpaceMismatchError
from embeddings.indexing import index, spaces
from embeddings.models import Chunk, Embedding, Removal, Space
from embeddings.stores.registry import store
from embeddings.vectors import Floats
from embeddings.words.query import WordFilter, WordQuery, parse
from embeddings.words.registry import word_index
from jobs.errors import Cancelled
from tests.embeddings.conftest import MakeFile, say, vector_count
from tests.embeddings.fakes import WordsProvider
from transcription.models import Segment

LINES = [(0.0, 4.0, "That is a leak at the liner seam."), (60.0, 64.0, "We patch it with rubber.")]


def texts() -> list[str]:
    return list(Chunk.objects.order_by("source_kind", "ordinal").values_list("text", flat=True))


def test_a_file_is_found_by_its_name_and_by_what_is_said(make_file: MakeFile) -> None:
    file = make_file("leak-hunt.mp4", folder="2026")
    say(file, LINES)

    report = index.index_file(file)

    assert (report.chunks, report.embedded, report.waiting) == (3, 3, 0)
    assert texts() == [
        "leak-hunt.mp4 · leak hunt · 2026",
        "That is a leak at the liner seam.",
        "We patch it with rubber.",
    ]
    assert vector_count(spaces.active().pk) == Embedding.objects.count() == 3
    assert word_index().is_sound()


def test_a_second_run_keeps_all_and_asks_for_nothing(make_file: MakeFile) -> None:
    file = make_file()
    say(file, LINES)
    index.index_file(file)
    before = list(Embedding.objects.values_list("id", "chunk_id"))
    WordsProvider.asked.clear()

    report = index.index_file(file)

    assert (report.added, report.removed, report.embedded) == (0, 0, 0)
    assert WordsProvider.asked == []
    assert list(Embedding.objects.values_list("id", "chunk_id")) == before


def test_a_changed_segment_replaces_its_chunk_alone(make_file: MakeFile) -> None:
    file = make_file()
    say(file, LINES)
    index.index_file(file)
    WordsProvider.asked.clear()

    Segment.objects.filter(index=1).update(text="We patch it with EPDM.")
    report = index.index_file(file)

    assert (report.added, report.removed, report.embedded) == (1, 1, 1)
    assert WordsProvider.asked == [("index", "We patch it with EPDM.")]
    assert vector_count(spaces.active().pk) == Embedding.objects.count() == 3
    assert Removal.objects.count() == 1
    assert word_index().is_sound()


def test_the_same_text_elsewhere_is_not_computed_again(make_file: MakeFile) -> None:
    first, second = make_file("a.mp4"), make_file("b.mp4")
    say(first, LINES)
    say(second, LINES)
    index.index_file(first)
    WordsProvider.asked.clear()

    report = index.index_file(second)

    assert report.reused == 2
    assert [text for _, text in WordsProvider.asked] == ["b.mp4 · b"]
    one, other = (_vector(file.pk, "That is a leak at the liner seam.") for file in (first, second))
    assert np.allclose(one, other)


def _vector(file_id: int, text: str) -> Floats:
    row = Embedding.objects.get(file_id=file_id, chunk__text=text)
    vector: Floats = store().fetch(row.space_id, [row.pk], 64)[1][0]
    return vector


def test_force_makes_every_vector_again_in_one_go(make_file: MakeFile) -> None:
    file = make_file()
    say(file, LINES)
    index.index_file(file)
    space = spaces.active()
    old, generation = set(Embedding.objects.values_list("id", flat=True)), space.generation

    report = index.index_file(file, force=True)

    assert report.embedded == 3
    assert old.isdisjoint(Embedding.objects.values_list("id", flat=True))
    assert store().ids(space.pk) == set(Embedding.objects.values_list("id", flat=True))
    assert Space.objects.get(pk=space.pk).generation > generation


def test_force_that_fails_leaves_the_old_vectors(make_file: MakeFile) -> None:
    file = make_file()
    index.index_file(file)
    old = list(Embedding.objects.values_list("id", flat=True))
    WordsProvider.failing = ProviderError("Away.", retryable=True)

    with pytest.raises(ProviderError, match="Away"):
        index.index_file(file, force=True)

    assert list(Embedding.objects.values_list("id", flat=True)) == old


def test_without_the_model_the_words_are_findable_all_the_same(make_file: MakeFile) -> None:
    file = make_file("leak.mp4")
    WordsProvider.missing = "Its weights are not there."

    with pytest.raises(ProviderUnavailableError, match="weights"):
        index.index_file(file)

    assert list(word_index().best(WordQuery(parse("leak").terms), WordFilter(), limit=5)) == [Chunk.objects.get().pk]
    assert spaces.waiting_count(spaces.active()) == 1


def test_another_transcript_takes_the_place_of_the_old_one(make_file: MakeFile) -> None:
    file = make_file()
    say(file, LINES)
    index.index_file(file)

    say(file, [(0, 3, "Something else is said.")], provider="whisper")
    index.index_file(file)

    assert texts()[1:] == ["Something else is said."]
    assert word_index().best(WordQuery(parse("liner").terms), WordFilter(), limit=5) == {}
    assert vector_count(spaces.active().pk) == 2


def test_a_file_that_left_is_not_found_any_more(make_file: MakeFile) -> None:
    file = make_file()
    say(file, LINES)
    index.index_file(file)

    assert index.remove_file(file.pk) == 3

    assert not Chunk.objects.exists()
    assert not Embedding.objects.exists()
    assert vector_count(spaces.active().pk) == 0
    assert word_index().is_sound()


def test_a_removed_file_gets_no_chunks(make_file: MakeFile) -> None:
    file = make_file()
    file.mark_removed()

    assert index.index_text(file).chunks == 0
    assert not Chunk.objects.exists()


def test_a_source_can_go_alone(make_file: MakeFile) -> None:
    file = make_file()
    transcript = say(file, LINES)
    index.index_file(file)

    assert index.remove_source(file.pk, [Chunk.Kind.TRANSCRIPT], transcript.pk) == 2

    assert texts() == ["clip.mp4 · clip"]


def test_a_rollback_takes_words_and_vectors_back(make_file: MakeFile) -> None:
    file = make_file()
    index.index_file(file)
    space = spaces.active()

    def change_ones_mind() -> None:
        with transaction.atomic():
            index.remove_file(file.pk)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_ones_mind()

    assert vector_count(space.pk) == Embedding.objects.count() == 1
    assert word_index().is_sound()


def test_a_cancel_between_two_calls_is_obeyed(make_file: MakeFile) -> None:
    class Stop:
        def update(self, fraction: float, message: str = "") -> None:
            raise Cancelled

        def check(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        index.index_file(make_file(), progress=Stop())

    assert not Embedding.objects.exists()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (np.ones((1, 63), np.float32), SpaceMismatchError),
        (np.full((1, 64), np.nan, np.float32), ProviderError),
        (np.ones((2, 64), np.float32), ProviderError),
    ],
)
def test_a_wrong_answer_of_the_model_is_refused(make_file: MakeFile, answer: Floats, error: type[Exception]) -> None:
    WordsProvider.answer = answer

    with pytest.raises(error):
        index.index_file(make_file())

    assert not Embedding.objects.exists()


def test_a_vector_of_another_width_never_reaches_the_table(db: None) -> None:
    space = spaces.active()

    with pytest.raises(SpaceMismatchError, match="63"):
        store().insert(space.pk, 64, [(1, np.ones(63, np.float32))])
    with pytest.raises(SpaceMismatchError):
        store().insert(space.pk, 64, [(1, np.full(64, np.nan, np.float32))])

    assert store().ids(space.pk) == set()


def test_a_model_that_changed_behind_its_name_is_refused(make_file: MakeFile) -> None:
    index.index_file(make_file("a.mp4"))
    WordsProvider.print_ = "words-2"

    with pytest.raises(SpaceMismatchError, match="not the one"):
        index.index_file(make_file("b.mp4"))
