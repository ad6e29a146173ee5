"""The two Whisper engines behind one shape. Their heavy imports happen inside, when a model is loaded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import exp
from pathlib import Path
from typing import Any, Protocol

from jobs.progress import Progress
from transcription.audio import RATE, Samples
from transcription.errors import WeightsMissingError
from transcription.providers import weights
from transcription.segments import SpokenSegment, Word


@dataclass(frozen=True, kw_only=True)
class BlockTranscript:
    """What a model makes of a stretch of audio; the segments come while it listens, in seconds from the beginning."""

    language: str
    language_probability: float | None  # None where the language was given
    segments: Iterator[SpokenSegment]


class Loaded(Protocol):
    """A model in memory."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes that it can be told to listen for."""

    def count_tokens(self, text: str) -> int:
        """How many of the tokens that a prompt may have this text takes."""

    def transcribe(
        self, samples: Samples, *, language: str = "", among: Sequence[str] = (), prompt: str = ""
    ) -> BlockTranscript:
        """Listen to 16 kHz mono samples, in `language`, else in the likeliest (of those `among`, where there are any).

        `prompt` holds names and terms to be expected.
        """


def likeliest(probabilities: Mapping[str, float], among: Sequence[str]) -> tuple[str, float]:
    """The likeliest language, and its probability among those that come into question."""
    possible = {language: probabilities[language] for language in among if language in probabilities}
    possible = possible if sum(possible.values()) > 0 else dict(probabilities)
    best = max(possible, key=lambda language: possible[language])
    return best, possible[best] / sum(possible.values())


class Engine(Protocol):
    """A way to run Whisper."""

    name: str
    package: str
    block_s: float  # how much audio it is given at a time

    def is_installed(self) -> bool: ...

    def find(self, model: str, model_dir: Path) -> Path | None:
        """Where the weights of this model are, if they are there."""

    def fetch(self, model: str, model_dir: Path, *, source: str, progress: Progress) -> Path: ...

    def best_device(self) -> str:
        """`cuda` where there is one, else `cpu`."""

    def load(self, path: Path, *, device: str, compute_type: str, threads: int) -> Loaded: ...


class FasterWhisper:
    """CTranslate2: int8 on the CPU, voice detection, no torch."""

    name = "faster-whisper"
    package = "faster_whisper"
    block_s = 1800.0  # bounds memory: features of one block take about 60 MB

    def is_installed(self) -> bool:
        return find_spec(self.package) is not None

    def find(self, model: str, model_dir: Path) -> Path | None:
        return weights.folder_of(model, model_dir)

    def fetch(self, model: str, model_dir: Path, *, source: str, progress: Progress) -> Path:
        return weights.fetch_folder(model, model_dir, source=source, progress=progress)

    def best_device(self) -> str:
        import ctranslate2

        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"

    def load(self, path: Path, *, device: str, compute_type: str, threads: int) -> Loaded:
        from faster_whisper import WhisperModel

        if compute_type == "auto":
            compute_type = "int8_float16" if device == "cuda" else "int8"
        model = WhisperModel(str(path), device=device, compute_type=compute_type, cpu_threads=threads)
        return LoadedFasterWhisper(model)


@dataclass
class LoadedFasterWhisper:
    model: Any

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.model.supported_languages)

    def count_tokens(self, text: str) -> int:
        return len(self.model.hf_tokenizer.encode(text, add_special_tokens=False).ids)

    def transcribe(
        self, samples: Samples, *, language: str = "", among: Sequence[str] = (), prompt: str = ""
    ) -> BlockTranscript:
        options = {
            "vad_filter": True,
            "word_timestamps": True,
            "condition_on_previous_text": False,  # else one loop poisons all that follows
            "hotwords": prompt or None,
        }
        rows, info = self.model.transcribe(samples, language=language or None, **options)
        best, probability = str(info.language), None
        if not language:
            guesses = {str(code): float(share) for code, share in info.all_language_probs or ()}
            best, probability = likeliest(guesses or {best: float(info.language_probability)}, among)
            if best != info.language:
                rows, _ = self.model.transcribe(samples, language=best, **options)
        return BlockTranscript(
            language=best, language_probability=probability, segments=(self._segment(row) for row in rows)
        )

    @staticmethod
    def _segment(row: Any) -> SpokenSegment:
        words = tuple(
            Word(start_s=float(w.start), end_s=float(w.end), text=str(w.word), confidence=float(w.probability))
            for w in row.words or ()
        )
        return SpokenSegment(
            start_s=float(row.start),
            end_s=float(row.end),
            text=str(row.text),
            words=words,
            confidence=exp(min(float(row.avg_logprob), 0.0)),
            no_speech=float(row.no_speech_prob),
        )


