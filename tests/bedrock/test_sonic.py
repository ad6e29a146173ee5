"""The duplex stream: order, format, pace, limit; what is kept of the answers; and what happens when it breaks."""

import asyncio
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from bedrock.errors import AccessError, BadRequestError, BusyError, LostAnswerError
from bedrock.pricing import Usage
from bedrock.speech import sonic, sonic_sdk, transcribing
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
    words = [
        (1.0, "USER", "SPECULATIVE", "ask knot"),
        (1.5, "USER", "FINAL", "Ask not  what your country"),
        (3.5, "USER", "FINAL", "can do for you"),
    ]

    answer, stream = listen({"words": words + CHATTER})

    assert stream.events == ORDER
    assert [line.text for line in answer.segments] == ["Ask not what your country", "can do for you"]
    assert 1.4 < answer.segments[0].at_s < 1.7
    assert stream.clock.now() - 100.0 == pytest.approx(4.0 + sonic.TAIL_S, abs=0.1)
    assert stream.is_closed


def test_the_answers_that_are_dropped_are_counted() -> None:
    answer, stream = listen({"words": CHATTER})

    assert answer.segments == ()
    assert answer.usage == Usage(
        input_tokens=30, output_tokens=4, speech_input_tokens=round(stream.heard_s * 25), speech_output_tokens=16
    )


def test_silence_is_sent_until_nothing_more_comes() -> None:
    """`promptEnd` waits for no answer: words that are still on their way would be lost."""
    words = [(4.0 + sonic.TAIL_S - 0.1, "USER", "FINAL", "the"), (4.0 + sonic.TAIL_S + 1.2, "USER", "FINAL", "end")]

    answer, stream = listen({"words": words})

    assert [(segment.text, segment.at_s) for segment in answer.segments] == [("the", 4.0), ("end", 4.0)]
    assert stream.heard_s == pytest.approx(4.0 + sonic.TAIL_S + 1.2 + sonic.QUIET_S, abs=0.1)


def test_a_model_that_does_not_stop_talking_is_cut_off() -> None:
    chatter = [(4.0 + seconds, "ASSISTANT", "FINAL", "Moreover,") for seconds in range(60)]

    answer, stream = listen({"words": [(3.0, "USER", "FINAL", "Hello"), *chatter]})

    assert [segment.text for segment in answer.segments] == ["Hello"]
    assert stream.heard_s == pytest.approx(4.0 + sonic.LONGEST_TAIL_S, abs=0.1)


#: In each of these ways a stream may end, or tell what was used, as far as AWS's pages say.
ENDS: dict[str, dict[str, Any]] = {
    "closed in good order": {},
    "completion told, and left open": {"closes": False},
    "closed without a word": {"tells_completion": False},
    "left open without a word": {"closes": False, "tells_completion": False},
    "reset": {"breaks_at_end": ConnectionError("connection reset")},
    "given up by the model": {"breaks_at_end": LostAnswerError("Model has timed out")},
    "refused after all": {"breaks_at_end": BadRequestError("the prompt is closed")},
    "hanging when the input is closed": {"hangs_on": "close_input"},
    "hanging when it is closed": {"hangs_on": "close"},
    "completed after each turn": {"completes_each_turn": True},
    "counting all the time": {"counts_all_the_time": True},
    "counting in text": {"count": str},
    "counting nothing": {"count": None},
    "with blocks that never end": {"leaves_blocks_open": True},
}


@pytest.mark.parametrize("end", ENDS)
def test_an_answer_that_arrived_whole_is_never_lost(end: str) -> None:
    script = {"words": [(1.5, "USER", "FINAL", "Ask not"), (5.0, "USER", "FINAL", "what")], **ENDS[end]}

    answer, stream = listen(script)

    assert [segment.text for segment in answer.segments] == ["Ask not", "what"]
    assert stream.is_input_closed
    assert stream.is_closed
    assert (answer.usage == Usage()) is (ENDS[end].get("count", int) is None)


def test_a_piece_of_the_longest_length_fits_into_the_limit_and_a_longer_one_is_refused() -> None:
    answer, stream = listen({}, seconds=sonic.LONGEST_PIECE_S)

    assert answer.segments == ()
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
        ({"hangs_on": "send"}, "did not go on after 1 s"),
        ({"is_mute": True}, "without an answer"),
        ({"is_mute": True, "closes": False}, "did not go on after 4 s"),
        ({"words": CHATTER, "leaves_blocks_open": True, "closes": False, "tells_completion": False}, "did not go on"),
    ],
)
def test_a_stream_that_breaks_or_falls_silent_is_a_lost_answer(script: dict[str, Any], message: str) -> None:
    with pytest.raises(LostAnswerError, match=message):
        listen(script)


