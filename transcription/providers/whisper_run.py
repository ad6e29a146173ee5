"""One run of Whisper over a file: the model in memory, the device, the language, block by block."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.progress import Progress
from transcription.audio import Block, is_silent, read_blocks
from transcription.errors import EngineError, UnknownLanguageError, WeightsDamagedError
from transcription.languages import base_language
from transcription.providers.base import EngineRequest, TranscriptionResult
from transcription.providers.engines import BlockTranscript, Engine, Loaded
from transcription.segments import SpokenSegment, is_over_silence, shift

ON_CPU_NOTE = "The graphics card ran out of memory; this was done on the CPU."
NO_CARD_NOTE = "The graphics card could not be used ({}); this was done on the CPU."
_OUT_OF_MEMORY = "out of memory"
#: Where several languages are spoken, each stretch of this length is heard in its own.
LANGUAGE_BLOCK_S = 30.0
#: From one language to another it goes only where the guess is sure.
CHANGE_PROBABILITY = 0.8
#: Half the text that the decoder holds, less its marks and the word before the terms.
#: Source: openai-whisper 20250625, faster-whisper 1.2.1.
PROMPT_TOKENS = 215
#: What Whisper calls a language that others call otherwise.
WHISPERS_CODES = {"nb": "no", "fil": "tl"}


@dataclass(frozen=True)
class _ModelKey:
    """What is in memory: which model, loaded how."""

    engine: str
    path: Path
    device: str
    compute_type: str


#: One model a process: loaded at first use by a worker, kept for its next job.
loaded_models: dict[_ModelKey, Loaded] = {}
_loading = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How a model is brought into memory; `auto` leaves it to the engine."""

    device: str = "auto"
    compute_type: str = "auto"
    threads: int = 0


