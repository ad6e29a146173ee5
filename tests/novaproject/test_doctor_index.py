"""The doctor reads the search index where asked, and names the remedy."""

import json
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from embeddings.indexing import spaces
from embeddings.models import Chunk
from novaproject.setup.doctor import Level, checks
from tests.files.factories import make_file

pytestmark = pytest.mark.django_db


def test_a_whole_index_is_said_to_be_whole() -> None:
    found = {check.name: check for check in checks(read_index=True)}

    assert found["Search index"].level is Level.READY


def test_words_that_are_not_in_the_full_text_are_a_finding() -> None:
    file = make_file()
    Chunk.objects.create(file=file, source_kind="name", source_id=file.pk, ordinal=0, text="lost", content_hash="x")

    found = [check for check in checks(read_index=True) if check.name == "Search index"]

    assert found[0].level is Level.WARN
    assert "embed --repair" in found[0].remedy


def test_it_is_not_read_unless_asked() -> None:
    assert "Search index" not in {check.name for check in checks()}


def test_the_command_tells_it_as_json() -> None:
    out = StringIO()
    with suppress(SystemExit):  # other things may be missing here
        call_command("doctor", "--index", "--json", stdout=out)

    assert "Search index" in {check["name"] for check in json.loads(out.getvalue())}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EMBEDDING_PROVIDER", "word2vec", "no embedding provider named “word2vec”"),
        ("EMBEDDING_PROVIDER", "nova", "the settings ask for “nova: "),
        ("LOCAL_EMBED_MODEL_PATH", "/nowhere/my-model", "the settings ask for “local: my-model"),
    ],
)
def test_the_doctor_says_what_search_uses_and_what_the_settings_ask_for(
    settings: Any, name: str, value: str, said: str
) -> None:
    spaces.active()
    setattr(settings, name, value)

    [found] = [check for check in checks() if check.name == "Sentence model"]

    assert found.level is Level.WARN
    assert said in found.text
    assert found.remedy
