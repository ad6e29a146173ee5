"""The vendor's streaming SDK, behind `sonic.Stream`. It needs Python 3.12; nothing of it is imported before it is used.

Pinned to 0.12: earlier ones name the classes otherwise. Its default transport cannot send and receive at once, AWS's
own HTTP client (the extra `awscrt`) can.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from bedrock.errors import AccessError, BadRequestError, BedrockError, BusyError, LostAnswerError

PACKAGE = "aws-sdk-bedrock-runtime[awscrt]==0.12.0"
PYTHON = (3, 12)
_ERRORS: tuple[tuple[str, type[BedrockError]], ...] = (
    ("AccessDenied", AccessError),
    ("Validation", BadRequestError),
    ("ResourceNotFound", BadRequestError),
    ("Throttling", BusyError),
    ("ServiceUnavailable", BusyError),
)


def missing() -> list[str]:
    """What keeps the SDK from being used on this machine, in words; empty = nothing."""
    reasons = []
    if sys.version_info < PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        reasons.append(f"Python {'.'.join(map(str, PYTHON))} or newer (this is {found})")
    if find_spec("aws_sdk_bedrock_runtime") is None:
        reasons.append(f"the streaming SDK (pip install '{PACKAGE}')")
    elif find_spec("awscrt") is None:
        reasons.append(f"the SDK's transport (pip install '{PACKAGE}')")
    return reasons


async def make_client(region: str) -> Any:
    """A client that can send and receive at once, with the credentials of boto3's usual places."""
    from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
    from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
    from smithy_http.aio.crt import AWSCRTHTTPClient

    config = await AsyncBedrockRuntimeConfig.resolve(region=region, transport=AWSCRTHTTPClient())
    return AsyncBedrockRuntimeClient(config)


def to_chunk(event: Mapping[str, Any]) -> Any:
    """An event in the SDK's form."""
    from aws_sdk_bedrock_runtime.models import (
        BidirectionalInputPayloadPart,
        InvokeModelWithBidirectionalStreamInputChunk,
    )

    part = BidirectionalInputPayloadPart(bytes_=json.dumps(event).encode())
    return InvokeModelWithBidirectionalStreamInputChunk(value=part)


def from_chunk(chunk: Any) -> dict[str, Any]:
    """An event of the other side. Raises BedrockError for the SDK's error events."""
    value = getattr(chunk, "value", None)
    if isinstance(value, Exception):
        raise told(value)
    raw = getattr(value, "bytes_", None)
    found: Any = json.loads(raw) if raw else {}
    return found if isinstance(found, dict) else {}


def told(error: Exception) -> BedrockError:
    """One of the SDK's errors in our words. What came in the middle of a stream may have been charged."""
    name = type(error).__name__
    for piece, ours in _ERRORS:
        if piece in name:
            return ours(f"Nova Sonic refused: {error}")
    return LostAnswerError(f"Nova Sonic gave up ({name}): {error}")


@contextmanager
def _in_our_words() -> Iterator[None]:
    from smithy_core.exceptions import SmithyError

    try:
        yield
    except SmithyError as error:
        raise told(error) from error


class SdkStream:
    """A `sonic.Stream` over the SDK."""

    def __init__(self, duplex: Any) -> None:
        self._duplex = duplex
        self._events: Any = None

    async def send(self, event: Mapping[str, Any]) -> None:
        with _in_our_words():
            await self._duplex.input_stream.send(to_chunk(event))

    async def receive(self) -> dict[str, Any] | None:
        with _in_our_words():
            if self._events is None:
                _, self._events = await self._duplex.await_output()
            chunk = await self._events.receive()
        return None if chunk is None else from_chunk(chunk)

    async def close(self) -> None:
        await self._duplex.close()


async def open_stream(model_id: str, region: str) -> SdkStream:
    """Open a stream to a model. Raises BedrockError; nothing was charged then."""
    from aws_sdk_bedrock_runtime.models import InvokeModelWithBidirectionalStreamOperationInput
    from smithy_core.exceptions import SmithyError

    client = await make_client(region)
    wanted = InvokeModelWithBidirectionalStreamOperationInput(model_id=model_id)
    try:
        return SdkStream(await client.invoke_model_with_bidirectional_stream(wanted))
    except SmithyError as error:
        raise BusyError(f"Nova Sonic could not be reached: {error}") from error
