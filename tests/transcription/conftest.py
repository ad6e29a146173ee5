"""Checkpoints are written once a run: they are the same for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.transcription.checkpoints import write_faster_whisper
from transcription.providers import whisper_run

#: What the checkpoint says in each window of 30 s.
SAID = [(0.0, 2.5, "Ask not what your country"), (2.5, 6.0, "can do for you")]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with `base` (English) and `small` (German, int8)."""
    folder = tmp_path_factory.mktemp("whisper")
    write_faster_whisper(folder / "faster-whisper-base", SAID)
    write_faster_whisper(folder / "faster-whisper-small", SAID, language="de", quantization="int8")
    return folder


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoints are tiny: more threads only wait for each other, long where other tests run beside."""
    monkeypatch.setattr(settings, "LONG_WORKERS", 1024)


@pytest.fixture
def nothing_in_memory() -> Iterator[None]:
    whisper_run.loaded_models.clear()
    yield
    whisper_run.loaded_models.clear()
