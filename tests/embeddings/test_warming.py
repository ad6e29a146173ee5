"""The first question of a process waits for nothing that could have been loaded before."""

import threading

import pytest
from django.conf import LazySettings

from embeddings.errors import ProviderUnavailableError
from embeddings.indexing import spaces
from embeddings.searching import warming
from embeddings.stores import bit_matrix
from novaproject.web.run import Visitors
from tests.embeddings.conftest import MakeFile, say
from tests.embeddings.fakes import WordsProvider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def connection_of_the_test(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The thread closes its own connection; here it would be the test's."""
    closed: list[str] = []
    monkeypatch.setattr("embeddings.searching.warming.connection.close", lambda: closed.append("closed"))
    return closed


def test_model_and_signs_are_loaded_and_the_connection_is_given_back(
    make_file: MakeFile, connection_of_the_test: list[str]
) -> None:
    from embeddings.indexing.index import index_file

    file = make_file()
    say(file, [(0.0, 4.0, "the leak")])
    index_file(file)
    bit_matrix.forget()
    WordsProvider.asked.clear()

    warming.warm()

    assert [purpose for purpose, _ in WordsProvider.asked] == ["query"]
    assert bit_matrix.place_of(spaces.active()) in bit_matrix._snapshots
    assert connection_of_the_test == ["closed"]


def test_a_paid_model_is_not_asked(settings: LazySettings) -> None:
    settings.EMBEDDING_PROVIDER = "paid"

    warming.warm()

    assert WordsProvider.asked == []


def test_what_lacks_is_not_told_before_somebody_asks(
    caplog: pytest.LogCaptureFixture, connection_of_the_test: list[str]
) -> None:
    WordsProvider.failing = ProviderUnavailableError("There are no weights.", remedy="Fetch them.")

    warming.warm()

    assert [record.levelname for record in caplog.records] in ([], ["INFO"])

    assert connection_of_the_test == ["closed"]


def test_search_is_made_ready_when_somebody_comes_and_anew_after_the_model_went() -> None:
    begun: list[str] = []
    ready = threading.Event()

    def warm() -> None:
        begun.append("warm")
        ready.set()

    visitors = Visitors(lambda environ, start_response: [b"a page"], warm)
    visitors({"PATH_INFO": "/api/health"}, lambda *_: None)
    assert begun == []
    for _ in range(3):
        assert visitors({"PATH_INFO": "/"}, lambda *_: None) == [b"a page"]
    assert ready.wait(60)
    assert begun == ["warm"]

    ready.clear()
    visitors.are_expected.set()
    visitors({"PATH_INFO": "/library/"}, lambda *_: None)
    assert ready.wait(60)
    assert begun == ["warm", "warm"]
