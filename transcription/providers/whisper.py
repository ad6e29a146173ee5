"""Whisper on this machine: faster-whisper where it is installed, else openai-whisper."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.progress import Progress
from transcription.audio import Block, is_silent, read_blocks
from transcription.errors import (
    BadOptionError,
    EngineError,
    ProviderNotReadyError,
    UnknownLanguageError,
    WeightsDamagedError,
    WeightsMissingError,
)
from transcription.providers import weights
from transcription.providers.base import EngineRequest, Option, Readiness, TranscriptionCost, TranscriptionResult
from transcription.providers.engines import ENGINES, Engine, Loaded
from transcription.segments import SpokenSegment, is_over_silence, shift

ON_CPU_NOTE = "The graphics card ran out of memory; this was done on the CPU."
NO_CARD_NOTE = "The graphics card could not be used ({}); this was done on the CPU."
_OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class _ModelKey:
    """What is in memory: which model, loaded how."""

    engine: str
    path: Path
    device: str
    compute_type: str


#: One model a process: loaded at first use by a worker, kept for its next job.
_in_memory: dict[_ModelKey, Loaded] = {}
_loading = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class WhisperProvider:
    """Free, offline once the weights are there."""

    model: str
    model_dir: Path
    device: str = "auto"
    compute_type: str = "auto"
    threads: int = 0
    source: str = "https://huggingface.co"

    name = "whisper"
    label = "Whisper, on this machine"
    is_paid = False

    def readiness(self, request: EngineRequest) -> Readiness:
        try:
            engine = self._engine(request)
            if engine.find(self._model(request), self.model_dir) is None:
                missing = self._missing(request)
                is_known = self._model(request) in weights.REPOSITORIES
                return Readiness(is_ready=False, reason=str(missing), remedy=missing.remedy, can_prepare=is_known)
        except (ProviderNotReadyError, BadOptionError) as error:
            return Readiness(is_ready=False, reason=str(error), remedy=error.remedy)
        return Readiness(is_ready=True)

    def options(self) -> list[Option]:
        sizes = tuple(weights.REPOSITORIES)
        installed = tuple(engine.name for engine in ENGINES if engine.is_installed())
        return [
            Option(name="model", label="Model", default=weights.name_of(self.model), choices=sizes),
            Option(name="engine", label="Engine", default="auto", choices=("auto", *installed)),
            Option(name="language", label="Language (empty: recognised)"),
        ]

    def identity(self, request: EngineRequest) -> tuple[str, str]:
        return self._engine(request).name, weights.name_of(self._model(request))

    def cost(self, *durations_s: float) -> TranscriptionCost:
        return TranscriptionCost()

    def prepare(self, request: EngineRequest, progress: Progress) -> None:
        engine = self._engine(request)
        if engine.find(self._model(request), self.model_dir) is None:
            engine.fetch(self._model(request), self.model_dir, source=self.source, progress=progress)

    def transcribe(self, audio: Path, request: EngineRequest, progress: Progress) -> TranscriptionResult:
        engine = self._engine(request)
        path = engine.find(self._model(request), self.model_dir)
        if path is None:
            raise self._missing(request)
        result = TranscriptionResult(engine=engine.name, model=weights.name_of(self._model(request)), segments=iter(()))
        result.language = request.language
        result.segments = self._segments(
            result, _BlockTranscriber(self, engine, path, result), audio, request, progress
        )
        return result

    # --- choosing -------------------------------------------------------------------------------------------------

    def _model(self, request: EngineRequest) -> str:
        """The model that is wanted. A path must be the configured one or lie in the folder of models."""
        model = request.model or self.model
        if weights.is_path(model) and model not in (self.model, weights.name_of(self.model)):
            inside = Path(model).expanduser().resolve().is_relative_to(self.model_dir.resolve())
            if not inside:
                raise BadOptionError(
                    f"The model {model} is not in {self.model_dir}.",
                    remedy="Put it there, or set WHISPER_MODEL to its path.",
                )
        return self.model if model == weights.name_of(self.model) else model

    def _engine(self, request: EngineRequest) -> Engine:
        """The engine asked for; else one that has its weights; else the first that is installed."""
        installed = [engine for engine in ENGINES if engine.is_installed()]
        if request.engine and request.engine != "auto":
            installed = [engine for engine in installed if engine.name == request.engine]
        if not installed:
            wanted = request.engine if request.engine and request.engine != "auto" else "faster-whisper"
            known = [engine.name for engine in ENGINES]
            if wanted not in known:
                raise BadOptionError(f"There is no engine “{wanted}”.", remedy=f"Known are: {', '.join(known)}.")
            raise ProviderNotReadyError(f"{wanted} is not installed.", remedy=f"Run `pip install {wanted}`.")
        model = self._model(request)
        return next((engine for engine in installed if engine.find(model, self.model_dir)), installed[0])

    def _missing(self, request: EngineRequest) -> WeightsMissingError:
        model = self._model(request)
        return WeightsMissingError(
            f"The weights of Whisper “{weights.name_of(model)}” are not on this machine.",
            remedy=weights.how_to_get(model, self.model_dir, source=self.source),
        )

    # --- listening ------------------------------------------------------------------------------------------------

    def _segments(
        self,
        result: TranscriptionResult,
        transcriber: "_BlockTranscriber",
        audio: Path,
        request: EngineRequest,
        progress: Progress,
    ) -> Iterator[SpokenSegment]:
        progress.update(0.0, "Loading the model")
        transcriber.load()
        if request.language and request.language not in transcriber.languages:
            raise UnknownLanguageError(f"Whisper “{result.model}” does not know the language “{request.language}”.")
        total_s = request.duration_s or 0.0
        for block in read_blocks(audio, longest_s=transcriber.engine.block_s):
            yield from transcriber.transcribe_block(block, total_s, progress)
        progress.update(1.0)


class _BlockTranscriber:
    """One transcription: keeps to a device until it runs out of memory there."""

    def __init__(self, provider: WhisperProvider, engine: Engine, path: Path, result: TranscriptionResult) -> None:
        self.provider, self.engine, self.path, self.result = provider, engine, path, result
        self.device = engine.best_device() if provider.device == "auto" else provider.device

    @property
    def languages(self) -> tuple[str, ...]:
        return self.load().languages

    def load(self) -> Loaded:
        try:
            return self._loaded(self.provider.compute_type if self.device != "cpu" else self._cpu_type())
        except RuntimeError as error:
            if self.device == "cpu":
                raise self._damaged() from error
            self._fall_back(error)
        return self.load()

    def _cpu_type(self) -> str:
        return "auto" if self.provider.compute_type in ("float16", "int8_float16") else self.provider.compute_type

    def _loaded(self, compute_type: str) -> Loaded:
        key = _ModelKey(self.engine.name, self.path, self.device, compute_type)
        with _loading:
            if key not in _in_memory:
                _in_memory.clear()
                try:
                    _in_memory[key] = self.engine.load(
                        self.path, device=self.device, compute_type=compute_type, threads=self.provider.threads
                    )
                except RuntimeError:
                    raise
                except Exception as error:
                    raise self._damaged() from error
            return _in_memory[key]

    def _damaged(self) -> WeightsDamagedError:
        return WeightsDamagedError(
            f"The weights in {self.path} could not be loaded.",
            remedy=f"Delete them and run `.venv/bin/python manage.py download_model {self.result.model}`.",
        )

    def _fall_back(self, error: RuntimeError) -> None:
        """Go on on the CPU, and say so; raises EngineError where that is not wanted or does not help."""
        is_full = _OUT_OF_MEMORY in str(error).lower()
        if self.device == "cpu" or not (is_full or self.provider.device == "auto"):
            raise EngineError(
                f"{self.engine.name} gave up: {error}.", remedy="Try again, or choose a smaller model."
            ) from error
        _in_memory.clear()
        self.device = "cpu"
        self.result.notes.append(ON_CPU_NOTE if is_full else NO_CARD_NOTE.format(error))

    def transcribe_block(self, block: Block, total_s: float, progress: Progress) -> list[SpokenSegment]:
        """The segments of one block, in seconds from the start of the audio."""
        model = self.load()
        try:
            language, sure, found = model.transcribe(block.samples, self.result.language)
            segments = []
            for segment in found:
                segments.append(self._placed(segment, block))
                at_s = min(block.offset_s + segment.end_s, block.offset_s + block.duration_s)
                progress.update(min(1.0, at_s / total_s) if total_s else 0.0, "Listening")
        except RuntimeError as error:
            self._fall_back(error)
            return self.transcribe_block(block, total_s, progress)
        # Music before the talk gives words that nobody said, in a language that all that follows would be heard in.
        if not self.result.language and any(not is_over_silence(segment) for segment in segments):
            self.result.language = language
            if sure is not None:
                self.result.metadata["language_probability"] = round(sure, 4)
        progress.update(min(1.0, (block.offset_s + block.duration_s) / total_s) if total_s else 0.0, "Listening")
        return segments

    def _placed(self, segment: SpokenSegment, block: Block) -> SpokenSegment:
        if is_silent(block.samples, segment.start_s, segment.end_s):
            segment = replace(segment, no_speech=1.0, confidence=None)
        return shift(segment, block.offset_s)
