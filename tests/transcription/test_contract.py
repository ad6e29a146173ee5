"""What every provider must do, whoever listens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bedrock.speech.transcriber import SonicTranscriber
from jobs.progress import NO_PROGRESS
from tests.bedrock.sonic_stand_in import Service
from tests.transcription.test_whisper import Watched
from tests.transcription.voices import silence, voice, write_wav
from transcription import conf, registry
from transcription.errors import BadOptionError
from transcription.providers.base import EngineRequest, Readiness, TranscriptionProvider
from transcription.providers.nova_sonic import NovaSonicProvider
from transcription.providers.whisper import WhisperProvider

pytestmark = pytest.mark.django_db

#: Voice detection and approximate times may pass the end of the audio by so much.
SLACK_S = 1.0


def whisper(models: Path) -> TranscriptionProvider:
    return WhisperProvider(model="base", model_dir=models, device="cpu", threads=1)


def nova_sonic(models: Path) -> TranscriptionProvider:
    script = {"words": [(1.0, "USER", "FINAL", "Ask not what your country"), (4.0, "USER", "FINAL", "can do for you")]}
    service = Service(script)
    speaker = SonicTranscriber(
        model_id="amazon.nova-2-sonic-v1:0",
        runtime_id="amazon.nova-2-sonic-v1:0",
        max_tokens=64,
        tokens_per_s=50,
        settings=service.settings(),
        open_stream=service.open,
    )
    return NovaSonicProvider(sonic=speaker)


MAKERS: list[Callable[[Path], TranscriptionProvider]] = [whisper, nova_sonic]


@pytest.fixture(params=MAKERS, ids=lambda maker: str(maker.__name__))
def provider(request: pytest.FixtureRequest, models: Path, monkeypatch: pytest.MonkeyPatch) -> TranscriptionProvider:
    monkeypatch.setattr("bedrock.speech.transcriber.SonicTranscriber.missing", lambda speaker: [])
    made: TranscriptionProvider = request.param(models)
    return made


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "talk.wav", voice(6))


def test_each_known_provider_has_a_contract() -> None:
    assert [maker.__name__ for maker in MAKERS] == list(conf.PROVIDERS)
    assert [provider.name for provider in registry.all_providers()] == list(conf.PROVIDERS)
    with pytest.raises(BadOptionError, match="nobody"):
        registry.get("nobody")


def test_it_says_who_it_is_and_what_it_costs(provider: TranscriptionProvider) -> None:
    engine, model = provider.identity(EngineRequest())

    assert provider.label
    assert engine
    assert model
    assert provider.readiness(EngineRequest()) == Readiness(is_ready=True)
    assert provider.options()
    cost = provider.cost(60.0)
    assert 0 <= cost.usd_low <= cost.usd_high
    assert bool(cost.usd_high) is provider.is_paid


def test_segments_are_in_order_inside_the_audio_and_progress_moves(provider: TranscriptionProvider, talk: Path) -> None:
    progress = Watched()
    provider.prepare(EngineRequest(), progress)

    result = provider.transcribe(talk, EngineRequest(duration_s=6.0), progress)
    segments = list(result.segments)

    assert (result.engine, result.model) == provider.identity(EngineRequest())
    assert [row.text.strip() for row in segments] == ["Ask not what your country", "can do for you"]
    assert [row.start_s for row in segments] == sorted(row.start_s for row in segments)
    assert all(0 <= row.start_s <= row.end_s <= 6.0 + SLACK_S for row in segments)
    assert all(row.confidence is None or 0 <= row.confidence <= 1 for row in segments)
    shares = [share for share, _ in progress.reports]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_a_given_language_is_taken(provider: TranscriptionProvider, talk: Path) -> None:
    result = provider.transcribe(talk, EngineRequest(language="de"), NO_PROGRESS)

    assert list(result.segments)
    assert result.language == "de"


def test_audio_without_end_or_beginning_is_no_error(provider: TranscriptionProvider, tmp_path: Path) -> None:
    nothing = provider.transcribe(write_wav(tmp_path / "nothing.wav"), EngineRequest(duration_s=0.0), NO_PROGRESS)

    assert list(nothing.segments) == []
    quiet = provider.transcribe(write_wav(tmp_path / "quiet.wav", silence(0.02)), EngineRequest(), NO_PROGRESS)
    assert all(row.start_s >= 0 for row in quiet.segments)