def test_a_stream_that_is_closed_too_early_is_a_lost_answer() -> None:
    class Hasty(ScriptedSonic):
        def _hear(self, body: Any) -> None:
            self._usage()
            self._out.put_nowait(None)

    async def run() -> None:
        clock = SteppedClock()
        await sonic.listen(Hasty(clock), audio(2), sonic.StreamSettings(clock=clock))

    with pytest.raises(LostAnswerError, match="closed from the other side"):
        asyncio.run(run())


def test_a_stream_that_cannot_be_closed_loses_no_answer() -> None:
    class Closed(ScriptedSonic):
        async def close(self) -> None:
            raise OSError("the connection is closed already")

    async def run() -> sonic.SonicAnswer:
        clock = SteppedClock()
        stream = Closed(clock, [(1.0, "USER", "FINAL", "Hello")])
        return await sonic.listen(stream, audio(2), sonic.StreamSettings(clock=clock))

    assert [segment.text for segment in asyncio.run(run()).segments] == ["Hello"]


@pytest.mark.parametrize("event", [{}, {"details": None}, {"details": {"total": {"input": 5}}}, {"details": []}])
def test_usage_in_another_shape_is_not_told(event: Any) -> None:
    assert sonic.usage_of(event) == Usage()


class Cancelling(Exception):
    """What whoever waits raises."""


@pytest.mark.parametrize("hangs_on", ["", "send", "close_input", "close", "open"])
def test_a_cancel_ends_the_thread_wherever_the_stream_hangs(hangs_on: str) -> None:
    ends = threading.Event()
    words = [(1.0, "USER", "FINAL", "Hello")]

    async def run() -> None:
        service = Service({"words": words, "hangs_on": hangs_on})
        try:
            stream = await service.open("sonic", "us-east-1")
            settings = service.settings(clock=sonic.WallClock(), send_limit_s=60.0, patience_s=60.0)
            await sonic.listen(stream, audio(60), settings)
        finally:
            ends.set()

    def tick() -> None:
        raise Cancelling

    with pytest.raises(Cancelling):
        transcribing.run_beside(run(), tick)

    assert ends.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sonic")]


@pytest.mark.parametrize(
    ("fields", "is_kept"), [('{"generationStage": "FINAL"}', True), ("", True), ("not json", True), ("[]", True)]
)
def test_blocks_without_a_stage_are_final(fields: str, is_kept: bool) -> None:
    assert sonic.is_final({"additionalModelFields": fields}) is is_kept


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


def test_a_connection_that_never_came_about_was_not_charged() -> None:
    error = sonic_sdk.told(Exception("AWS_IO_SOCKET_CONNECTION_REFUSED: socket connection refused."))

    assert type(error) is BusyError
    assert not error.may_be_charged


def test_what_is_missing_is_named_exactly() -> None:
    missing = " ".join(sonic_sdk.missing())

    if "sdk" in missing.lower():
        assert "pip install -r requirements-sonic.txt" in missing
    pins = (Path(__file__).resolve().parents[2] / "requirements-sonic.txt").read_text()
    assert "aws-sdk-bedrock-runtime[awscrt]==0.12.0" in pins.splitlines()


SDK_CHECK = """
import asyncio, json
from django.conf import settings
settings.configure(AWS_REGION="us-east-1")
from bedrock.speech import sonic, sonic_sdk
import os
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
os.environ |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
client = asyncio.run(sonic_sdk.make_client("us-east-1"))
assert callable(client.invoke_model_with_bidirectional_stream)
print("ok")
"""


def _python_with_the_sdk() -> str:
    for name in (os.environ.get("SONIC_PYTHON", ""), "python3.12", "python3.13"):
        found = shutil.which(name) if name else None
        if found:
            needs = "import sys, boto3, django, aws_sdk_bedrock_runtime, awscrt; assert sys.version_info >= (3, 12)"
            test = [found, "-c", needs]
            if subprocess.run(test, capture_output=True, check=False).returncode == 0:
                return found
    pytest.skip("not run: no Python 3.12 with the streaming SDK (SONIC_PYTHON can name one)")


def test_the_sdks_imports_and_events_fit() -> None:
    python = _python_with_the_sdk()
    root = Path(__file__).resolve().parents[2]

    done = subprocess.run([python, "-c", SDK_CHECK], cwd=root, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.strip() == "ok", done.stderr
