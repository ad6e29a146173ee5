"""A scripted Nova Sonic: enforces what the real one enforces, and answers what the test wants."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bedrock.speech import sonic

ORDER = [
    "sessionStart", "promptStart", "contentStart:TEXT:SYSTEM", "textInput", "contentEnd",
    "contentStart:AUDIO:USER", "audioInput", "contentEnd", "promptEnd", "sessionEnd",
]  # fmt: skip
AUDIO = ORDER.index("audioInput")
#: How far audio may run ahead of the clock.
AHEAD_S = 1.0


class SteppedClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.moment = 100.0

    def now(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += seconds
        await asyncio.sleep(0)


class ProtocolError(AssertionError):
    """The client did what the real service would refuse."""


@dataclass
class ScriptedSonic:
    """One stream. `words` = (after so much audio, role, stage, text): what is not due by `promptEnd` never comes.

    The rest is how it ends, and in what it differs from what the documents say.
    """

    clock: SteppedClock
    words: Sequence[tuple[float, str, str, str]] = ()
    drops_after_s: float | None = None
    drops_with: Exception = field(default_factory=lambda: ConnectionError("connection reset"))
    #: How the end is told: by completionEnd, by closing the stream, by both, by neither.
    tells_completion: bool = True
    closes: bool = True
    #: Comes in place of the end.
    breaks_at_end: Exception | None = None
    #: completionEnd after each answer too.
    completes_each_turn: bool = False
    #: "send", "close_input" or "close" never returns.
    hangs_on: str = ""
    leaves_blocks_open: bool = False
    counts_all_the_time: bool = False
    #: How a count is told: None = usage is never told.
    count: Callable[[int], Any] | None = int
    is_mute: bool = False
    tokens_per_s: int = 25
    events: list[str] = field(default_factory=list)
    heard_s: float = 0.0
    is_input_closed: bool = False
    is_closed: bool = False

    def __post_init__(self) -> None:
        self._out: asyncio.Queue[dict[str, Any] | Exception | None] = asyncio.Queue()
        self._waiting = sorted(self.words)
        self._step = 0
        self._blocks = 0
        self._began = 0.0

    # --- the client's side ----------------------------------------------------------------------------------------

    async def send(self, event: Mapping[str, Any]) -> None:
        if self.is_input_closed:
            raise ProtocolError("an event after the input was closed")
        if self.hangs_on == "send" and self.heard_s > 1:
            await asyncio.Event().wait()
        ((name, body),) = event["event"].items()
        self._check_order(name, body)
        if name == "audioInput":
            self._hear(body)
        elif name == "sessionEnd":
            self._end()

    async def close_input(self) -> None:
        if self.events[-1:] != ["sessionEnd"]:
            raise ProtocolError("the input was closed before sessionEnd")
        self.is_input_closed = True
        if self.hangs_on == "close_input":
            await asyncio.Event().wait()

    async def receive(self) -> dict[str, Any] | None:
        event = await self._out.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def close(self) -> None:
        self.is_closed = True
        if self.hangs_on == "close":
            await asyncio.Event().wait()

    # --- what is enforced -----------------------------------------------------------------------------------------

    def _check_order(self, name: str, body: Mapping[str, Any]) -> None:
        label = f"{name}:{body['type']}:{body['role']}" if name == "contentStart" else name
        if not (label == "audioInput" and self._step == AUDIO + 1):
            if self._step >= len(ORDER) or ORDER[self._step] != label:
                raise ProtocolError(f"{label} came at step {self._step}, after {self.events[-3:]}")
            self._step += 1
            self.events.append(label)
        if label == "contentStart:AUDIO:USER":
            form = body["audioInputConfiguration"]
            wanted = {"mediaType": "audio/lpcm", "sampleRateHertz": 16000, "sampleSizeBits": 16, "channelCount": 1}
            if wanted.items() - form.items() or not body["interactive"]:
                raise ProtocolError(f"not the audio that was agreed: {form}")
            self._began = self.clock.now()
        if name == "sessionStart" and "endpointingSensitivity" not in body.get("turnDetectionConfiguration", {}):
            raise ProtocolError("nothing says how long a pause ends what is said")
        if name == "promptStart" and body["audioOutputConfiguration"]["sampleRateHertz"] not in (8000, 16000, 24000):
            raise ProtocolError("no audio output configured")

    def _hear(self, body: Mapping[str, Any]) -> None:
        pcm = base64.b64decode(body["content"], validate=True)
        if not pcm or len(pcm) % 2 or len(pcm) > sonic.FRAME_BYTES:
            raise ProtocolError(f"a frame of {len(pcm)} bytes")
        self.heard_s += len(pcm) / sonic.BYTES_PER_S
        elapsed_s = self.clock.now() - self._began
        if self.heard_s > elapsed_s + AHEAD_S:
            raise ProtocolError(f"{self.heard_s:.1f} s of audio in {elapsed_s:.1f} s")
        if elapsed_s > sonic.STREAM_LIMIT_S:
            raise ProtocolError("the stream was open for more than eight minutes")
        if self.drops_after_s is not None and self.heard_s >= self.drops_after_s:
            self._out.put_nowait(self.drops_with)
            self.drops_after_s = None
        while self._waiting and self._waiting[0][0] <= self.heard_s:
            self._say(*self._waiting.pop(0)[1:])
        if self.counts_all_the_time:
            self._usage()

    # --- what is answered -----------------------------------------------------------------------------------------

    def _say(self, role: str, stage: str, text: str) -> None:
        self._blocks += 1
        block = f"block-{self._blocks}"
        fields = json.dumps({"generationStage": stage})
        self._put("contentStart", contentId=block, type="TEXT", role=role, additionalModelFields=fields)
        self._put("textOutput", contentId=block, role=role, content=text)
        if role == "ASSISTANT":
            self._put("audioOutput", contentId=block, content="AAAA")
        if not self.leaves_blocks_open:
            self._put("contentEnd", contentId=block, stopReason="PARTIAL_TURN")
        self._usage()
        if self.completes_each_turn:
            self._put("completionEnd", stopReason="END_TURN")

    def _usage(self) -> None:
        if self.count is None:
            return
        heard = round(self.heard_s * self.tokens_per_s)
        total = {
            "input": {"speechTokens": self.count(heard), "textTokens": self.count(30)},
            "output": {"speechTokens": self.count(8 * self._blocks), "textTokens": self.count(2 * self._blocks)},
        }
        self._put("usageEvent", details={"total": total}, totalInputTokens=heard + 30)

    def _end(self) -> None:
        """The end of the prompt is not waited for: what was not said by now is not said."""
        self._usage()
        if self.breaks_at_end is not None:
            self._out.put_nowait(self.breaks_at_end)
            return
        if self.tells_completion:
            self._put("completionEnd", stopReason="END_TURN")
        if self.closes:
            self._out.put_nowait(None)

    def _put(self, name: str, **body: Any) -> None:
        if not self.is_mute:
            self._out.put_nowait({"event": {name: body}})


class Service:
    """Opens one scripted stream after the other."""

    def __init__(self, *scripts: dict[str, Any]) -> None:
        self.scripts = list(scripts)
        self.streams: list[ScriptedSonic] = []
        self.clock = SteppedClock()
        self.asked: list[tuple[str, str]] = []

    async def open(self, model_id: str, region: str) -> ScriptedSonic:
        self.asked.append((model_id, region))
        script = self.scripts.pop(0) if self.scripts else {}
        if "refuses" in script:
            raise script["refuses"]
        if script.get("hangs_on") == "open":
            await asyncio.Event().wait()
        stream = ScriptedSonic(self.clock, **script)
        self.streams.append(stream)
        return stream

    def settings(self, **more: Any) -> sonic.StreamSettings:
        limits = {"patience_s": 0.3, "send_limit_s": 0.3, "close_limit_s": 0.3}
        return sonic.StreamSettings(**{"max_tokens": 64, "clock": self.clock, **limits, **more})
