"""Fixtures of the tests of `files`."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.media import make_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of video with sound, to be copied."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=1)


@pytest.fixture
def library(folders: Path, settings: Settings) -> Path:
    """An empty folder to import from; files in it count as whole at once."""
    settings.IMPORT_SETTLE_S = 0.0
    place = folders / "library"
    place.mkdir()
    return place
