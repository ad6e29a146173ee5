"""Fetching a sentence model by the command, from a hub on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from embeddings.providers import text_models
from tests.transcription.hub import serving

pytestmark = pytest.mark.django_db

NAME = "multilingual-e5-small"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A repository with the three files of a model, and one that nobody needs."""
    folder = tmp_path / "published"
    folder.mkdir()
    for number, name in enumerate([*text_models.NEEDED, "README.md"]):
        (folder / name).write_bytes(json.dumps({"file": number}).encode())
    return folder


def test_the_command_fetches_a_text_model_and_says_how_to_use_it(
    folders: Path, published: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(published) as hub:
        settings.WHISPER_WEIGHTS_URL = hub.url
        call_command("download_model", NAME, kind="text")

    fetched = folders / "data" / "models" / "text" / NAME
    assert {path.name for path in fetched.iterdir()} == set(text_models.NEEDED)
    assert f"EMBEDDING_MODEL={NAME}" in capsys.readouterr().out


def test_a_damaged_file_is_refused_and_told(folders: Path, published: Path, settings: Any) -> None:
    with serving(published) as hub:
        settings.WHISPER_WEIGHTS_URL = hub.url
        hub.damaged = text_models.NEEDED[-1]
        with pytest.raises(CommandError, match="Without a network here, fetch"):
            call_command("download_model", NAME, kind="text")

    assert not (folders / "data" / "models" / "text" / NAME / text_models.NEEDED[-1]).exists()


def test_a_model_that_is_not_known_is_refused_with_those_that_are(folders: Path) -> None:
    with pytest.raises(CommandError, match=NAME):
        call_command("download_model", "no-such-model", kind="text")
