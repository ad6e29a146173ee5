"""Real speech through both engines' real code, on Whisper's real weights: words, language, times, silence, tracks.

The bounds are what the small models reach on these recordings with some room: synthetic voices are hard for them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from files.models import File
from jobs.progress import NO_PROGRESS
from tests.media import run_ffmpeg
from tests.transcription.factories import make_file
from tests.transcription.real_weights import ENGINE_NAMES, ENGINES, HAS_TORCH, model_dir
from tests.transcription.spoken import SENTENCES, TERMS, TRADE, say, text_of, word_error_rate
from tests.transcription.voices import chord, noise, sample_media, silence, write_wav
from transcription.audio import RATE, read_blocks
from transcription.models import CERTAIN_LANGUAGE
from transcription.providers.base import EngineRequest, TranscriptionResult
from transcription.providers.whisper import WhisperProvider
from transcription.segments import SpokenSegment, flag_hallucinations
from transcription.transcribe import TranscriptionRequest, transcribe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]  # torch warns

JFK = "And so my fellow Americans ask not what your country can do for you, ask what you can do for your country."


@pytest.fixture(scope="module")
def weights() -> Path:
    return model_dir()


def hear(
    weights: Path, audio: Path, *, model: str = "tiny.en", **request: Any
) -> tuple[TranscriptionResult, list[SpokenSegment]]:
    provider = WhisperProvider(model=model, model_dir=weights, device="cpu", threads=2)
    result = provider.transcribe(audio, EngineRequest(**{"engine": "faster-whisper", **request}), NO_PROGRESS)
    return result, flag_hallucinations(list(result.segments))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_famous_sentence_is_heard_word_for_word(weights: Path, engine: str) -> None:
    result, segments = hear(weights, sample_media("jfk.flac"), model="base", engine=engine, duration_s=11.0)

    assert word_error_rate(JFK, text_of(segments)) <= 0.05
    assert (result.engine, result.language) == (engine, "en")
    assert result.language_probability is not None
    assert result.language_probability > CERTAIN_LANGUAGE


@pytest.mark.parametrize("engine", ENGINES)
def test_words_lie_where_there_is_sound(weights: Path, tmp_path: Path, engine: str) -> None:
    said = say(SENTENCES["en"], "en", tmp_path / "said.wav")
    late = tmp_path / "late.wav"
    run_ffmpeg("-i", said, "-af", "adelay=4000", "-ar", "16000", late)

    _, segments = hear(weights, late, engine=engine, duration_s=12.0)

    (block,) = read_blocks(late, longest_s=60)
    words = [word for segment in segments for word in segment.words]
    loud = [np.abs(block.samples[int(w.start_s * RATE) : int(w.end_s * RATE) + 1]).max() > 0.02 for w in words]
    assert word_error_rate(SENTENCES["en"], text_of(segments)) <= 0.35
    assert words[0].start_s > 3.0
    assert sum(loud) >= 0.9 * len(words)


@pytest.mark.parametrize("engine", ENGINES)
def test_over_silence_and_noise_nothing_is_said_unmarked(weights: Path, tmp_path: Path, engine: str) -> None:
    quiet = write_wav(tmp_path / "quiet.wav", silence(6), noise(3), silence(3))

    _, segments = hear(weights, quiet, engine=engine, duration_s=12.0)

    assert [segment.text for segment in segments if not segment.flags] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_over_music_nothing_is_said_unmarked(weights: Path, tmp_path: Path, engine: str) -> None:
    chords = [chord(1.5, *notes) for notes in ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))]
    music = write_wav(tmp_path / "music.wav", *chords, *chords)

    _, segments = hear(weights, music, engine=engine, duration_s=12.0)

    assert [segment.text for segment in segments if not segment.flags] == []


def test_german_is_german_among_the_languages_of_the_library(weights: Path, tmp_path: Path) -> None:
    said = say(SENTENCES["de"], "de", tmp_path / "said.wav")

    result, segments = hear(weights, said, model="base", languages=("de", "en", "es"), duration_s=7.0)

    assert result.language == "de"
    assert result.language_probability is not None
    assert result.language_probability > 0.8
    assert word_error_rate(SENTENCES["de"], text_of(segments)) <= 0.4


def test_a_file_in_two_languages_keeps_both(weights: Path, tmp_path: Path) -> None:
    parts = [say(SENTENCES[code] * 2, code, tmp_path / f"{code}.wav") for code in ("en", "de")]
    both = tmp_path / "both.wav"
    graph = "[0:a]apad=whole_dur=29[a];[1:a]anull[b];[a][b]concat=n=2:v=0:a=1"
    run_ffmpeg("-i", parts[0], "-i", parts[1], "-filter_complex", graph, "-ar", "16000", both)

    _, segments = hear(weights, both, model="base", languages=("de", "en"), duration_s=45.0)

    assert {segment.language for segment in segments if segment.end_s < 25} == {"en"}
    assert {segment.language for segment in segments if segment.start_s > 27} == {"de"}


@pytest.mark.parametrize("engine", ENGINES)
def test_names_of_the_trade_are_spelt_as_the_vocabulary_spells_them(weights: Path, tmp_path: Path, engine: str) -> None:
    said = say(TRADE, "en", tmp_path / "said.wav")
    asked: dict[str, Any] = {"model": "base", "engine": engine, "language": "en", "duration_s": 4.0}

    _, without = hear(weights, said, **asked)
    _, with_terms = hear(weights, said, vocabulary=TERMS, **asked)

    assert not all(term in text_of(without) for term in TERMS)
    assert all(term in text_of(with_terms) for term in TERMS)
    assert word_error_rate(TRADE, text_of(with_terms)) < word_error_rate(TRADE, text_of(without))


@pytest.mark.skipif(not HAS_TORCH, reason="openai-whisper is not installed (the light requirements)")
def test_both_engines_hear_the_same(weights: Path, tmp_path: Path) -> None:
    said = say(SENTENCES["en"], "en", tmp_path / "said.wav")

    heard = [hear(weights, said, model="base", engine=name, duration_s=6.0) for name in ENGINE_NAMES]

    texts = [text_of(segments) for _, segments in heard]
    assert [result.language for result, _ in heard] == ["en", "en"]
    assert word_error_rate(texts[0], texts[1]) <= 0.15


@pytest.fixture
def library(folders: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", weights)
    monkeypatch.setattr(settings, "WHISPER_MODEL", "tiny.en")
    monkeypatch.setattr(settings, "WHISPER_DEVICE", "cpu")
    (folders / "media").mkdir()
    return folders / "media"


def file_of(path: Path, duration_s: float) -> File:
    return make_file(path.parent, path.name, duration_s=duration_s, sampled_hash="a1")


@pytest.mark.django_db
def test_the_track_that_is_asked_for_is_heard(library: Path, tmp_path: Path) -> None:
    one = say(SENTENCES["en"], "en", tmp_path / "one.wav")
    two = say(TRADE, "en", tmp_path / "two.wav")
    both = library / "both.mkv"
    run_ffmpeg("-i", one, "-i", two, "-map", "0:a", "-map", "1:a", "-c:a", "aac", both)
    file = file_of(both, 6.0)

    transcript = transcribe(file, TranscriptionRequest(audio_track=1))

    assert "engine" in transcript.text
    assert "tulips" not in transcript.text


@pytest.mark.django_db
def test_a_file_that_was_cut_off_is_heard_as_far_as_it_goes(library: Path, tmp_path: Path) -> None:
    said = say(SENTENCES["en"], "en", tmp_path / "said.wav")
    run_ffmpeg("-i", said, "-c:a", "libmp3lame", tmp_path / "whole.mp3")
    whole = (tmp_path / "whole.mp3").read_bytes()
    cut = library / "cut.mp3"
    cut.write_bytes(whole[: len(whole) // 2])

    transcript = transcribe(file_of(cut, 6.0), TranscriptionRequest())

    assert "garden" in transcript.text
    assert "frost" not in transcript.text
