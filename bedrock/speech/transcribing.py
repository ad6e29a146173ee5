"""Speech to text at AWS, paid through the ledger: a piece of audio is asked once, and its answer is kept for good.

Two routes, by the id that is called: Sonic by its duplex stream, any other id (a model that accepts audio) by one
Converse request that reads the audio from S3.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bedrock import clients, conf, faults, staging
from bedrock.errors import AlreadyPaidError, BedrockError, QuestionInFlightError
from bedrock.ledger.booking import ReservationRequest
from bedrock.ledger.paying import PaidReply, paid
from bedrock.pricing import Usage
from bedrock.speech import sonic
from bedrock.speech.sonic import SonicSegment
from bedrock.speech.transcriber import AudioDescription, SonicTranscriber, converse_usage

REPORT_EVERY_S = 0.5
#: So long does another call with the same question last at most.
ELSEWHERE_S = sonic.STREAM_LIMIT_S
CONVERSE_PROMPT = (
    "Transcribe the speech in this audio word for word, in its own language. Write one line for each sentence, "
    "beginning with its start in seconds in square brackets, as in [12.5]. Write nothing else."
)
#: Why a model stops that has said all.
WHOLE = ("end_turn", "stop_sequence")
LINE = re.compile(r"^\s*\[\s*(\d+(?:\.\d+)?)\s*s?\s*\]\s*(.+)$")

logger = logging.getLogger(__name__)

Segments = list[SonicSegment]
Result = TypeVar("Result")


class ReplyMemory(Protocol):
    """Where answers are kept: a question that was paid is never paid again."""

    def recall(self, question: str) -> Segments | None: ...

    def keep(self, question: str, segments: Segments) -> None:
        """Write the answer, in the transaction that settles its cost."""


def transcribe_piece(
    transcriber: SonicTranscriber,
    pcm: bytes,
    audio: AudioDescription,
    memory: ReplyMemory,
    report: Callable[[float], None] = lambda fraction: None,
) -> Segments:
    """What is said in one piece of audio (16 kHz, 16 bit, mono), by the duplex stream.

    Raises BedrockError, and what `report` raises: then the stream is ended, and booked as possibly paid. A stream that
    breaks is booked so too, and asked once more.
    """
    request = transcriber.reservation(transcriber.question_of(pcm), sonic.duration_s(pcm), audio)
    region = conf.region()

    def call() -> PaidReply[Segments]:
        share = 0.0

        def note(sent: float) -> None:
            nonlocal share
            share = sent

        async def listen() -> sonic.SonicAnswer:
            stream = await transcriber.open_stream(transcriber.runtime_id, region)
            return await sonic.listen(stream, pcm, transcriber.settings, note)

        # `report` writes to the database, which must not be done in a loop: the stream has a thread of its own.
        answer = run_beside(listen(), lambda: report(share))
        return PaidReply(list(answer.segments), answer.usage)

    began = time.monotonic()
    while True:
        try:
            return _remembered_or_paid(request, call, memory)
        except QuestionInFlightError:  # the answer of another call is waited for
            if time.monotonic() - began > ELSEWHERE_S:
                raise
        report(0.0)
        time.sleep(REPORT_EVERY_S)


def run_beside(work: Coroutine[Any, Any, Result], tick: Callable[[], None]) -> Result:
    """Run this in a loop and thread of its own, and call `tick` here meanwhile.

    What `tick` raises cancels the work, and is raised when its thread has ended.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def main() -> Result:
        started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    with ThreadPoolExecutor(1, thread_name_prefix="sonic") as pool:
        future = pool.submit(lambda: asyncio.run(main()))
        try:
            while not wait([future], timeout=REPORT_EVERY_S).done:
                tick()
        except BaseException:
            loop, task = started.result()
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)
            raise
        return future.result()


def _remembered_or_paid(
    request: ReservationRequest, call: Callable[[], PaidReply[Segments]], memory: ReplyMemory
) -> Segments:
    """The answer that is kept; else a new one, which is paid and kept."""
    kept = memory.recall(request.question)
    if kept is not None:
        return kept
    try:
        return paid(request, call, keep=lambda entry, segments: memory.keep(entry.question, segments))
    except AlreadyPaidError:  # between the look and the call: then it is kept by now
        kept = memory.recall(request.question)
        if kept is None:
            raise
        return kept


# --- a model that accepts audio by Converse -----------------------------------------------------------------------


def transcribe_file(
    transcriber: SonicTranscriber, path: Path, duration_s: float, audio: AudioDescription, memory: ReplyMemory
) -> Segments:
    """What is said in a FLAC file, by one Converse request that reads it from S3. Times are the model's own."""
    request = transcriber.reservation(transcriber.question_of(path.read_bytes()), duration_s, audio)
    kept = memory.recall(request.question)
    if kept is not None:
        return kept
    key = f"{staging.REALTIME_PREFIX}/{staging.new_id()}.flac"
    address = staging.upload(path, key, file_id=request.file_id, content_type="audio/flac")
    try:
        return _remembered_or_paid(request, lambda: _converse(transcriber, address), memory)
    finally:
        try:
            staging.delete([key])
        except BedrockError as error:  # no reason to lose an answer that was paid: S3's own rule clears it
            logger.warning("A copy of a sound could not be deleted from S3: %s", error)


def _converse(transcriber: SonicTranscriber, address: str) -> PaidReply[Segments]:
    source: Any = {"audio": {"format": "flac", "source": {"s3Location": {"uri": address}}}}
    with faults.told(f"Asking {transcriber.runtime_id}", paid=True):
        answer: Any = clients.runtime().converse(
            modelId=transcriber.runtime_id,
            messages=[{"role": "user", "content": [source, {"text": CONVERSE_PROMPT}]}],
            inferenceConfig={"maxTokens": transcriber.max_tokens, "temperature": 0.0},
        )
    blocks = answer.get("output", {}).get("message", {}).get("content", [])
    segments = parse_lines("\n".join(str(block["text"]) for block in blocks if "text" in block))
    reason = str(answer.get("stopReason"))
    if reason not in WHOLE:
        at_s = segments[-1].at_s if segments else 0.0
        why = f"The model stopped early ({reason})"
        if reason == "max_tokens":
            limit = f"{transcriber.max_tokens:,} tokens (NOVA_SONIC_MAX_TOKENS)"
            why = f"The answer ended at its limit of {limit}"
        segments.append(SonicSegment(at_s, "", f"{why}: what is said after second {at_s:g} is missing."))
    used = Usage.from_bedrock(answer.get("usage", {}))
    return PaidReply(segments, converse_usage(used.input_tokens, used.output_tokens, transcriber.price()))


def parse_lines(text: str) -> Segments:
    """`[12.5] Words` a line; a line without a moment goes on with the one above it."""
    segments: Segments = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            segments.append(SonicSegment(float(match[1]), match[2].strip()))
        elif line.strip() and segments:
            segments[-1] = SonicSegment(segments[-1].at_s, f"{segments[-1].text} {line.strip()}")
        elif line.strip():
            segments.append(SonicSegment(0.0, line.strip()))
    return segments
