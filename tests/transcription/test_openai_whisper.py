"""openai-whisper's own load and decode path, where it is installed: the light requirements leave it out."""

import hashlib
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (the light requirements)")
whisper = pytest.importorskip("whisper", reason="openai-whisper is not installed (the light requirements)")

from jobs.progress import NO_PROGRESS  # noqa: E402
from tests.transcription.checkpoints import write_openai_whisper  # noqa: E402
from tests.transcription.conftest import SAID  # noqa: E402
from tests.transcription.hub import serving  # noqa: E402
from tests.transcription.voices import silence, voice, write_wav  # noqa: E402
from transcription.errors import UnknownLanguageError, WeightsDamagedError  # noqa: E402
from transcription.providers import engines  # noqa: E402
from transcription.providers.base import EngineRequest  # noqa: E402
from transcription.providers.whisper import WhisperProvider  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and its friends warn of their own affairs


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openai")
    write_openai_whisper(folder / "base.pt", SAID)
    write_openai_whisper(folder / "small.pt", SAID, language="de")
    return folder


@pytest.fixture
def provider(checkpoints: Path) -> WhisperProvider:
    return WhisperProvider(model="base", model_dir=checkpoints, device="cpu", threads=1)


def test_it_is_chosen_where_only_its_weights_are_there(provider: WhisperProvider, tmp_path: Path) -> None:
    talk = write_wav(tmp_path / "talk.wav", voice(6))

    result = provider.transcribe(talk, EngineRequest(duration_s=6.0), NO_PROGRESS)
    segments = list(result.segments)

    assert (result.engine, result.model, result.language) == ("openai-whisper", "base", "en")
    assert [s.text.strip() for s in segments] == ["Ask not what your country", "can do for you"]
    assert len([word for s in segments for word in s.words]) == 9
    assert all(type(w.start_s) is float and w.start_s <= w.end_s for s in segments for w in s.words)
    assert all(s.confidence is not None and s.confidence > 0.9 for s in segments)


def test_language_blocks_and_nothing_at_all(
    provider: WhisperProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.OpenAIWhisper, "block_s", 8.0)
    long = write_wav(tmp_path / "long.wav", voice(6), silence(1), voice(6))

    german = provider.transcribe(long, EngineRequest(model="small"), NO_PROGRESS)
    nothing = provider.transcribe(write_wav(tmp_path / "none.wav"), EngineRequest(), NO_PROGRESS)

    assert len(list(german.segments)) == 4
    assert german.language == "de"
    assert list(nothing.segments) == []
    with pytest.raises(UnknownLanguageError):
        list(provider.transcribe(long, EngineRequest(language="tlh"), NO_PROGRESS).segments)


def test_damaged_weights_and_a_forced_engine(provider: WhisperProvider, tmp_path: Path) -> None:
    (tmp_path / "base.pt").write_bytes(b"no checkpoint")
    damaged = WhisperProvider(model="base", model_dir=tmp_path, device="cpu")
    talk = write_wav(tmp_path / "talk.wav", voice(1))

    with pytest.raises(WeightsDamagedError):
        list(damaged.transcribe(talk, EngineRequest(), NO_PROGRESS).segments)
    assert provider.identity(EngineRequest(engine="openai-whisper")) == ("openai-whisper", "base")
    assert not provider.readiness(EngineRequest(engine="faster-whisper")).is_ready


def test_its_weights_are_fetched_by_their_own_address(
    checkpoints: Path, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (checkpoints / "base.pt").read_bytes()
    with serving(checkpoints) as hub:
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(whisper._MODELS, "base", f"{hub.url}/{digest}/base.pt")
        place = folders / "data" / "models"
        provider = WhisperProvider(model="base", model_dir=place, device="cpu")
        provider.prepare(EngineRequest(engine="openai-whisper"), NO_PROGRESS)

    assert (place / "base.pt").read_bytes() == content
