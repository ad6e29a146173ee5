"""Nova Sonic at AWS. Paid; the times are approximate, as it gives none: when the words came back is what is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from bedrock.speech import transcribing
from bedrock.speech.sonic import SonicSegment
from bedrock.speech.transcriber import AudioDescription, SonicTranscriber
from jobs.progress import Progress
from transcription.audio import SEARCH_SHARE, Block, read_blocks
from transcription.errors import ProviderNotReadyError
from transcription.providers.base import EngineRequest, Option, Readiness, TranscriptionCost, TranscriptionResult
from transcription.segments import SpokenSegment

#: Well below the eight minutes of a stream, and long enough that few sentences are cut.
PIECE_S = 300.0
#: About so fast do people speak, for the length of a segment whose end alone is known.
CHARS_PER_S = 15.0
LANGUAGES = ("en", "fr", "it", "de", "es", "pt", "hi")
NO_ENGINES: tuple[str, ...] = ()
APPROXIMATE_NOTE = "Nova Sonic gives no times: they are taken from when its words came back."


@dataclass(frozen=True, kw_only=True)
class NovaSonicProvider:
    """Sends the audio to AWS, in pieces cut where it is quiet, one stream each, in order."""

    sonic: SonicTranscriber
    piece_s: float = PIECE_S

    name = "nova_sonic"
    label = "Amazon Nova Sonic (paid)"
    is_paid = True
    engines = NO_ENGINES
    takes_vocabulary = False

    def readiness(self, request: EngineRequest) -> Readiness:
        missing = self.sonic.missing()
        if not missing:
            return Readiness(is_ready=True)
        return Readiness(
            is_ready=False,
            reason=f"Nova Sonic needs {', '.join(missing)}.",
            remedy="Install or set what is missing (docs/aws.md), or use whisper, which is free.",
        )

    def options(self) -> list[Option]:
        return [Option(name="model", label="Model", default=self.sonic.model_id, choices=(self.sonic.model_id,))]

    def identity(self, request: EngineRequest) -> tuple[str, str]:
        return "stream" if self.sonic.is_stream else "converse", self.sonic.model_id

    def prepare(self, request: EngineRequest, progress: Progress) -> None:
        return None

    def cost(self, *durations_s: float) -> TranscriptionCost:
        whole = [float(ceil(seconds)) for seconds in durations_s if seconds]
        pieces = [piece for seconds in whole for piece in self._pieces(seconds)] if self.sonic.is_stream else whole
        found = self.sonic.estimate(pieces)
        return TranscriptionCost(usd_low=found[0], usd_high=found[1]) if found else TranscriptionCost(is_unpriced=True)

    def _pieces(self, duration_s: float) -> list[float]:
        """The most pieces that audio of this length may be cut into: each is reserved with an answer of its own."""
        shortest_s = self.piece_s * (1 - SEARCH_SHARE)
        count = max(0, ceil((duration_s - self.piece_s) / shortest_s))
        return [*[shortest_s] * count, duration_s - count * shortest_s]

    def transcribe(self, audio: Path, request: EngineRequest, progress: Progress) -> TranscriptionResult:
        ready = self.readiness(request)
        if not ready.is_ready:
            raise ProviderNotReadyError(ready.reason, remedy=ready.remedy)
        engine, model = self.identity(request)
        notes = [APPROXIMATE_NOTE]
        is_stream = self.sonic.is_stream
        return TranscriptionResult(
            engine=engine,
            model=model,
            language=request.language,
            is_approximate=True,
            notes=notes,
            segments=(
                self._by_stream(audio, request, progress)
                if is_stream
                else self._by_converse(audio, request, progress, notes)
            ),
        )

    def _by_stream(self, audio: Path, request: EngineRequest, progress: Progress) -> Iterator[SpokenSegment]:
        total_s = request.duration_s or 0.0
        for block in read_blocks(audio, longest_s=self.piece_s):

            def report(share: float, block: Block = block) -> None:
                at_s = block.offset_s + share * block.duration_s
                progress.update(min(1.0, at_s / total_s) if total_s else 0.0, "Listening at AWS")

            said = transcribing.transcribe_piece(
                self.sonic, to_pcm(block), self._about(request), request.memory, report
            )
            report(1.0)
            yield from placed(said, offset_s=block.offset_s, end_s=block.offset_s + block.duration_s)

    def _by_converse(
        self, audio: Path, request: EngineRequest, progress: Progress, notes: list[str]
    ) -> Iterator[SpokenSegment]:
        total_s = request.duration_s or 0.0
        progress.update(0.0, "Listening at AWS")
        answer = transcribing.transcribe_file(self.sonic, audio, total_s, self._about(request), request.memory)
        notes += [line.note for line in answer if line.note]
        said = [line for line in answer if line.text]
        ends = [*(line.at_s for line in said[1:]), total_s]
        for line, end_s in zip(said, ends, strict=False):  # without a word there is one end too many
            yield SpokenSegment(start_s=line.at_s, end_s=max(end_s, line.at_s), text=line.text)

    @staticmethod
    def _about(request: EngineRequest) -> AudioDescription:
        return AudioDescription(file_id=request.file_id, file_name=request.file_name, holder=request.holder)


def to_pcm(block: Block) -> bytes:
    """16 bit, little-endian."""
    return (np.clip(block.samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()


def placed(said: list[SonicSegment], *, offset_s: float, end_s: float) -> list[SpokenSegment]:
    """Segments that end when their words came back and are as long as their text takes to say, none over another."""
    made: list[SpokenSegment] = []
    free_s = offset_s
    for line in said:
        stop_s = min(max(offset_s + line.at_s, free_s), end_s)
        start_s = max(free_s, stop_s - len(line.text) / CHARS_PER_S)
        made.append(SpokenSegment(start_s=min(start_s, stop_s), end_s=stop_s, text=line.text))
        free_s = stop_s
    return made
