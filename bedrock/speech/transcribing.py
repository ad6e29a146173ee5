"""Speech to text at AWS, paid through the ledger: a piece of audio is asked once, and its answer is kept for good.

Two routes, by the id that is called: Sonic by its duplex stream, any other id (a model that accepts audio) by one
Converse request that reads the audio from S3.
"""

import asyncio
import hashlib
import json
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Protocol

import botocore.session
from botocore.exceptions import BotoCoreError

from bedrock import catalogue, clients, conf, faults, staging
from bedrock.errors import AlreadyPaidError, BedrockError, LostAnswerError, QuestionInFlightError
from bedrock.ledger import booking
from bedrock.ledger.paying import insist
from bedrock.models import Entry
from bedrock.pricing import Price, Usage
from bedrock.speech import sonic, sonic_sdk
from bedrock.speech.sonic import SonicSegment

PURPOSE = "transcription"
#: Part of what makes a question the same: what the model is told.
VERSION = "sonic-1"
#: The prompt, and room for its frame.
PROMPT_TOKENS = 200
#: The low end of an estimate: this share of the tokens that are reserved.
LOW_SHARE = 5
REPORT_EVERY_S = 0.5
#: So long does another call with the same question last at most.
ELSEWHERE_S = sonic.STREAM_LIMIT_S
CONVERSE_PROMPT = (
    "Transcribe the speech in this audio word for word, in its own language. Write one line for each sentence, "
    "beginning with its start in seconds in square brackets, as in [12.5]. Write nothing else."
)
#: Why a model stops that has said all.
WHOLE = ("end_turn", "stop_sequence")
_LINE = re.compile(r"^\s*\[\s*(\d+(?:\.\d+)?)\s*s?\s*\]\s*(.+)$")

logger = logging.getLogger(__name__)

OpenStream = Callable[[str, str], Awaitable[sonic.Stream]]


class ReplyMemory(Protocol):
    """Where answers are kept: a question that was paid is never paid again."""

    def recall(self, question: str) -> list[SonicSegment] | None: ...

    def keep(self, question: str, said: list[SonicSegment], settle: Callable[[], object]) -> None:
        """Write the answer and settle its cost, both or neither."""


@dataclass(frozen=True, kw_only=True)
class SonicTranscriber:
    """Who is asked, and how."""

    model_id: str
    runtime_id: str
    max_tokens: int
    tokens_per_s: int
    settings: sonic.Settings = field(default_factory=sonic.Settings)
    open_stream: OpenStream = sonic_sdk.open_stream

    @property
    def is_stream(self) -> bool:
        return "sonic" in self.runtime_id

    def price(self) -> Price | None:
        found = catalogue.by_model_id(self.runtime_id) or catalogue.by_model_id(self.model_id)
        return catalogue.price(found, "realtime") if found else None

    def worst(self, duration_s: float, price: Price | None) -> Usage:
        """What a piece of this length could use at most, by the labelled setting."""
        heard = ceil((duration_s + sonic.TAIL_S) * self.tokens_per_s)
        if self.is_stream:
            return Usage(
                input_tokens=PROMPT_TOKENS,
                speech_input_tokens=heard,
                output_tokens=self.max_tokens,
                speech_output_tokens=self.max_tokens,
            )
        return self.converse_usage(PROMPT_TOKENS + heard, self.max_tokens, price)

    @staticmethod
    def converse_usage(tokens_in: int, tokens_out: int, price: Price | None) -> Usage:
        """Converse counts sound and text together: all of it is booked as sound where sound has a rate of its own."""
        if price is not None and "speech_input_per_1k" in price.rates:
            return Usage(speech_input_tokens=tokens_in, output_tokens=tokens_out)
        return Usage(input_tokens=tokens_in, output_tokens=tokens_out)


@dataclass(frozen=True, kw_only=True)
class AudioDescription:
    """Which file the audio is of, for the ledger."""

    file_id: int | None = None
    file_name: str = ""
    holder: str = ""


def missing(speaker: SonicTranscriber) -> list[str]:
    """What keeps this speaker from being asked, in words; empty = nothing. Asks no network."""
    reasons = sonic_sdk.missing() if speaker.is_stream else []
    if not conf.bucket():
        reasons.append("S3_BUCKET_NAME (the staging bucket)")
    if not has_credentials():
        reasons.append("AWS credentials")
    return reasons


