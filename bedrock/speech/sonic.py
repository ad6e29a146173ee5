"""Nova Sonic's duplex stream, used to transcribe: what is sent when, how fast, and what is taken of the answers.

Sonic is made for talk, not for files. One stream lives eight minutes, audio must arrive about as fast as it is spoken,
and the model answers: its answers are dropped, their tokens are counted. Pure of the SDK (see `sonic_sdk`), so that it
runs against any `Stream`. Source: Nova user guide "Speech-to-speech", input and output events; amazon-nova-samples.
"""

import asyncio
import base64
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bedrock.errors import BadRequestError, LostAnswerError
from bedrock.pricing import Usage

logger = logging.getLogger(__name__)

RATE = 16_000
BYTES_PER_S = RATE * 2
#: 32 ms a frame, as the samples of AWS have it.
FRAME_BYTES = 1024
FRAME_S = FRAME_BYTES / BYTES_PER_S
STREAM_LIMIT_S = 480.0
#: Longer pieces would leave no room for the handshake and the last answers.
LONGEST_PIECE_S = 420.0
#: Turn detection takes a pause for the end of what was said.
TAIL_S = 1.5
#: After the last event the answers to the last words are still on their way.
PATIENCE_S = 30.0
SYSTEM_PROMPT = "You are a silent listener. Whatever you hear, answer with the single word: noted."
VOICE = "matthew"


class Stream(Protocol):
    """An open duplex stream. `receive` gives None when the other side has closed it in good order."""

    async def send(self, event: Mapping[str, Any]) -> None: ...

    async def receive(self) -> dict[str, Any] | None: ...

    async def close(self) -> None: ...


class Clock(Protocol):
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

    said: tuple[SonicSegment, ...]
    usage: Usage


@dataclass(kw_only=True)
class Settings:
    """How a stream is held. `pace` 1 is as fast as it is spoken."""

    max_tokens: int = 4096
    pace: float = 1.0
    patience_s: float = PATIENCE_S
    clock: Clock = field(default_factory=WallClock)


