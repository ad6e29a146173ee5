"""What a provider is: 16 kHz mono audio and options in, segments out. It reads no settings and knows no database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from jobs.progress import Progress
from transcription.segments import SpokenSegment


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether a provider can work now and, if not, exactly what is missing and what to do about it."""

    is_ready: bool
    reason: str = ""
    remedy: str = ""
    can_prepare: bool = False  # what is missing is fetched at first use


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing that can be chosen; `choices` is empty where any text goes."""

    name: str
    label: str
    default: str = ""
    choices: tuple[str, ...] = ()


class AnswerMemory(Protocol):
    """Keeps what was paid for: the same question is never paid for twice."""

    def recall(self, question: str) -> Any:
        """What was answered to this question, or None."""

    def keep(self, question: str, segments: list[Any]) -> None:
        """Write the answer, in the transaction that settles its cost."""


class NoMemory:
    """For requests that nobody pays for."""

    def recall(self, question: str) -> None:
        return None

    def keep(self, question: str, segments: list[Any]) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """What is wanted of one transcription. Empty means: the provider's own choice."""

    model: str = ""
    engine: str = ""
    language: str = ""
    languages: tuple[str, ...] = ()  # the guess is made among them; none: among all
    vocabulary: tuple[str, ...] = ()  # names and terms to be expected
    duration_s: float | None = None
    file_id: int | None = None
    file_name: str = ""
    holder: str = ""  # who pays, for the ledger: a job finds again what it reserved before it was killed
    memory: AnswerMemory = field(default_factory=NoMemory)


@dataclass(kw_only=True)
class TranscriptionResult:
    """A transcription under way. `language`, its probability and `notes` are settled when `speeches` is exhausted."""

    engine: str
    model: str
    segments: Iterator[SpokenSegment]
    language: str = ""
    language_probability: float | None = None  # None where it was given, or is unknown
    is_approximate: bool = False
    notes: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TranscriptionCost:
    """What it would cost, as a range in USD; zero for engines on this machine. An unknown price is not zero."""

    usd_low: Decimal = Decimal(0)
    usd_high: Decimal = Decimal(0)
    is_unpriced: bool = False


class TranscriptionProvider(Protocol):
    """An engine, or a choice of engines, behind one name."""

    name: str
    label: str
    is_paid: bool
    engines: tuple[str, ...]  # what `EngineRequest.engine` may name; none: there is no choice
    takes_vocabulary: bool  # whether names and terms to be expected change what it hears

    def readiness(self, request: EngineRequest) -> Readiness:
        """Whether this wish could be served now. Cheap: asks no network and loads nothing heavy."""

    def options(self) -> list[Option]:
        """What can be chosen."""

    def identity(self, request: EngineRequest) -> tuple[str, str]:
        """(engine, model) that a transcript made by this wish would be stored under."""

    def prepare(self, request: EngineRequest, progress: Progress) -> None:
        """Get what is missing and can be got (weights), as a step of its own. Raises ProviderNotReadyError."""

    def cost(self, *durations_s: float) -> TranscriptionCost:
        """What files with audio of these lengths would cost, each by itself."""

    def transcribe(self, audio: Path, request: EngineRequest, progress: Progress) -> TranscriptionResult:
        """Listen to a 16 kHz mono file.

        Segments come in order, in seconds from the start of the audio. Progress moves with the audio, and its
        `Cancelled` is let through. Raises TranscriptionError.
        """
