"""Sonic's scripted streams on the wire: HTTP/2 over TLS, AWS's event streams, and the vendor's real SDK against it.

Run by `test_sonic_sdk.py` in a Python that has the SDK: `python -m tests.bedrock.sonic_over_http2 CERTIFICATE KEY`.
Prints what came of each stream as a line of JSON.
"""

import asyncio
import base64
import json
import os
import re
import ssl
import sys
from io import BytesIO
from typing import Any

import h2.config
import h2.connection
import h2.events
from django.conf import settings
from smithy_aws_event_stream.events import Event, EventMessage
from smithy_http.aio import crt

from bedrock.errors import BadRequestError, BedrockError, LostAnswerError
from bedrock.speech import sonic, sonic_sdk
from tests.bedrock.sonic_stand_in import ScriptedSonic

WORDS = [(0.5, "USER", "FINAL", "Ask not"), (1.6, "USER", "FINAL", "what"), (1.7, "ASSISTANT", "FINAL", "Noted.")]
SCRIPTS: dict[str, dict[str, Any]] = {
    "closed in good order": {},
    "completion told, and left open": {"closes": False},
    "closed without a word": {"tells_completion": False},
    "left open without a word": {"closes": False, "tells_completion": False},
    "reset": {"breaks_at_end": ConnectionError("reset")},
    "given up by the model": {"breaks_at_end": LostAnswerError("Model has timed out")},
    "refused after all": {"breaks_at_end": BadRequestError("the prompt is closed")},
    "completed after each turn": {"completes_each_turn": True},
    "counting in text": {"count": str},
    "counting nothing": {"count": None},
    "broken in the middle": {"drops_after_s": 1.0},
    "mute": {"is_mute": True},
}


class Connection(asyncio.Protocol):
    """One HTTP/2 connection of one client: a stream is a scripted Sonic."""

    def __init__(self, script: dict[str, Any], seen: dict[str, str]) -> None:
        self._script, self._seen = script, seen
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._buffer = b""
        self._tasks: list[asyncio.Task[None]] = []
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._http.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        for event in self._http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._begin(event)
            elif isinstance(event, h2.events.DataReceived):
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._take(event.data)
        self._flush()

    def _begin(self, event: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in event.headers}
        signed = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
        self._seen |= {"path": headers[":path"], "key": signed[1] if signed else ""}
        self._seen["token"] = headers.get("x-amz-security-token", "")
        answer = [(":status", "200"), ("content-type", "application/vnd.amazon.eventstream")]
        self._http.send_headers(event.stream_id, answer)
        sonic_ = ScriptedSonic(sonic.WallClock(), WORDS, **self._script)  # type: ignore[arg-type]
        self._tasks = [asyncio.create_task(self._feed(sonic_)), asyncio.create_task(self._say(sonic_, event.stream_id))]

    def _take(self, data: bytes) -> None:
        """Signed events carry the event itself as their payload; the last one is empty."""
        self._buffer += data
        while len(self._buffer) >= 12 and len(self._buffer) >= (size := int.from_bytes(self._buffer[:4], "big")):
            outer, self._buffer = Event.decode(BytesIO(self._buffer[:size])), self._buffer[size:]
            inner = Event.decode(BytesIO(outer.message.payload)) if outer and outer.message.payload else None
            if inner is not None and inner.message.headers.get(":event-type") == "chunk":
                self._incoming.put_nowait(json.loads(base64.b64decode(json.loads(inner.message.payload)["bytes"])))

    async def _feed(self, sonic_: ScriptedSonic) -> None:
        while True:
            await sonic_.send(await self._incoming.get())

    async def _say(self, sonic_: ScriptedSonic, stream_id: int) -> None:
        while True:
            try:
                event = await sonic_.receive()
            except ConnectionError:
                self._http.reset_stream(stream_id, error_code=2)
                break
            except BedrockError as error:
                kind = "validationException" if isinstance(error, BadRequestError) else "modelTimeoutException"
                headers = {":message-type": "exception", ":exception-type": kind}
                self._write(stream_id, headers, {"message": str(error)})
                break
            if event is None:
                self._http.end_stream(stream_id)
                break
            payload = {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}
            self._write(stream_id, {":message-type": "event", ":event-type": "chunk"}, payload)
        self._flush()

    def _write(self, stream_id: int, headers: dict[str, str], payload: dict[str, str]) -> None:
        message = EventMessage(
            headers={**headers, ":content-type": "application/json"}, payload=json.dumps(payload).encode()
        )
        self._http.send_data(stream_id, message.encode())
        self._flush()

    def _flush(self) -> None:
        if data := self._http.data_to_send():
            self._transport.write(data)


def trust(certificate: str) -> None:
    """Let the SDK's transport trust the server of the test: it has no setting for that."""

    class Trusting(crt.crt_io.TlsContextOptions):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.override_default_trust_store_from_path(None, certificate)

    crt.crt_io.TlsContextOptions = Trusting


async def one(name: str, script: dict[str, Any], context: ssl.SSLContext) -> dict[str, Any]:
    seen: dict[str, str] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(script, seen), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = f"https://localhost:{port}"
    result: dict[str, Any] = {"name": name}
    try:
        stream = await sonic_sdk.open_stream("amazon.nova-2-sonic-v1:0", "us-east-1")
        limits = sonic.StreamSettings(max_tokens=64, patience_s=2.0, send_limit_s=5.0, close_limit_s=2.0)
        answer = await sonic.listen(stream, bytes(2 * sonic.BYTES_PER_S), limits)
        result |= {"words": [segment.text for segment in answer.segments], "usage": answer.usage.as_json()}
    except BedrockError as error:
        result |= {"error": type(error).__name__, "text": str(error)}
    finally:
        server.close()
    return {**result, **seen}


async def main(certificate: str, key: str, names: list[str]) -> None:
    settings.configure(AWS_REGION="us-east-1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    trust(certificate)
    for name in names or list(SCRIPTS):
        sys.stdout.write(json.dumps(await asyncio.wait_for(one(name, SCRIPTS[name], context), 60)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
