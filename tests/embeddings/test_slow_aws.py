"""A search that asks AWS answers by words with a notice after a few seconds, whatever AWS does."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import LazySettings
from django.test import Client

from bedrock import patience
from bedrock.models import Entry
from bedrock.pricing import Usage
from embeddings.indexing import index, paid_vectors, spaces
from embeddings.indexing.index import index_file
from embeddings.models import Chunk
from embeddings.searching import seen
from embeddings.searching.search import search
from embeddings.vectors import Floats, Purpose
from files.models import File
from tests.embeddings.conftest import MakeFile, say
from tests.embeddings.fakes import PaidWordsProvider

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, make_file: MakeFile) -> Iterator[threading.Event]:
    """A library in a paid space, whose questions AWS answers when this is set."""
    settings.EMBEDDING_PROVIDER = "paid"
    file = make_file("friday.mp4")
    say(file, [(0.0, 4.0, "the leak at the liner seam")])
    index_file(file)
    PaidWordsProvider.asked.clear()
    comes, plain = threading.Event(), PaidWordsProvider.embed_one

    def embed_one(self: PaidWordsProvider, text: str, *, purpose: Purpose) -> tuple[Floats, Usage]:
        if purpose == "query":
            assert comes.wait(60)
        return plain(self, text, purpose=purpose)

    monkeypatch.setattr(PaidWordsProvider, "embed_one", embed_one)
    monkeypatch.setattr(paid_vectors, "QUERY_S", 0.01)
    monkeypatch.setattr(patience, "_begun", {})
    yield comes
    comes.set()


def test_words_answer_with_a_notice(answer: threading.Event, admin_client: Client) -> None:
    found = search("leak")

    assert [hit.file_name for hit in found.results] == ["friday.mp4"]
    assert "AWS has not answered" in found.notice
    assert "Ask again in a minute" in found.notice
    assert admin_client.get("/api/search", {"q": "leak", "mode": "semantic"}).status_code == 504


def test_nobody_waits_twice_where_the_same_model_sees_too(answer: threading.Event) -> None:
    space, file = spaces.active(), File.objects.get()
    space.holds_pictures = True
    space.save(update_fields=["holds_pictures"])
    spaces.use_for_pictures(space)
    chunk = Chunk.objects.create(file=file, source_kind=Chunk.Kind.SEEN, source_id=file.pk, ordinal=0, text="")
    index.insert_vectors(space, [chunk], np.ones((1, space.dimension), np.float32) / np.sqrt(space.dimension))
    assert seen.space_in_use() == space

    found = search("leak")

    assert "AWS has not answered" in found.notice
    assert "What is seen" not in found.notice


def test_what_comes_late_is_kept_for_who_asks_again_and_asked_once(
    answer: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        assert "AWS has not answered" in search("leak").notice
    answer.set()
    monkeypatch.setattr(paid_vectors, "QUERY_S", 60.0)

    assert "AWS" not in search("leak").notice
    assert [text for purpose, text in PaidWordsProvider.asked if purpose == "query"] == ["leak"]
    states = Entry.objects.filter(holder__startswith=f"embed:{spaces.active().pk}:query").values_list(
        "state", flat=True
    )
    assert sorted(states) == ["possibly_paid", "settled"]


def test_an_error_of_the_call_is_the_searchers_own(answer: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: PaidWordsProvider, text: str, *, purpose: Purpose) -> tuple[Floats, Usage]:
        raise TimeoutError("the call's own")

    monkeypatch.setattr(PaidWordsProvider, "embed_one", broken)
    monkeypatch.setattr(paid_vectors, "QUERY_S", 60.0)

    with pytest.raises(TimeoutError, match="the call's own"):
        search("leak", mode="semantic")
    answer.set()
