"""Whisper on this machine: faster-whisper where it is installed, else openai-whisper."""

from dataclasses import dataclass
from pathlib import Path

from jobs.progress import Progress
from transcription.errors import BadOptionError, ProviderNotReadyError, WeightsMissingError
from transcription.providers import weights
from transcription.providers.base import EngineRequest, Option, Readiness, TranscriptionCost, TranscriptionResult
from transcription.providers.engines import ENGINES, Engine
from transcription.providers.whisper_run import LoadOptions, WhisperRun


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
    engines = tuple(engine.name for engine in ENGINES)
    takes_vocabulary = True

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
        options = LoadOptions(device=self.device, compute_type=self.compute_type, threads=self.threads)
        result.segments = WhisperRun(engine, path, options, request, result).segments(audio, progress)
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
