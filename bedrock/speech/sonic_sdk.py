"""The vendor's streaming SDK, behind `sonic.Stream`. It needs Python 3.12; nothing of it is imported before it is used.

`requirements-sonic.txt` pins it: other versions name the classes otherwise. Its default transport cannot send and
receive at once, AWS's own HTTP client (the extra `awscrt`) can. Its own chain of credentials knows neither SSO nor
`aws login`, and where it finds none a stream never opens and never fails; so botocore's credentials are handed in.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from bedrock import clients, faults
from bedrock.errors import (
    AccessError,
    BadRequestError,
    BedrockError,
    BusyError,
    DailyQuotaError,
    LostAnswerError,
)
from bedrock.speech import sonic

INSTALL = ".venv/bin/pip install -r requirements-sonic.txt"
PYTHON = (3, 12)
#: A stream opens within a second or two; without a limit one that cannot would wait for ever.
OPEN_LIMIT_S = 30.0
#: How the transport says that it never connected: the SDK tells so only when the first answer is waited for.
UNSENT = re.compile(
    r"AWS_IO_(?:SOCKET_(?:CONNECTION_REFUSED|NO_ROUTE|NETWORK_DOWN|CONNECT_ABORTED)|DNS_\w+|TLS_\w*NEGOTIATION\w*)"
)
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
        version = ".".join(map(str, sys.version_info[:2]))
        reasons.append(f"Python {'.'.join(map(str, PYTHON))} or newer (this is {version})")
    if find_spec("aws_sdk_bedrock_runtime") is None:
        reasons.append(f"the streaming SDK ({INSTALL})")
    elif find_spec("awscrt") is None:
        reasons.append(f"the SDK's transport ({INSTALL})")
    return reasons


async def make_client(region: str) -> Any:
    """A client that can send and receive at once, with botocore's credentials as they are now.

    Raises AccessError where there are none.
    """
    from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
    from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
    from smithy_http.aio.crt import AWSCRTHTTPClient

    keys = clients.frozen_credentials()
    config = await AsyncBedrockRuntimeConfig.resolve(
        region=region,
        transport=AWSCRTHTTPClient(),
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
    )
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
    content = getattr(value, "bytes_", None)
    event: Any = json.loads(content) if content else {}
    return event if isinstance(event, dict) else {}


def told(error: Exception) -> BedrockError:
    """One of the SDK's errors in our words. What came in the middle of a stream may have been charged."""
    name = type(error).__name__
    if "Throttling" in name and faults.PER_DAY.search(str(error)):
        return DailyQuotaError(f"Nova Sonic refused: {error}")
    if UNSENT.search(str(error)):
        return BusyError(f"Nova Sonic could not be reached: {error}")
    for part, ours in _ERRORS:
        if part in name:
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

    async def close_input(self) -> None:
        with _in_our_words():
            await self._duplex.input_stream.close()

    async def receive(self) -> dict[str, Any] | None:
        with _in_our_words():
            if self._events is None:
                _, self._events = await self._duplex.await_output()
            chunk = await self._events.receive()
        return None if chunk is None else from_chunk(chunk)

    async def close(self) -> None:
        """Close what is open: the SDK's own `close` waits for an answer that may never come."""
        await self._duplex.input_stream.close()
        if self._events is not None:
            await self._events.close()


async def open_stream(model_id: str, region: str) -> SdkStream:
    """Open a stream to a model. Raises BedrockError; nothing was charged then."""
    from aws_sdk_bedrock_runtime.models import InvokeModelWithBidirectionalStreamOperationInput
    from smithy_core.exceptions import SmithyError

    client = await make_client(region)
    request = InvokeModelWithBidirectionalStreamOperationInput(model_id=model_id)
    try:
        opening = client.invoke_model_with_bidirectional_stream(request)
        return SdkStream(await sonic.within(OPEN_LIMIT_S, opening))
    except TimeoutError as error:
        raise BusyError(f"Nova Sonic opened no stream within {OPEN_LIMIT_S:.0f} s.") from error
    except SmithyError as error:
        raise BusyError(f"Nova Sonic could not be reached: {error}") from error
