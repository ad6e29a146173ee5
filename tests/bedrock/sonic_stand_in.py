"""A scripted Nova Sonic: enforces what the real one enforces, and answers what the test wants."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
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
    """One stream. `said` = (after so much audio, role, stage, text)."""

    clock: SteppedClock
    said: Sequence[tuple[float, str, str, str]] = ()
    drops_after_s: float | None = None
    drops_with: Exception = field(default_factory=lambda: ConnectionError("connection reset"))
    never_ends: bool = False
    tokens_per_s: int = 25
    events: list[str] = field(default_factory=list)
    heard_s: float = 0.0
    is_closed: bool = False

    def __post_init__(self) -> None:
        self._out: asyncio.Queue[dict[str, Any] | Exception | None] = asyncio.Queue()
        self._waiting = sorted(self.said)
        self._step = 0
        self._blocks = 0
        self._began = 0.0

    # --- the client's side ----------------------------------------------------------------------------------------

    async def send(self, event: Mapping[str, Any]) -> None:
        ((name, body),) = event["event"].items()
        self._check_order(name, body)
        if name == "audioInput":
            self._hear(body)
        elif name == "sessionEnd":
            self._end()

    async def receive(self) -> dict[str, Any] | None:
        found = await self._out.get()
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        self.is_closed = True

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

    # --- what is answered -----------------------------------------------------------------------------------------

    def _say(self, role: str, stage: str, text: str) -> None:
        self._blocks += 1
        block = f"block-{self._blocks}"
        fields = json.dumps({"generationStage": stage})
        self._put("contentStart", contentId=block, type="TEXT", role=role, additionalModelFields=fields)
        self._put("textOutput", contentId=block, role=role, content=text)
        if role == "ASSISTANT":
            self._put("audioOutput", contentId=block, content="AAAA")
        self._put("contentEnd", contentId=block, stopReason="PARTIAL_TURN")
        self._usage()

    def _usage(self) -> None:
        heard = round(self.heard_s * self.tokens_per_s)
        total = {
            "input": {"speechTokens": heard, "textTokens": 30},
            "output": {"speechTokens": 8 * self._blocks, "textTokens": 2 * self._blocks},
        }
        self._put("usageEvent", details={"total": total}, totalInputTokens=heard + 30)

    def _end(self) -> None:
        for _, role, stage, text in self._waiting:
            self._say(role, stage, text)
        self._usage()
        self._put("completionEnd", stopReason="END_TURN")
        if not self.never_ends:
            self._out.put_nowait(None)

    def _put(self, name: str, **body: Any) -> None:
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
        stream = ScriptedSonic(self.clock, **script)
        self.streams.append(stream)
        return stream

    def settings(self, **more: Any) -> sonic.Settings:
        return sonic.Settings(**{"max_tokens": 64, "clock": self.clock, "patience_s": 0.3, **more})
