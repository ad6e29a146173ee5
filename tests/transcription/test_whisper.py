"""The real load and decode path of the Whisper engines, on checkpoints that the tests write."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import Cancelled
from jobs.progress import NO_PROGRESS
from tests.transcription.voices import noise, sample_media, silence, voice, write_wav
from transcription.errors import (
    BadOptionError,
    EngineError,
    ProviderNotReadyError,
    UnknownLanguageError,
    WeightsDamagedError,
    WeightsMissingError,
)
from transcription.providers import engines, whisper, whisper_run
from transcription.providers.base import EngineRequest, TranscriptionResult
from transcription.providers.whisper import WhisperProvider
from transcription.segments import SpokenSegment

WORDS = ["Ask", "not", "what", "your", "country", "can", "do", "for", "you"]


class Watched:
    """Remembers what was reported; cancels after `cancel_after` reports."""

    def __init__(self, cancel_after: int = 10**6) -> None:
        self.reports: list[tuple[float, str]] = []
        self.cancel_after = cancel_after

    def update(self, fraction: float, message: str = "") -> None:
        self.reports.append((fraction, message))
        self.check()

    def check(self) -> None:
        if len(self.reports) > self.cancel_after:
            raise Cancelled


@pytest.fixture
def provider(models: Path) -> WhisperProvider:
    return WhisperProvider(model="base", model_dir=models, device="cpu", threads=1)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "talk.wav", voice(6))


def new_transcript(result: TranscriptionResult) -> list[str]:
    return [segment.text.strip() for segment in result.segments]


def test_hears_segments_with_words_times_and_confidence(provider: WhisperProvider, talk: Path) -> None:
    progress = Watched()

    result = provider.transcribe(talk, EngineRequest(duration_s=6.0), progress)
    segments = list(result.segments)

    assert [s.text.strip() for s in segments] == ["Ask not what your country", "can do for you"]
    assert [w.text.strip() for s in segments for w in s.words] == WORDS
    assert all(type(s.start_s) is float and 0 <= s.start_s < s.end_s <= 6.5 for s in segments)
    assert all(type(w.start_s) is float and w.start_s <= w.end_s for s in segments for w in s.words)
    assert all(s.confidence is not None and 0.9 < s.confidence <= 1 for s in segments)
    assert (result.engine, result.model, result.language) == ("faster-whisper", "base", "en")
    assert result.language_probability is not None
    assert result.language_probability > 0.9
    assert progress.reports[-1][0] == 1.0
    assert [f for f, _ in progress.reports] == sorted(f for f, _ in progress.reports)


def test_hears_real_speech_too(provider: WhisperProvider) -> None:
    result = provider.transcribe(sample_media("jfk.flac"), EngineRequest(duration_s=11.0), NO_PROGRESS)

    assert new_transcript(result) == ["Ask not what your country", "can do for you"]


def test_recognises_the_language_and_takes_a_given_one(provider: WhisperProvider, talk: Path) -> None:
    recognised = provider.transcribe(talk, EngineRequest(model="small"), NO_PROGRESS)
    given = provider.transcribe(talk, EngineRequest(language="fr"), NO_PROGRESS)

    assert len(new_transcript(recognised)) == len(new_transcript(given)) == 2
    assert (recognised.language, recognised.model) == ("de", "small")
    assert given.language == "fr"
    assert given.language_probability is None


def test_voice_detection_moves_the_times_behind_the_silence(provider: WhisperProvider, tmp_path: Path) -> None:
    late = write_wav(tmp_path / "late.wav", silence(8), voice(6))

    segments = list(provider.transcribe(late, EngineRequest(), NO_PROGRESS).segments)

    assert segments[0].start_s > 7.0


@pytest.mark.parametrize("parts", [[silence(5)], [noise(5)], []], ids=["silence", "noise", "nothing"])
def test_hears_nothing_where_nobody_speaks(provider: WhisperProvider, tmp_path: Path, parts: list[Any]) -> None:
    result = provider.transcribe(write_wav(tmp_path / "quiet.wav", *parts), EngineRequest(), NO_PROGRESS)

    assert new_transcript(result) == []
    assert result.language == ""


def test_long_audio_is_heard_in_blocks(
    provider: WhisperProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = write_wav(tmp_path / "long.wav", voice(8), silence(1), voice(8))
    monkeypatch.setattr(engines.FasterWhisper, "block_s", 10.0)

    segments = list(provider.transcribe(long, EngineRequest(duration_s=17.0), NO_PROGRESS).segments)

    assert len(segments) == 4
    assert [s.start_s for s in segments] == sorted(s.start_s for s in segments)
    assert segments[2].start_s > 8.0


def test_a_cancel_stops_it(provider: WhisperProvider, talk: Path) -> None:
    with pytest.raises(Cancelled):
        list(provider.transcribe(talk, EngineRequest(), Watched(cancel_after=1)).segments)


@pytest.mark.usefixtures("nothing_in_memory")
def test_the_model_is_loaded_once(provider: WhisperProvider, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = _count_loads(monkeypatch)

    for _ in range(3):
        list(provider.transcribe(talk, EngineRequest(), NO_PROGRESS).segments)
    list(provider.transcribe(talk, EngineRequest(model="small"), NO_PROGRESS).segments)

    assert loads == ["faster-whisper-base", "faster-whisper-small"]
    assert len(whisper_run.loaded_models) == 1


def _count_loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    loads: list[str] = []
    real: Callable[..., Any] = engines.FasterWhisper.load

    def load(self: engines.FasterWhisper, path: Path, **options: Any) -> Any:
        loads.append(path.name)
        return real(self, path, **options)

    monkeypatch.setattr(engines.FasterWhisper, "load", load)
    return loads


# --- what can be wrong --------------------------------------------------------------------------------------------


def test_refuses_a_language_that_it_does_not_know(provider: WhisperProvider, talk: Path) -> None:
    with pytest.raises(UnknownLanguageError, match="klingon"):
        list(provider.transcribe(talk, EngineRequest(language="klingon"), NO_PROGRESS).segments)


def test_says_where_to_put_missing_weights(provider: WhisperProvider, talk: Path) -> None:
    ready = provider.readiness(EngineRequest(model="tiny"))

    assert provider.readiness(EngineRequest()).is_ready
    assert not ready.is_ready
    assert "download_model tiny" in ready.remedy
    assert str(provider.model_dir / "faster-whisper-tiny") in ready.remedy
    with pytest.raises(WeightsMissingError):
        provider.transcribe(talk, EngineRequest(model="tiny"), NO_PROGRESS)


@pytest.mark.parametrize(
    ("name", "content"),
    [("model.bin", b"\x06\x00garbage"), ("tokenizer.json", b"{"), ("config.json", b"not json")],
)
def test_says_so_when_weights_are_damaged(
    provider: WhisperProvider, models: Path, tmp_path: Path, talk: Path, name: str, content: bytes
) -> None:
    folder = tmp_path / "models" / "faster-whisper-base"
    folder.mkdir(parents=True)
    for path in (models / "faster-whisper-base").iterdir():
        (folder / path.name).write_bytes(content if path.name == name else path.read_bytes())
    damaged = WhisperProvider(model="base", model_dir=tmp_path / "models", device="cpu")

    with pytest.raises(WeightsDamagedError) as caught:
        list(damaged.transcribe(talk, EngineRequest(), NO_PROGRESS).segments)

    assert "download_model base" in caught.value.remedy


def test_says_so_when_the_audio_cannot_be_read(provider: WhisperProvider, tmp_path: Path) -> None:
    (tmp_path / "broken.flac").write_bytes(b"fLaC and nothing else")

    with pytest.raises(EngineError, match="could not be read"):
        list(provider.transcribe(tmp_path / "broken.flac", EngineRequest(), NO_PROGRESS).segments)


def test_a_model_can_be_a_path_but_not_any_path(models: Path, talk: Path, tmp_path: Path) -> None:
    by_path = WhisperProvider(model=str(models / "faster-whisper-small"), model_dir=tmp_path, device="cpu", threads=1)

    assert by_path.identity(EngineRequest()) == ("faster-whisper", "faster-whisper-small")
    assert by_path.readiness(EngineRequest(model="faster-whisper-small")).is_ready
    assert len(new_transcript(by_path.transcribe(talk, EngineRequest(), NO_PROGRESS))) == 2
    with pytest.raises(BadOptionError, match="not in"):
        by_path.transcribe(talk, EngineRequest(model="/etc/passwd"), NO_PROGRESS)
    assert not by_path.readiness(EngineRequest(model="../secret")).is_ready


def test_an_engine_can_be_forced_and_must_be_there(provider: WhisperProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider.identity(EngineRequest(engine="faster-whisper")) == ("faster-whisper", "base")
    assert "no engine" in provider.readiness(EngineRequest(engine="slow-whisper")).reason
    monkeypatch.setattr(engines.FasterWhisper, "is_installed", lambda self: False)
    with pytest.raises(ProviderNotReadyError, match="faster-whisper is not installed"):
        provider.identity(EngineRequest(engine="faster-whisper"))


class FullCard(engines.FasterWhisper):
    """A machine whose graphics card has no room: at loading, or at the first window."""

    def __init__(self, *, when: str, message: str = "CUDA failed with error out of memory") -> None:
        self.when, self.message = when, message

    def best_device(self) -> str:
        return "cuda"

    def load(self, path: Path, *, device: str, compute_type: str, threads: int) -> engines.Loaded:
        if device == "cuda" and self.when == "load":
            raise RuntimeError(self.message)
        loaded = super().load(path, device="cpu", compute_type="int8", threads=threads)
        return _FailsOnce(loaded, self.message) if device == "cuda" else loaded


class _FailsOnce:
    def __init__(self, loaded: engines.Loaded, message: str) -> None:
        self.loaded, self.message, self.languages = loaded, message, loaded.languages

    def count_tokens(self, text: str) -> int:
        return self.loaded.count_tokens(text)

    def transcribe(self, samples: Any, **options: Any) -> engines.BlockTranscript:
        raise RuntimeError(self.message)


class MusicFirst(engines.FasterWhisper):
    """An engine that makes words up over the music with which a talk begins."""

    block_s = 3.0

    def __init__(self) -> None:
        self.asked: list[str] = []

    def load(self, path: Path, *, device: str, compute_type: str, threads: int) -> engines.Loaded:
        return self

    @property
    def languages(self) -> tuple[str, ...]:
        return ("nn", "de")

    def count_tokens(self, text: str) -> int:
        return len(text)

    def transcribe(
        self, samples: Any, *, language: str = "", among: Sequence[str] = (), prompt: str = ""
    ) -> engines.BlockTranscript:
        self.asked.append(language)
        code, text, no_speech = (language or "de", "Guten Tag", 0.1) if self.asked[1:] else ("nn", "Teksting", 0.9)
        segment = SpokenSegment(start_s=0, end_s=2, text=text, no_speech=no_speech, confidence=0.2)
        return engines.BlockTranscript(language=code, language_probability=0.9, segments=iter([segment]))


@pytest.mark.usefixtures("nothing_in_memory")
def test_the_language_is_not_that_of_words_over_music(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MusicFirst()
    monkeypatch.setattr(whisper, "ENGINES", (engine,))
    talk = write_wav(tmp_path / "talk.wav", voice(8))

    result = WhisperProvider(model="base", model_dir=models, device="cpu").transcribe(
        talk, EngineRequest(), NO_PROGRESS
    )

    assert len(new_transcript(result)) == len(engine.asked) >= 3
    assert engine.asked[:3] == ["", "", "de"]
    assert result.language == "de"


@pytest.mark.parametrize("when", ["load", "listen"])
@pytest.mark.usefixtures("nothing_in_memory")
def test_a_full_graphics_card_is_noted_and_the_cpu_used(
    models: Path, talk: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(whisper, "ENGINES", (FullCard(when=when),))
    provider = WhisperProvider(model="base", model_dir=models, compute_type="float16", threads=1)

    result = provider.transcribe(talk, EngineRequest(), NO_PROGRESS)

    assert len(new_transcript(result)) == 2
    assert result.notes == [whisper_run.ON_CPU_NOTE]


@pytest.mark.usefixtures("nothing_in_memory")
def test_a_card_that_does_not_work_is_used_only_when_told_to(
    models: Path, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper, "ENGINES", (FullCard(when="load", message="libcublas is missing"),))

    by_itself = WhisperProvider(model="base", model_dir=models, threads=1).transcribe(
        talk, EngineRequest(), NO_PROGRESS
    )
    told_to = WhisperProvider(model="base", model_dir=models, device="cuda").transcribe(
        talk, EngineRequest(), NO_PROGRESS
    )

    assert len(new_transcript(by_itself)) == 2
    assert "libcublas is missing" in by_itself.notes[0]
    with pytest.raises(EngineError, match="libcublas"):
        new_transcript(told_to)


def test_options_name_sizes_and_engines(provider: WhisperProvider) -> None:
    options = {option.name: option for option in provider.options()}

    assert "base" in options["model"].choices
    assert "faster-whisper" in options["engine"].choices
    assert provider.cost(3600).usd_high == 0
    assert json.dumps([option.default for option in options.values()])