class WhisperRun:
    """One transcription: keeps to a device until it runs out of memory there, and to a language until it is sure."""

    def __init__(
        self, engine: Engine, path: Path, options: LoadOptions, request: EngineRequest, result: TranscriptionResult
    ) -> None:
        self.engine, self.path, self.options, self.request, self.result = engine, path, options, request, result
        self.device = engine.best_device() if options.device == "auto" else options.device
        self.language = self.last_language = ""
        self.among: list[str] = []
        self.prompt = ""
        #: Seconds that were spoken, by the language they were guessed to be in, and the same times its probability.
        self.spoken_s: defaultdict[str, float] = defaultdict(float)
        self.sure_s: defaultdict[str, float] = defaultdict(float)

    def segments(self, audio: Path, progress: Progress) -> Iterator[SpokenSegment]:
        """The segments of a file in seconds from its start. Language and notes of the result are settled at the end."""
        progress.update(0.0, "Loading the model")
        model = self.load()
        self.language = self._code_of(self.request.language, model)
        if self.request.language and not self.language:
            raise UnknownLanguageError(
                f"Whisper “{self.result.model}” does not know the language “{self.request.language}”."
            )
        self.among = [code for code in (self._code_of(tag, model) for tag in self.request.languages) if code]
        self.prompt = self.fitting_prompt(model)
        is_mixed = not self.language and len(self.among) > 1
        for block in read_blocks(audio, longest_s=LANGUAGE_BLOCK_S if is_mixed else self.engine.block_s):
            heard, segments = self._hear_block(block, progress)
            spoken = [segment for segment in segments if not is_over_silence(segment)]
            # Music before the talk gives words that nobody said: the language is that of the first real ones.
            if spoken and not self.language:
                seconds = sum(segment.end_s - segment.start_s for segment in spoken) or 0.001
                self.spoken_s[heard.language] += seconds
                self.sure_s[heard.language] += seconds * (heard.language_probability or 0.0)
                self.last_language = heard.language
                self.language = "" if is_mixed else heard.language
            yield from (replace(s, language=heard.language) for s in segments) if is_mixed else segments
            self._report(progress, block.offset_s + block.duration_s)
        self.result.language = self.request.language
        if self.spoken_s and not self.request.language:
            best = max(self.spoken_s, key=lambda code: self.spoken_s[code])
            self.result.language = best
            self.result.language_probability = round(self.sure_s[best] / self.spoken_s[best], 4)
        progress.update(1.0)

    @staticmethod
    def _code_of(tag: str, model: Loaded) -> str:
        """Whisper's code of a language, or nothing where it does not know it."""
        code = WHISPERS_CODES.get(base_language(tag), base_language(tag))
        return code if code in model.languages else ""

    def fitting_prompt(self, model: Loaded) -> str:
        """The names and terms to be expected, as many as the model takes; what is left out is told."""
        terms = self.request.vocabulary
        count = len(terms)
        while count and model.count_tokens(", ".join(terms[:count])) > PROMPT_TOKENS:
            count -= 1
        if count < len(terms):
            self.result.notes.append(f"The first {count} of {len(terms)} names and terms were given: more do not fit.")
        return ", ".join(terms[:count])

    def _hear_block(self, block: Block, progress: Progress) -> tuple[BlockTranscript, list[SpokenSegment]]:
        """One block on this device, else on the CPU; seconds from the start of the audio."""
        model = self.load()
        segments: list[SpokenSegment] = []
        try:
            heard = model.transcribe(block.samples, language=self.language, among=self.among, prompt=self.prompt)
            is_change = self.last_language and heard.language != self.last_language
            if is_change and (heard.language_probability or 0.0) < CHANGE_PROBABILITY:
                heard = model.transcribe(block.samples, language=self.last_language, prompt=self.prompt)
            for segment in heard.segments:
                if is_silent(block.samples, segment.start_s, segment.end_s):
                    segment = replace(segment, no_speech=1.0, confidence=None)
                segments.append(shift(segment, block.offset_s))
                self._report(progress, block.offset_s + min(segment.end_s, block.duration_s))
        except RuntimeError as error:
            self._fall_back(error)
            return self._hear_block(block, progress)
        return heard, segments

    def _report(self, progress: Progress, at_s: float) -> None:
        total_s = self.request.duration_s or 0.0
        progress.update(min(1.0, at_s / total_s) if total_s else 0.0, "Listening")

    # --- the model ------------------------------------------------------------------------------------------------

    def load(self) -> Loaded:
        """The model on this device, else on the CPU. Raises WeightsDamagedError, EngineError."""
        is_half_on_cpu = self.device == "cpu" and self.options.compute_type in ("float16", "int8_float16")
        compute_type = "auto" if is_half_on_cpu else self.options.compute_type
        key = _ModelKey(self.engine.name, self.path, self.device, compute_type)
        try:
            with _loading:
                if key not in loaded_models:
                    loaded_models.clear()
                    loaded_models[key] = self.engine.load(
                        self.path, device=self.device, compute_type=compute_type, threads=self.options.threads
                    )
                return loaded_models[key]
        except Exception as error:  # whatever three libraries raise at a file that is not what it should be
            if isinstance(error, RuntimeError) and self.device != "cpu":
                self._fall_back(error)
                return self.load()
            raise WeightsDamagedError(
                f"The weights in {self.path} could not be loaded.",
                remedy=f"Delete them and run `.venv/bin/python manage.py download_model {self.result.model}`.",
            ) from error

    def _fall_back(self, error: RuntimeError) -> None:
        """Go on on the CPU, and say so; raises EngineError where that is not wanted or does not help."""
        is_full = _OUT_OF_MEMORY in str(error).lower()
        if self.device == "cpu" or not (is_full or self.options.device == "auto"):
            raise EngineError(
                f"{self.engine.name} gave up: {error}.", remedy="Try again, or choose a smaller model."
            ) from error
        loaded_models.clear()
        self.device = "cpu"
        self.result.notes.append(ON_CPU_NOTE if is_full else NO_CARD_NOTE.format(error))