class OpenAIWhisper:
    """The reference implementation, on torch."""

    name = "openai-whisper"
    package = "whisper"
    block_s = 120.0  # it answers only when all is done: shorter blocks let progress and cancel through

    def is_installed(self) -> bool:
        return find_spec(self.package) is not None and find_spec("torch") is not None

    def find(self, model: str, model_dir: Path) -> Path | None:
        return weights.checkpoint_of(model, model_dir)

    def fetch(self, model: str, model_dir: Path, *, source: str, progress: Progress) -> Path:
        import whisper

        url = whisper._MODELS.get(model)  # their address holds the SHA-256, as the last folder but the name
        if url is None:
            raise WeightsMissingError(
                f"openai-whisper knows no model “{model}”.", remedy=f"Choose one of {', '.join(whisper._MODELS)}."
            )
        return weights.fetch_checkpoint(url, f"{model}.pt", url.split("/")[-2], model_dir, progress=progress)

    def best_device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    def load(self, path: Path, *, device: str, compute_type: str, threads: int) -> Loaded:
        import torch
        import whisper

        if threads:
            torch.set_num_threads(threads)
        half = device == "cuda" and compute_type in ("auto", "float16", "int8_float16")
        return LoadedOpenAIWhisper(whisper.load_model(str(path), device=device), half)


@dataclass
class LoadedOpenAIWhisper:
    model: Any
    is_half: bool

    @property
    def languages(self) -> tuple[str, ...]:
        from whisper.tokenizer import LANGUAGES

        return tuple(LANGUAGES) if self.model.is_multilingual else ("en",)

    def count_tokens(self, text: str) -> int:
        from whisper.tokenizer import get_tokenizer

        return len(get_tokenizer(self.model.is_multilingual).encode(f" {text}"))

    def transcribe(
        self, samples: Samples, *, language: str = "", among: Sequence[str] = (), prompt: str = ""
    ) -> BlockTranscript:
        if samples.size < RATE // 10:  # it pads to 30 s and would make words up
            return BlockTranscript(language=language, language_probability=None, segments=iter(()))
        best, probability = (language, None) if language else likeliest(self.guess_languages(samples), among)
        answer = self.model.transcribe(
            samples,
            language=best,
            fp16=self.is_half,
            word_timestamps=True,
            condition_on_previous_text=False,
            # As a sentence: a bare list is taken for what was said, and words of the talk are lost.
            initial_prompt=f"Glossary: {prompt}." if prompt else None,
            carry_initial_prompt=bool(prompt),
            verbose=None,
        )
        return BlockTranscript(
            language=best,
            language_probability=probability,
            segments=(self._segment(row) for row in answer["segments"]),
        )

    def guess_languages(self, samples: Samples) -> dict[str, float]:
        """The probability of each language, by the first half minute."""
        if not self.model.is_multilingual:
            return {"en": 1.0}
        from whisper.audio import N_FRAMES, N_SAMPLES, log_mel_spectrogram, pad_or_trim

        mel = log_mel_spectrogram(samples[:N_SAMPLES], self.model.dims.n_mels, padding=N_SAMPLES)
        frames = pad_or_trim(mel, N_FRAMES).to(self.model.device)
        _, guesses = self.model.detect_language(frames.half() if self.is_half else frames)
        return {str(code): float(share) for code, share in guesses.items()}

    @staticmethod
    def _segment(row: dict[str, Any]) -> SpokenSegment:
        words = tuple(
            Word(
                start_s=float(word["start"]),
                end_s=float(word["end"]),
                text=str(word["word"]),
                confidence=float(word["probability"]),
            )
            for word in row.get("words") or ()
        )
        return SpokenSegment(
            start_s=float(row["start"]),
            end_s=float(row["end"]),
            text=str(row["text"]),
            words=words,
            confidence=exp(min(float(row["avg_logprob"]), 0.0)),
            no_speech=float(row["no_speech_prob"]),
        )


ENGINES: tuple[Engine, ...] = (FasterWhisper(), OpenAIWhisper())