def opening(max_tokens: int) -> Iterator[dict[str, Any]]:
    """The events before the audio."""
    yield _event("sessionStart", inferenceConfiguration={"maxTokens": max_tokens, "topP": 0.1, "temperature": 0.0})
    speaks = {"mediaType": "audio/lpcm", "sampleRateHertz": 24000, "sampleSizeBits": 16, "channelCount": 1}
    yield _event(
        "promptStart",
        promptName="prompt",
        textOutputConfiguration={"mediaType": "text/plain"},
        audioOutputConfiguration={**speaks, "voiceId": VOICE, "encoding": "base64", "audioType": "SPEECH"},
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
    hears = {"mediaType": "audio/lpcm", "sampleRateHertz": RATE, "sampleSizeBits": 16, "channelCount": 1}
    yield _event(
        "contentStart",
        promptName="prompt",
        contentName="audio",
        type="AUDIO",
        interactive=True,
        role="USER",
        audioInputConfiguration={**hears, "audioType": "SPEECH", "encoding": "base64"},
    )


def closing() -> Iterator[dict[str, Any]]:
    """The events after the audio."""
    yield _event("contentEnd", promptName="prompt", contentName="audio")
    yield _event("promptEnd", promptName="prompt")
    yield _event("sessionEnd")


def frames(pcm: bytes) -> Iterator[dict[str, Any]]:
    """The audio and a pause behind it, in frames. `pcm` is 16 kHz, 16 bit, mono, little-endian."""
    whole = pcm + bytes(int(TAIL_S * RATE) * 2)
    for start in range(0, len(whole), FRAME_BYTES):
        content = base64.b64encode(whole[start : start + FRAME_BYTES]).decode()
        yield _event("audioInput", promptName="prompt", contentName="audio", content=content)


def _event(name: str, **body: Any) -> dict[str, Any]:
    return {"event": {name: body}}


def duration_s(pcm: bytes) -> float:
    return len(pcm) / BYTES_PER_S


async def listen(
    stream: Stream, pcm: bytes, settings: Settings, report: Callable[[float], None] = lambda fraction: None
) -> SonicAnswer:
    """Send one piece of audio and collect what its speakers said. `report` gets the share that was sent; it may raise.

    Raises BadRequestError for a piece that is too long, LostAnswerError where the stream broke or fell silent.
    """
    if duration_s(pcm) > LONGEST_PIECE_S:
        raise BadRequestError(f"{duration_s(pcm):.0f} s of audio do not fit into one stream.")
    hearing = _Hearing()
    receiver = asyncio.create_task(hearing.receive(stream))
    try:
        for event in opening(settings.max_tokens):
            await stream.send(event)
        await _feed(stream, pcm, settings, hearing, receiver, report)
        for event in closing():
            await stream.send(event)
        hearing.is_asked_to_end = True
        await asyncio.wait_for(receiver, settings.patience_s)
    except TimeoutError as error:
        raise LostAnswerError(f"No end of the answer within {settings.patience_s:.0f} s.") from error
    except ConnectionError as error:
        raise LostAnswerError(f"The stream broke after {hearing.sent_s:.0f} s of audio: {error}.") from error
    finally:
        receiver.cancel()
        await asyncio.gather(receiver, return_exceptions=True)
        await _close(stream)
    return SonicAnswer(tuple(hearing.said), hearing.usage)


async def _close(stream: Stream) -> None:
    """Whatever a stream says that the other side has closed before: its answer is here, and paid."""
    try:
        await stream.close()
    except Exception as error:  # noqa: BLE001  (those of the SDK, of its transport, and of the system)
        logger.info("A stream could not be closed in good order: %s", error)


async def _feed(
    stream: Stream,
    pcm: bytes,
    settings: Settings,
    hearing: "_Hearing",
    receiver: "asyncio.Task[None]",
    report: Callable[[float], None],
) -> None:
    """Send the frames no faster than `pace`; whatever the receiver met ends it."""
    began = settings.clock.now()
    length_s = max(duration_s(pcm), FRAME_S)
    for number, event in enumerate(frames(pcm)):
        ahead_s = began + number * FRAME_S / settings.pace - settings.clock.now()
        await settings.clock.sleep(max(ahead_s, 0.0))
        if receiver.done():
            receiver.result()  # raises what ended it
            raise ConnectionError("it was closed from the other side")
        await stream.send(event)
        hearing.sent_s = min((number + 1) * FRAME_S, duration_s(pcm))
        report(min(1.0, hearing.sent_s / length_s))


class _Hearing:
    """What comes back: the speaker's final words are kept, the model's own are dropped, usage is counted."""

    def __init__(self) -> None:
        self.said: list[SonicSegment] = []
        self.usage = Usage()
        self.sent_s = 0.0
        self.is_asked_to_end = False
        self._kept_blocks: dict[str, bool] = {}

    async def receive(self, stream: Stream) -> None:
        while (event := await stream.receive()) is not None:
            for name, body in event.get("event", {}).items():
                self._take(name, body)
        if not self.is_asked_to_end:
            raise ConnectionError("it was closed before the audio had ended")

    def _take(self, name: str, body: Mapping[str, Any]) -> None:
        if name == "contentStart":
            self._kept_blocks[str(body.get("contentId", ""))] = body.get("role") == "USER" and _is_final(body)
        elif name == "textOutput" and self._kept_blocks.get(str(body.get("contentId", ""))):
            text = " ".join(str(body.get("content", "")).split())
            if text and body.get("role", "USER") == "USER":
                self.said.append(SonicSegment(round(self.sent_s, 3), text))
        elif name == "usageEvent":
            self.usage = usage_of(body)


def _is_final(start: Mapping[str, Any]) -> bool:
    """Whether a block is the last word on what was said, not a first guess."""
    try:
        stage = json.loads(start.get("additionalModelFields") or "{}").get("generationStage", "FINAL")
    except (ValueError, AttributeError):
        return True
    return bool(stage == "FINAL")


def usage_of(event: Mapping[str, Any]) -> Usage:
    """The running total of a `usageEvent`: speech and text, in and out."""
    total = event.get("details", {}).get("total", {})
    heard, spoken = total.get("input", {}), total.get("output", {})
    return Usage(
        input_tokens=int(heard.get("textTokens") or 0),
        output_tokens=int(spoken.get("textTokens") or 0),
        speech_input_tokens=int(heard.get("speechTokens") or 0),
        speech_output_tokens=int(spoken.get("speechTokens") or 0),
    )
