"""Nova Sonic's duplex stream, used to transcribe: what is sent when, how fast, and what is taken of the answers.

Sonic is made for talk, not for files. One stream lives eight minutes, audio must arrive about as fast as it is spoken,
and the model answers: its answers are dropped, their tokens are counted. Pure of the SDK (see `sonic_sdk`), so that it
runs against any `Stream`. Source: Nova user guide "Speech-to-speech", input and output events, and "Turn taking";
amazon-nova-samples.

A piece ends in this order. Turn detection takes a pause for the end of what was said, so silence is sent after the
audio. `promptEnd` does not wait for an answer, so it is sent only when nothing more comes. Then the answer is whole,
and neither a stream that nobody closes nor one that breaks takes it away.
"""

import asyncio
import base64
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from bedrock.errors import BadRequestError, BedrockError, LostAnswerError
from bedrock.pricing import Usage, token_count

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

RATE = 16_000
BYTES_PER_S = RATE * 2
#: 32 ms a frame, as the samples of AWS have it.
FRAME_BYTES = 1024
FRAME_S = FRAME_BYTES / BYTES_PER_S
STREAM_LIMIT_S = 480.0
#: Longer pieces would leave no room for the handshake and the last answers.
LONGEST_PIECE_S = 420.0
#: How long a pause ends a turn: the guide recommends MEDIUM, which waits for 1.75 s.
SENSITIVITY = "MEDIUM"
#: Nothing more comes when nothing came for so long, while silence is sent.
QUIET_S = 1.5
#: So much silence is sent at least after the audio: the pause that ends a turn, and as long for its words to come.
TAIL_S = 1.75 + QUIET_S
#: So much silence is sent at most, for a model that does not stop talking.
LONGEST_TAIL_S = 12.0
#: So long are the last words of an answer waited for that was not whole when the prompt was closed,
PATIENCE_S = 30.0
#: and so long the end of a stream whose answer is here.
FAREWELL_S = 2.0
#: One event is sent, and a stream is closed, within seconds; on a connection that hangs neither ever ends.
SEND_LIMIT_S = 30.0
CLOSE_LIMIT_S = 5.0
SYSTEM_PROMPT = "You are a silent listener. Whatever you hear, answer with the single word: noted."
VOICE = "matthew"


class Stream(Protocol):
    """An open duplex stream. `receive` gives None when the other side has closed it in good order."""

    async def send(self, event: Mapping[str, Any]) -> None: ...

    async def close_input(self) -> None:
        """Say that nothing more will be sent."""

    async def receive(self) -> dict[str, Any] | None: ...

    async def close(self) -> None: ...