def has_credentials() -> bool:
    """Whether boto3's own chain finds some, without asking the network."""
    session = botocore.session.get_session()
    session.set_config_variable("metadata_service_num_attempts", 0)
    try:
        resolver: Any = session.get_component("credential_provider")
        resolver.remove("iam-role")
        resolver.remove("container-role")
        return resolver.load_credentials() is not None
    except BotoCoreError:  # a profile that is named and not there
        return False


def estimate(speaker: SonicTranscriber, durations_s: list[float]) -> tuple[Decimal, Decimal] | None:
    """(low, high) USD of pieces of these lengths; None = unpriced."""
    price = speaker.price()
    if price is None:
        return None
    alike = Counter(durations_s)
    high = sum((price.cost(speaker.worst(seconds, price)) * times for seconds, times in alike.items()), Decimal(0))
    low = sum((price.cost(_low(speaker, seconds, price)) * times for seconds, times in alike.items()), Decimal(0))
    return low, high


def _low(speaker: SonicTranscriber, seconds: float, price: Price) -> Usage:
    tokens = ceil(seconds * speaker.tokens_per_s / LOW_SHARE)
    return Usage(speech_input_tokens=tokens) if speaker.is_stream else speaker.converse_usage(tokens, 0, price)


def question_of(speaker: SonicTranscriber, content: bytes) -> str:
    """The same for the same audio, model and parameters."""
    parts = [VERSION, speaker.runtime_id, speaker.max_tokens, hashlib.sha256(content).hexdigest()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def hear_piece(
    speaker: SonicTranscriber,
    pcm: bytes,
    about: AudioDescription,
    memory: ReplyMemory,
    report: Callable[[float], None] = lambda fraction: None,
) -> list[SonicSegment]:
    """What is said in one piece of audio (16 kHz, 16 bit, mono), by the duplex stream.

    Raises BedrockError. A stream that breaks is booked as possibly paid and asked once more.
    """
    question = question_of(speaker, pcm)

    def ask() -> tuple[list[SonicSegment], Usage]:
        answer = _listen_beside(speaker, pcm, report)
        return list(answer.said), answer.usage

    def asked() -> list[SonicSegment]:
        return _paid(speaker, question, sonic.duration_s(pcm), about, memory, ask)

    def asked_twice() -> list[SonicSegment]:
        try:
            return asked()
        except LostAnswerError:
            return asked()

    began = time.monotonic()
    while True:
        try:
            return _once(question, memory, asked_twice)
        except QuestionInFlightError:  # the answer of another call is waited for
            if time.monotonic() - began > ELSEWHERE_S:
                raise
        report(0.0)
        time.sleep(REPORT_EVERY_S)


def _once(question: str, memory: ReplyMemory, ask: Callable[[], list[SonicSegment]]) -> list[SonicSegment]:
    """The answer that is kept; else a new one, which is paid."""
    kept = memory.recall(question)
    if kept is not None:
        return kept
    try:
        return ask()
    except AlreadyPaidError:  # between the look and the call: then it is kept by now
        kept = memory.recall(question)
        if kept is None:
            raise
        return kept


def _listen_beside(speaker: SonicTranscriber, pcm: bytes, report: Callable[[float], None]) -> sonic.SonicAnswer:
    """Run the stream in a thread of its own: `report` writes to the database, which must not be done in a loop."""
    share = 0.0
    is_unwanted = threading.Event()

    def note(sent: float) -> None:
        nonlocal share
        share = sent
        if is_unwanted.is_set():
            raise asyncio.CancelledError

    with ThreadPoolExecutor(1, thread_name_prefix="sonic") as pool:
        future = pool.submit(lambda: asyncio.run(_listen(speaker, pcm, note)))
        try:
            while not wait([future], timeout=REPORT_EVERY_S).done:
                report(share)
            return future.result()
        finally:
            is_unwanted.set()


async def _listen(speaker: SonicTranscriber, pcm: bytes, report: Callable[[float], None]) -> sonic.SonicAnswer:
    try:
        stream = _Heard(await speaker.open_stream(speaker.runtime_id, conf.region()))
    except BedrockError as error:
        raise _RefusedError(error) from error
    try:
        return await sonic.listen(stream, pcm, speaker.settings, report)
    except BedrockError as error:
        if isinstance(error, LostAnswerError) or stream.has_answered:
            raise
        raise _RefusedError(error) from error


class _Heard:
    """A stream that knows whether anything came back. What is refused before the first event is not charged."""

    def __init__(self, stream: sonic.Stream) -> None:
        self._stream = stream
        self.send, self.close = stream.send, stream.close
        self.has_answered = False

    async def receive(self) -> dict[str, Any] | None:
        event = await self._stream.receive()
        self.has_answered = True
        return event


class _RefusedError(Exception):
    """Nothing was sent, or AWS refused it: nothing was charged. The cause is what it said."""

    def __init__(self, cause: BedrockError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _paid(
    speaker: SonicTranscriber,
    question: str,
    duration_s: float,
    about: AudioDescription,
    memory: ReplyMemory,
    ask: Callable[[], tuple[list[SonicSegment], Usage]],
) -> list[SonicSegment]:
    """Reserve, ask, keep the answer and settle."""
    price = speaker.price()
    worst = price.cost(speaker.worst(duration_s, price)) if price else None
    entry = booking.reserve(
        booking.ReservationRequest(
            question=question,
            purpose=PURPOSE,
            model_key=speaker.model_id,
            mode="realtime",
            usd=worst,
            price=price,
            file_id=about.file_id,
            file_name=about.file_name,
            holder=about.holder,
        )
    )
    booking.sent(entry)
    said, usage = _asked(entry, ask)
    insist(lambda: memory.keep(question, said, lambda: booking.settle(entry, usage=usage)))
    return said


def _asked(entry: Entry, ask: Callable[[], tuple[list[SonicSegment], Usage]]) -> tuple[list[SonicSegment], Usage]:
    try:
        return ask()
    except _RefusedError as error:
        booking.release(entry, note=str(error))
        raise error.cause from error
    except BaseException as error:  # a cancel or a Ctrl-C too: audio was sent
        booking.possibly_paid(entry, f"{type(error).__name__}: {error}")
        raise


# --- a model that accepts audio by Converse -----------------------------------------------------------------------


def hear_file(
    speaker: SonicTranscriber, audio: Path, duration_s: float, about: AudioDescription, memory: ReplyMemory
) -> list[SonicSegment]:
    """What is said in a FLAC file, by one Converse request that reads it from S3. Times are the model's own."""
    question = question_of(speaker, audio.read_bytes())

    def ask() -> list[SonicSegment]:
        key = f"{staging.REALTIME_PREFIX}/{staging.new_id()}.flac"
        address = staging.upload(audio, key, content_type="audio/flac")
        try:
            return _paid(speaker, question, duration_s, about, memory, lambda: _converse(speaker, address))
        finally:
            _forget(key)

    return _once(question, memory, ask)


def _forget(key: str) -> None:
    """A copy that stays behind is no reason to lose an answer that was paid: S3's own rule clears it."""
    try:
        staging.delete([key])
    except BedrockError as error:
        logger.warning("A copy of a sound could not be deleted from S3: %s", error)


def _converse(speaker: SonicTranscriber, address: str) -> tuple[list[SonicSegment], Usage]:
    source: Any = {"audio": {"format": "flac", "source": {"s3Location": {"uri": address}}}}
    try:
        with faults.told(f"Asking {speaker.runtime_id}", paid=True):
            answer: Any = clients.runtime().converse(
                modelId=speaker.runtime_id,
                messages=[{"role": "user", "content": [source, {"text": CONVERSE_PROMPT}]}],
                inferenceConfig={"maxTokens": speaker.max_tokens, "temperature": 0.0},
            )
    except LostAnswerError:
        raise
    except BedrockError as error:
        raise _RefusedError(error) from error
    blocks = answer.get("output", {}).get("message", {}).get("content", [])
    text = "\n".join(str(block["text"]) for block in blocks if "text" in block)
    used = Usage.from_bedrock(answer.get("usage", {}))
    said = parse_lines(text)
    if answer.get("stopReason") not in WHOLE:
        at_s = said[-1].at_s if said else 0.0
        said.append(SonicSegment(at_s, "", f"{_why(answer, speaker)}: what is said after second {at_s:g} is missing."))
    return said, speaker.converse_usage(used.input_tokens, used.output_tokens, speaker.price())


def _why(answer: Any, speaker: SonicTranscriber) -> str:
    reason = str(answer.get("stopReason"))
    if reason == "max_tokens":
        return f"The answer ended at its limit of {speaker.max_tokens:,} tokens (NOVA_SONIC_MAX_TOKENS)"
    return f"The model stopped early ({reason})"


def parse_lines(text: str) -> list[SonicSegment]:
    """`[12.5] Words` a line; a line without a moment goes on with the one above it."""
    said: list[SonicSegment] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            said.append(SonicSegment(float(found[1]), found[2].strip()))
        elif line.strip() and said:
            said[-1] = SonicSegment(said[-1].at_s, f"{said[-1].text} {line.strip()}")
        elif line.strip():
            said.append(SonicSegment(0.0, line.strip()))
    return said
