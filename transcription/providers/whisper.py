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
from transcription.segments import SpokenSegment, over_silence, shift

ON_CPU_NOTE = "The graphics card ran out of memory; this was done on the CPU."
NO_CARD_NOTE = "The graphics card could not be used ({}); this was done on the CPU."
_OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class _Place:
    """What is in memory: which model, loaded how."""

    engine: str
    path: Path
    device: str
    compute_type: str


#: One model a process: loaded at first use by a worker, kept for its next job.
_in_memory: dict[_Place, Loaded] = {}
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

    def readiness(self, wish: EngineRequest) -> Readiness:
        try:
            engine = self._engine(wish)
            if engine.find(self._model(wish), self.model_dir) is None:
                missing = self._missing(wish)
                is_known = self._model(wish) in weights.REPOSITORIES
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

    def identity(self, wish: EngineRequest) -> tuple[str, str]:
        return self._engine(wish).name, weights.name_of(self._model(wish))

    def cost(self, *durations_s: float) -> TranscriptionCost:
        return TranscriptionCost()

    def prepare(self, wish: EngineRequest, progress: Progress) -> None:
        engine = self._engine(wish)
        if engine.find(self._model(wish), self.model_dir) is None:
            engine.fetch(self._model(wish), self.model_dir, source=self.source, progress=progress)

    def transcribe(self, audio: Path, wish: EngineRequest, progress: Progress) -> TranscriptionResult:
        engine = self._engine(wish)
        path = engine.find(self._model(wish), self.model_dir)
        if path is None:
            raise self._missing(wish)
        hearing = TranscriptionResult(engine=engine.name, model=weights.name_of(self._model(wish)), speeches=iter(()))
        hearing.language = wish.language
        hearing.speeches = self._speeches(hearing, _Listener(self, engine, path, hearing), audio, wish, progress)
        return hearing

    # --- choosing -------------------------------------------------------------------------------------------------

    def _model(self, wish: EngineRequest) -> str:
        """The model that is wanted. A path must be the configured one or lie in the folder of models."""
        model = wish.model or self.model
        if weights.is_path(model) and model not in (self.model, weights.name_of(self.model)):
            inside = Path(model).expanduser().resolve().is_relative_to(self.model_dir.resolve())
            if not inside:
                raise BadOptionError(
                    f"The model {model} is not in {self.model_dir}.",
                    remedy="Put it there, or set WHISPER_MODEL to its path.",
                )
        return self.model if model == weights.name_of(self.model) else model

    def _engine(self, wish: EngineRequest) -> Engine:
        """The engine asked for; else one that has its weights; else the first that is installed."""
        installed = [engine for engine in ENGINES if engine.is_installed()]
        if wish.engine and wish.engine != "auto":
            installed = [engine for engine in installed if engine.name == wish.engine]
        if not installed:
            wanted = wish.engine if wish.engine and wish.engine != "auto" else "faster-whisper"
            known = [engine.name for engine in ENGINES]
            if wanted not in known:
                raise BadOptionError(f"There is no engine “{wanted}”.", remedy=f"Known are: {', '.join(known)}.")
            raise ProviderNotReadyError(f"{wanted} is not installed.", remedy=f"Run `pip install {wanted}`.")
        model = self._model(wish)
        return next((engine for engine in installed if engine.find(model, self.model_dir)), installed[0])

    def _missing(self, wish: EngineRequest) -> WeightsMissingError:
        model = self._model(wish)
        return WeightsMissingError(
            f"The weights of Whisper “{weights.name_of(model)}” are not on this machine.",
            remedy=weights.how_to_get(model, self.model_dir, source=self.source),
        )

    # --- listening ------------------------------------------------------------------------------------------------

    def _speeches(
        self, hearing: TranscriptionResult, listener: "_Listener", audio: Path, wish: EngineRequest, progress: Progress
    ) -> Iterator[SpokenSegment]:
        progress.update(0.0, "Loading the model")
        listener.load()
        if wish.language and wish.language not in listener.languages:
            raise UnknownLanguageError(f"Whisper “{hearing.model}” does not know the language “{wish.language}”.")
        total_s = wish.duration_s or 0.0
        for block in read_blocks(audio, longest_s=listener.engine.block_s):
            yield from listener.hear(block, total_s, progress)
        progress.update(1.0)


class _Listener:
    """One transcription: keeps to a device until it runs out of memory there."""

    def __init__(self, provider: WhisperProvider, engine: Engine, path: Path, hearing: TranscriptionResult) -> None:
        self.provider, self.engine, self.path, self.hearing = provider, engine, path, hearing
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
        place = _Place(self.engine.name, self.path, self.device, compute_type)
        with _loading:
            if place not in _in_memory:
                _in_memory.clear()
                try:
                    _in_memory[place] = self.engine.load(
                        self.path, device=self.device, compute_type=compute_type, threads=self.provider.threads
                    )
                except RuntimeError:
                    raise
                except Exception as error:
                    raise self._damaged() from error
            return _in_memory[place]

    def _damaged(self) -> WeightsDamagedError:
        return WeightsDamagedError(
            f"The weights in {self.path} could not be loaded.",
            remedy=f"Delete them and run `.venv/bin/python manage.py download_model {self.hearing.model}`.",
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
        self.hearing.notes.append(ON_CPU_NOTE if is_full else NO_CARD_NOTE.format(error))

    def hear(self, block: Block, total_s: float, progress: Progress) -> list[SpokenSegment]:
        """The segments of one block, in seconds from the start of the audio."""
        model = self.load()
        try:
            language, sure, found = model.listen(block.samples, self.hearing.language)
            speeches = []
            for speech in found:
                speeches.append(self._placed(speech, block))
                at_s = min(block.offset_s + speech.end_s, block.offset_s + block.duration_s)
                progress.update(min(1.0, at_s / total_s) if total_s else 0.0, "Listening")
        except RuntimeError as error:
            self._fall_back(error)
            return self.hear(block, total_s, progress)
        # Music before the talk gives words that nobody said, in a language that all that follows would be heard in.
        if not self.hearing.language and any(not over_silence(speech) for speech in speeches):
            self.hearing.language = language
            if sure is not None:
                self.hearing.metadata["language_probability"] = round(sure, 4)
        progress.update(min(1.0, (block.offset_s + block.duration_s) / total_s) if total_s else 0.0, "Listening")
        return speeches

    def _placed(self, speech: SpokenSegment, block: Block) -> SpokenSegment:
        if is_silent(block.samples, speech.start_s, speech.end_s):
            speech = replace(speech, no_speech=1.0, confidence=None)
        return shift(speech, block.offset_s)
