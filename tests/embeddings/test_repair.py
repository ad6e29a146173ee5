"""Spaces side by side, and an index that can be checked and mended."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bedrock.models import CatalogueModel
from embeddings import registry
from embeddings.indexing import index, repair, spaces
from embeddings.models import Chunk, Embedding, PaidVector, Removal, SavedQuery, Space
from embeddings.searching.compare import compare
from embeddings.searching.search import search
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from embeddings.stores.vec0 import ROWS_PER_CHUNK
from embeddings.words.registry import word_index
from files.models import File
from tests.embeddings.conftest import MakeFile, add_file, say, vector_count

LINES = [(0.0, 3.0, "The pond loses water."), (60.0, 64.0, "There is a leak at the liner seam.")]


@pytest.fixture
def file(make_file: MakeFile) -> File:
    file = make_file("pond.mp4")
    say(file, LINES)
    index.index_file(file)
    return file


def names() -> set[str]:
    return {finding.name for finding in repair.check()}


def test_a_sound_index_has_nothing_to_say(file: File) -> None:
    assert repair.check() == []
    assert repair.repair() == []


def test_words_that_got_lost_come_back(file: File) -> None:
    word_index().remove(Chunk.objects.values_list("id", "text")[:1])
    assert names() == {"words"}

    repair.repair()

    assert repair.check() == []


def test_vectors_of_nothing_go_and_lost_ones_are_made_again(file: File) -> None:
    space = spaces.active()
    first, second, third = Embedding.objects.order_by("id")
    store().delete(space.pk, [first.pk])
    Embedding.objects.filter(pk=second.pk)._raw_delete(using="default")
    Embedding.objects.filter(pk=third.pk).update(content_hash="another")
    assert names() == {"orphans", "missing", "stale"}

    repair.repair()

    assert repair.check() == []
    assert Embedding.objects.count() == vector_count(space.pk) == 0
    assert index.index_file(file).embedded == 3


def test_chunks_of_a_file_that_left_go(file: File) -> None:
    file.mark_removed()
    assert names() == {"left"}

    repair.repair()

    assert not Chunk.objects.exists()


@pytest.mark.sqlite("blocks of vec0")
def test_sparse_blocks_are_written_together(make_file: MakeFile) -> None:
    space = spaces.active()
    file = make_file("long.mp4")
    say(file, [(i * 60.0, i * 60.0 + 5, f"Sentence number {i}.") for i in range(200)])
    index.index_file(file)
    ids = list(Embedding.objects.order_by("id").values_list("id", flat=True))
    index.remove_vectors(space, [one for place, one in enumerate(ids) if place % 4])

    repair.repair()

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM vec_space_{space.pk}_chunks")
        assert cursor.fetchone()[0] <= len(store().ids(space.pk)) // ROWS_PER_CHUNK + 1
    assert store().ids(space.pk) == set(Embedding.objects.values_list("id", flat=True))
    assert search("Sentence number 199.", mode="semantic").results or search("number 0", mode="semantic").results


def test_old_removals_are_forgotten_and_who_missed_them_reads_anew(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    space = spaces.active()
    bit_matrix.snapshot_of(space)
    held = dict(bit_matrix._snapshots)
    index.index_file(file, force=True)
    monkeypatch.setattr(repair, "KEPT_REMOVALS", 1)

    repair.repair()
    bit_matrix._snapshots.update(held)

    assert Removal.objects.count() == 1
    assert bit_matrix.snapshot_of(space).ids.tolist() == sorted(store().ids(space.pk))


def test_the_command_checks_and_mends(file: File) -> None:
    out = StringIO()
    call_command("embed", "--check", stdout=out)
    assert "agree" in out.getvalue()
    store().delete(spaces.active().pk, list(Embedding.objects.values_list("id", flat=True))[:1])

    with pytest.raises(CommandError, match="--repair"):
        call_command("embed", "--check", stdout=StringIO())
    call_command("embed", "--repair", "--json", stdout=(mended := StringIO()))

    assert json.loads(mended.getvalue())[0]["name"] == "missing"


@pytest.fixture
def other_space(file: File, settings: Any) -> Space:
    spaces.active()
    settings.EMBEDDING_PROVIDER = "paid"
    return spaces.get_or_make(registry.default_key())


def test_a_new_space_is_built_while_the_old_one_answers(file: File, other_space: Space) -> None:
    first = spaces.active()

    index.index_file(file, space=other_space)

    assert spaces.active() == first
    assert vector_count(first.pk) == vector_count(other_space.pk) == 3
    assert Chunk.objects.count() == 3
    assert len(search("leak", mode="keyword").results) == 1


def test_an_empty_space_is_not_switched_to_and_says_so_where_it_is(file: File, other_space: Space) -> None:
    with pytest.raises(CommandError, match="is empty"):
        call_command("embed", "--switch", str(other_space.pk))
    spaces.switch_to(other_space)

    answer = search("leak")

    assert [hit.file_id for hit in answer.results] == [file.pk]
    assert "nothing is embedded yet" in answer.notice
    assert not PaidVector.objects.exists()


def test_a_switch_holds_at_once_and_can_be_taken_back(file: File, other_space: Space) -> None:
    first = spaces.active()
    index.index_file(file, space=other_space)

    spaces.switch_to(other_space)
    assert search("There is a leak at the liner seam.", mode="semantic").results
    spaces.switch_to(first)

    assert spaces.active() == first
    assert search("There is a leak at the liner seam.", mode="semantic").results


def test_comparing_with_a_paid_space_says_the_price_and_needs_a_yes(
    file: File, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    SavedQuery.objects.bulk_create([SavedQuery(text="leak at the liner seam"), SavedQuery(text="good morning")])
    free, settings.EMBEDDING_PROVIDER = spaces.active(), "paid"
    paid = spaces.get_or_make(registry.default_key())
    index.index_file(file, space=paid)
    price = {"*": {"as_of": "", "source": "", "realtime": {"input_per_1k": "0.1"}}}
    facts = {"prices": price, "direct_regions": ["*"], "as_of": "2026-11-22"}
    CatalogueModel.objects.create(
        key="bag", name="Bag", purpose="embedding", model_id="bag", modes=["realtime"], **facts
    )
    asked = ["embed", "--compare", str(free.pk), str(paid.pk)]

    with pytest.raises(CommandError, match=r"2 questions to paid models cost up to \$0\.0017"):
        call_command(*asked)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: "no")
    with pytest.raises(CommandError, match="Nothing was spent"):
        call_command(*asked)
    assert not PaidVector.objects.filter(purpose="query").exists()
    call_command(*asked, "--yes", stdout=StringIO())
    assert PaidVector.objects.filter(purpose="query").count() == 2
    monkeypatch.setattr("builtins.input", lambda: pytest.fail("what is paid already costs nothing"))
    call_command(*asked, stdout=(told := StringIO()))
    assert "of" in told.getvalue()


def test_two_spaces_are_compared_on_saved_queries(file: File, other_space: Space) -> None:
    first = spaces.active()
    SavedQuery.objects.create(text="There is a leak at the liner seam.")

    [row] = compare(first, other_space)

    assert row.first == ["pond.mp4 at 60 s"]
    assert row.second == []
    assert (row.shared, row.most) == (0, 1)
    out = StringIO()
    call_command("embed", "--compare", str(first.pk), str(other_space.pk), stdout=out)
    assert "0 of 1 the same" in out.getvalue()
    call_command("embed", "--compare", str(first.pk), str(first.pk), "--json", stdout=(told := StringIO()))
    assert json.loads(told.getvalue())[0]["question"] == "There is a leak at the liner seam."


@pytest.mark.sqlite("the size of the file")
@pytest.mark.django_db(transaction=True)
def test_deleting_gives_space_back() -> None:
    file = add_file("long.mp4")
    say(file, [(i * 60.0, i * 60.0 + 5, f"Sentence number {i}. " + "And so on. " * 20) for i in range(1500)])
    index.index_file(file)
    full = page_count()
    index.remove_file(file.pk)
    file.transcripts.all().delete()

    repair.repair()

    assert page_count() < full * 0.7


def page_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        return int(cursor.fetchone()[0])