class StreamClock(Protocol):
    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    """Real time."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class SonicSegment:
    """Words that the speaker said; `at_s` = how much audio had been sent when they came back.

    `note` is what a person should know of the answer from there on.
    """

    at_s: float
    text: str
    note: str = ""


@dataclass(frozen=True)
class SonicAnswer:
    """What one stream gave."""

    segments: tuple[SonicSegment, ...]
    usage: Usage


@dataclass(kw_only=True)
class StreamSettings:
    """How a stream is held. `pace` 1 is as fast as it is spoken."""

    max_tokens: int = 4096
    pace: float = 1.0
    patience_s: float = PATIENCE_S
    send_limit_s: float = SEND_LIMIT_S
    close_limit_s: float = CLOSE_LIMIT_S
    clock: StreamClock = field(default_factory=WallClock)


def opening(max_tokens: int) -> Iterator[dict[str, Any]]:
    """The events before the audio."""
    yield _event(
        "sessionStart",
        inferenceConfiguration={"maxTokens": max_tokens, "topP": 0.1, "temperature": 0.0},
        turnDetectionConfiguration={"endpointingSensitivity": SENSITIVITY},
    )
    audio_out = {"mediaType": "audio/lpcm", "sampleRateHertz": 24000, "sampleSizeBits": 16, "channelCount": 1}
    yield _event(
        "promptStart",
        promptName="prompt",
        textOutputConfiguration={"mediaType": "text/plain"},
        audioOutputConfiguration={**audio_out, "voiceId": VOICE, "encoding": "base64", "audioType": "SPEECH"},
    )
    yield _event(
        "contentStart",
        promptName="prompt",
        contentName="system",
        type="TEXT",
        interactive=False,
        role="SYSTEM",
        textInputConfiguration={"mediaType": "text/plain"},
    )
    yield _event("textInput", promptName="prompt", contentName="system", content=SYSTEM_PROMPT)
    yield _event("contentEnd", promptName="prompt", contentName="system")
    audio_in = {"mediaType": "audio/lpcm", "sampleRateHertz": RATE, "sampleSizeBits": 16, "channelCount": 1}
    yield _event(
        "contentStart",
        promptName="prompt",
        contentName="audio",
        type="AUDIO",
        interactive=True,
        role="USER",
        audioInputConfiguration={**audio_in, "audioType": "SPEECH", "encoding": "base64"},
    )


def closing() -> Iterator[dict[str, Any]]:
    """The events after the audio."""
    yield _event("contentEnd", promptName="prompt", contentName="audio")
    yield _event("promptEnd", promptName="prompt")
    yield _event("sessionEnd")


def frames(pcm: bytes) -> Iterator[dict[str, Any]]:
    """Audio as events. `pcm` is 16 kHz, 16 bit, mono, little-endian."""
    for start in range(0, len(pcm), FRAME_BYTES):
        content = base64.b64encode(pcm[start : start + FRAME_BYTES]).decode()
        yield _event("audioInput", promptName="prompt", contentName="audio", content=content)


def _event(name: str, **body: Any) -> dict[str, Any]:
    return {"event": {name: body}}


def duration_s(pcm: bytes) -> float:
    return len(pcm) / BYTES_PER_S


async def listen(
    stream: Stream, pcm: bytes, settings: StreamSettings, report: Callable[[float], None] = lambda fraction: None
) -> SonicAnswer:
    """Send one piece of audio and collect what its speakers said. `report` gets the share that was sent.

    Raises BadRequestError for a piece that is too long, LostAnswerError where the stream broke or fell silent before
    the answer was whole, and a BedrockError for what the service refused.
    """
    if duration_s(pcm) > LONGEST_PIECE_S:
        raise BadRequestError(f"{duration_s(pcm):.0f} s of audio do not fit into one stream.")
    talk = _Talk(stream, pcm, settings, report)
    talk.receiver = asyncio.create_task(talk.receive())
    try:
        for event in opening(settings.max_tokens):
            await talk.send(event)
        await talk.feed()
        await talk.end()
    except TimeoutError as error:
        raise LostAnswerError(f"Nova Sonic did not go on after {talk.sent_s:.0f} s of audio.") from error
    except ConnectionError as error:
        raise LostAnswerError(f"The stream broke after {talk.sent_s:.0f} s of audio: {error}.") from error
    except BedrockError as error:  # what is refused before the first event is not charged
        error.may_be_charged = error.may_be_charged or talk.has_answered
        raise
    finally:
        talk.receiver.cancel()
        await asyncio.gather(talk.receiver, return_exceptions=True)
        try:
            await within(settings.close_limit_s, stream.close())
        except Exception as error:  # noqa: BLE001  (of the SDK, its transport, the system: the answer is here, and paid)
            logger.info("A stream could not be closed in good order: %s", error)
    return SonicAnswer(tuple(talk.segments), talk.usage)


async def within(seconds: float, work: Awaitable[Answer]) -> Answer:
    """Wait for this so long, in real time. Raises TimeoutError."""
    return await asyncio.wait_for(work, seconds)


class _Talk:
    """One stream from its first event to its last: what is sent, and what of the answers is kept.

    The speaker's final words are kept, the model's own are dropped, usage is counted.
    """

    receiver: "asyncio.Task[None]"

    def __init__(self, stream: Stream, pcm: bytes, settings: StreamSettings, report: Callable[[float], None]) -> None:
        self.segments: list[SonicSegment] = []
        self.usage = Usage()
        self.sent_s = 0.0
        self._stream, self._pcm, self._settings, self._report = stream, pcm, settings, report
        self.has_answered = False
        #: Blocks by their id: whether their text is kept. The open ones have not ended yet.
        self._is_kept: dict[str, bool] = {}
        self._open_blocks: set[str] = set()
        self._last_event_at = settings.clock.now()
        self._is_over = asyncio.Event()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Raises TimeoutError where the connection takes nothing any more."""
        await within(self._settings.send_limit_s, self._stream.send(event))

    async def feed(self) -> None:
        """Send the audio and then silence, no faster than `pace`; whatever ended the stream meanwhile is raised."""
        clock, length_s = self._settings.clock, duration_s(self._pcm)
        began, seconds = clock.now(), 0.0
        silence = bytes(FRAME_BYTES)
        events = frames(self._pcm)

        def may_end(silence_s: float) -> bool:
            return silence_s >= LONGEST_TAIL_S or (silence_s >= TAIL_S and self._is_quiet())

        while (event := next(events, None)) is not None or not may_end(seconds - length_s):
            await clock.sleep(max(began + seconds / self._settings.pace - clock.now(), 0.0))
            if self.receiver.done():
                self.receiver.result()  # raises what ended it
                raise ConnectionError("it was closed from the other side")
            await self.send(event or next(frames(silence)))
            seconds += FRAME_S
            self.sent_s = min(seconds, length_s)
            self._report(min(1.0, self.sent_s / max(length_s, FRAME_S)))

    def _is_quiet(self) -> bool:
        return not self._open_blocks and self._settings.clock.now() - self._last_event_at >= QUIET_S

    async def end(self) -> None:
        """Close the prompt, and wait for the last words of an answer that is not whole yet."""
        is_whole = self.has_answered and self._is_quiet()
        try:
            self._is_over.clear()  # only from here on, the end of an answer is the end of all
            for event in closing():
                await self.send(event)
            await within(self._settings.send_limit_s, self._stream.close_input())
            patience_s = min(FAREWELL_S, self._settings.patience_s) if is_whole else self._settings.patience_s
            over = asyncio.create_task(self._is_over.wait())
            await asyncio.wait({over, self.receiver}, timeout=patience_s, return_when="FIRST_COMPLETED")
            over.cancel()
            if self.receiver.done():
                self.receiver.result()
            elif not self._is_over.is_set():
                raise TimeoutError
        except (TimeoutError, ConnectionError, BedrockError) as error:
            if not is_whole:
                raise
            logger.info("A stream ended in disorder after its answer had come: %s", error)

    async def receive(self) -> None:
        while (event := await self._stream.receive()) is not None:
            self.has_answered = True
            for name, body in event.get("event", {}).items():
                self._take(name, body if isinstance(body, dict) else {})
        if not self.has_answered:
            raise ConnectionError("it was closed without an answer")

    def _take(self, name: str, body: Mapping[str, Any]) -> None:
        if name == "usageEvent":  # comes at any time, and says nothing of the answer
            self.usage = usage_of(body)
            return
        self._last_event_at = self._settings.clock.now()
        block = str(body.get("contentId", ""))
        if name == "contentStart":
            self._open_blocks.add(block)
            self._is_kept[block] = body.get("role") == "USER" and is_final(body)
        elif name == "textOutput" and self._is_kept.get(block):
            text = " ".join(str(body.get("content", "")).split())
            if text and body.get("role", "USER") == "USER":
                self.segments.append(SonicSegment(round(self.sent_s, 3), text))
        elif name == "contentEnd":
            self._open_blocks.discard(block)
        elif name == "completionEnd":
            self._open_blocks.clear()
            self._is_over.set()


def is_final(start: Mapping[str, Any]) -> bool:
    """Whether a block is the last word on what was said, not a first guess. Without a stage it is."""
    with suppress(ValueError, AttributeError):
        stage = json.loads(start.get("additionalModelFields") or "{}").get("generationStage", "FINAL")
        return bool(stage == "FINAL")
    return True


def usage_of(event: Mapping[str, Any]) -> Usage:
    """The running total of a `usageEvent`: speech and text, in and out. One in another shape tells nothing."""
    try:
        total = event["details"]["total"]
        heard, spoken = dict(total.get("input") or {}), dict(total.get("output") or {})
    except (KeyError, TypeError, ValueError, AttributeError):
        return Usage()
    return Usage(
        input_tokens=token_count(heard, "textTokens"),
        output_tokens=token_count(spoken, "textTokens"),
        speech_input_tokens=token_count(heard, "speechTokens"),
        speech_output_tokens=token_count(spoken, "speechTokens"),
    )
