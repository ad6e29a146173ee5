"""The duplex stream: order, format, pace, limit; what is kept of the answers; and what happens when it breaks."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bedrock.errors import AccessError, BadRequestError, BusyError, LostAnswerError
from bedrock.pricing import Usage
from bedrock.speech import sonic, sonic_sdk
from tests.bedrock.sonic_stand_in import ORDER, ProtocolError, ScriptedSonic, Service, SteppedClock

CHATTER = [(1.0, "ASSISTANT", "SPECULATIVE", "Noted, I think"), (1.2, "ASSISTANT", "FINAL", "Noted.")]


def audio(seconds: float) -> bytes:
    return bytes(int(seconds * sonic.RATE) * 2)


def listen(script: dict[str, Any], seconds: float = 4.0, **settings: Any) -> tuple[sonic.SonicAnswer, ScriptedSonic]:
    async def run() -> tuple[sonic.SonicAnswer, ScriptedSonic]:
        service = Service(script)
        stream = await service.open("sonic", "us-east-1")
        return await sonic.listen(stream, audio(seconds), service.settings(**settings)), stream

    return asyncio.run(run())


def test_events_come_in_order_paced_and_the_users_final_words_are_kept() -> None:
    said = [
        (1.0, "USER", "SPECULATIVE", "ask knot"),
        (1.5, "USER", "FINAL", "Ask not  what your country"),
        (3.5, "USER", "FINAL", "can do for you"),
    ]

    answer, stream = listen({"said": said + CHATTER})

    assert stream.events == ORDER
    assert [line.text for line in answer.said] == ["Ask not what your country", "can do for you"]
    assert 1.4 < answer.said[0].at_s < 1.7
    assert stream.clock.now() - 100.0 == pytest.approx(4.0 + sonic.TAIL_S, abs=0.1)
    assert stream.is_closed


def test_the_answers_that_are_dropped_are_counted() -> None:
    answer, _ = listen({"said": CHATTER})

    assert answer.said == ()
    assert answer.usage == Usage(
        input_tokens=30, output_tokens=4, speech_input_tokens=round((4 + sonic.TAIL_S) * 25), speech_output_tokens=16
    )


def test_words_that_come_after_the_last_event_are_kept() -> None:
    answer, _ = listen({"said": [(100.0, "USER", "FINAL", "the end")]})

    assert [(line.text, line.at_s) for line in answer.said] == [("the end", 4.0)]


def test_a_piece_of_the_longest_length_fits_into_the_limit_and_a_longer_one_is_refused() -> None:
    answer, stream = listen({}, seconds=sonic.LONGEST_PIECE_S)

    assert answer.said == ()
    assert stream.heard_s < sonic.STREAM_LIMIT_S
    with pytest.raises(BadRequestError, match="do not fit"):
        listen({}, seconds=sonic.LONGEST_PIECE_S + 1)


def test_the_stand_in_notices_what_the_real_one_would_refuse() -> None:
    with pytest.raises(ProtocolError, match=r"s of audio in"):
        listen({}, pace=4.0)

    async def skips() -> None:
        await ScriptedSonic(SteppedClock()).send({"event": {"promptStart": {}}})

    with pytest.raises(ProtocolError, match="step 0"):
        asyncio.run(skips())


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ({"drops_after_s": 2.0}, "broke after 2 s"),
        ({"never_ends": True}, "No end of the answer"),
    ],
)
def test_a_stream_that_breaks_or_falls_silent_is_a_lost_answer(script: dict[str, Any], message: str) -> None:
    with pytest.raises(LostAnswerError, match=message):
        listen(script)


def test_a_stream_that_is_closed_too_early_is_a_lost_answer() -> None:
    class Hasty(ScriptedSonic):
        def _hear(self, body: Any) -> None:
            self._out.put_nowait(None)

    async def run() -> None:
        clock = SteppedClock()
        await sonic.listen(Hasty(clock), audio(2), sonic.Settings(clock=clock))

    with pytest.raises(LostAnswerError, match="closed before"):
        asyncio.run(run())


def test_a_stream_that_cannot_be_closed_loses_no_answer() -> None:
    class Closed(ScriptedSonic):
        async def close(self) -> None:
            raise OSError("the connection is closed already")

    async def run() -> sonic.SonicAnswer:
        clock = SteppedClock()
        return await sonic.listen(
            Closed(clock, [(1.0, "USER", "FINAL", "Hello")]), audio(2), sonic.Settings(clock=clock)
        )

    assert [line.text for line in asyncio.run(run()).said] == ["Hello"]


@pytest.mark.parametrize(
    ("fields", "is_kept"), [('{"generationStage": "FINAL"}', True), ("", True), ("not json", True), ("[]", True)]
)
def test_blocks_without_a_stage_are_final(fields: str, is_kept: bool) -> None:
    assert sonic._is_final({"additionalModelFields": fields}) is is_kept


# --- the vendor's SDK ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ThrottlingException", BusyError),
        ("AccessDeniedException", AccessError),
        ("ValidationException", BadRequestError),
        ("ModelTimeoutException", LostAnswerError),
    ],
)
def test_the_sdks_errors_are_told_in_our_words(name: str, expected: type[Exception]) -> None:
    assert type(sonic_sdk.told(type(name, (Exception,), {})("no"))) is expected


def test_what_is_missing_is_named_exactly() -> None:
    missing = " ".join(sonic_sdk.missing())

    if "sdk" in missing.lower():
        assert "aws-sdk-bedrock-runtime[awscrt]==0.12.0" in missing


SDK_CHECK = """
import asyncio, json
from bedrock import sonic, sonic_sdk
import aws_sdk_bedrock_runtime.models as models

assert sonic_sdk.missing() == [], sonic_sdk.missing()
for event in [*sonic.opening(64), *sonic.frames(bytes(4096)), *sonic.closing()]:
    assert json.loads(sonic_sdk.to_chunk(event).value.bytes_) == event
out = models.InvokeModelWithBidirectionalStreamOutputChunk(
    value=models.BidirectionalOutputPayloadPart(bytes_=b'{"event": {"completionStart": {}}}'))
assert sonic_sdk.from_chunk(out) == {"event": {"completionStart": {}}}
slow = models.ThrottlingException("slow down")
wrong = models.InvokeModelWithBidirectionalStreamOutputThrottlingException(value=slow)
try:
    sonic_sdk.from_chunk(wrong)
except Exception as error:
    assert type(error).__name__ == "BusyError", error
else:
    raise AssertionError("no error")
client = asyncio.run(sonic_sdk.make_client("us-east-1"))
assert callable(client.invoke_model_with_bidirectional_stream)
print("ok")
"""


def _python_with_the_sdk() -> str:
    for name in (os.environ.get("SONIC_PYTHON", ""), "python3.12", "python3.13"):
        found = shutil.which(name) if name else None
        if found:
            test = [found, "-c", "import sys, aws_sdk_bedrock_runtime, awscrt; assert sys.version_info >= (3, 12)"]
            if subprocess.run(test, capture_output=True, check=False).returncode == 0:
                return found
    pytest.skip("not run: no Python 3.12 with the streaming SDK (SONIC_PYTHON can name one)")


def test_the_sdks_imports_and_events_fit() -> None:
    python = _python_with_the_sdk()
    root = Path(__file__).resolve().parents[2]

    done = subprocess.run([python, "-c", SDK_CHECK], cwd=root, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.strip() == "ok", done.stderr
