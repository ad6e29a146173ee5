"""What AWS was asked and what it answered, written down so that somebody else can read a first run.

No keys, no account numbers, no names of buckets, no text and no bytes of anybody's files: lengths stand in their place.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import botocore

from bedrock import conf

FILE = "aws-calls.jsonl"
#: Longer texts are somebody's words, or a page of AWS's that nobody needs.
LONGEST_CHARS = 300
#: Fields that hold words or vectors of somebody's, however short.
CONTENT = frozenset({"text", "content", "body", "inputtext", "value", "embedding", "input"})
SECRET = re.compile(r"secret|password|accesskey|sessiontoken|authorization|security-token", re.IGNORECASE)
ACCOUNT = re.compile(r"\b\d{12}\b")
KEY_ID = re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}\b")
CALLER = re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::[^:\s]*:(?:user|role|assumed-role)/)[^\s\"']+")
NOTE = "novaproject-call"

_file: ContextVar[TextIO | None] = ContextVar("recording", default=None)


@contextmanager
def recorded(folder: Path) -> Iterator[Path]:
    """Write each call of AWS inside to a file in this folder, a line a call. Gives the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with path.open("w", encoding="utf-8") as file:
        started = {"at": _now(), "botocore": botocore.__version__, "region": conf.region()}
        file.write(json.dumps(started) + "\n")
        token = _file.set(file)
        try:
            yield path
        finally:
            _file.reset(token)


def watch(client: Any) -> None:
    """Let the calls of a boto3 client be written down whenever something is `recorded`."""
    client.meta.events.register("before-parameter-build", _begin)
    client.meta.events.register("after-call", _answered)
    client.meta.events.register("after-call-error", _failed)


def redacted(value: Any, name: str = "") -> Any:
    """The same without what is secret, or somebody's."""
    if isinstance(value, Mapping):
        return {str(key): redacted(part, str(key)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        if name.lower() in CONTENT and not all(isinstance(part, Mapping) for part in value):
            return f"<{len(value)} items>"
        return [redacted(part, name) for part in value]
    if SECRET.search(name):
        return "<secret>"
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if isinstance(value, str):
        if name.lower() in CONTENT or len(value) > LONGEST_CHARS:
            return f"<{len(value)} characters>"
        return anonymous(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return anonymous(value.isoformat()) if isinstance(value, datetime) else f"<{type(value).__name__}>"


def anonymous(text: str) -> str:
    """A text without account numbers, key ids, whoever is signed in, and our bucket."""
    text = CALLER.sub(r"\1CALLER", KEY_ID.sub("KEY", text))
    text = ACCOUNT.sub("ACCT", text)
    return text.replace(conf.bucket(), "BUCKET") if conf.bucket() else text


def _begin(params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
    if _file.get() is not None:
        call = {"at": _now(), "service": model.service_model.service_name, "operation": model.name}
        context[NOTE] = {**call, "asked": redacted(params), "began": time.monotonic()}


def _answered(parsed: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    metadata = parsed.get("ResponseMetadata", {})
    answer = {name: part for name, part in parsed.items() if name not in {"ResponseMetadata", "Error"}}
    error = parsed.get("Error")
    _write(
        context,
        status=metadata.get("HTTPStatusCode"),
        request_id=metadata.get("RequestId"),
        retries=metadata.get("RetryAttempts"),
        **({"error": {name: anonymous(str(part)) for name, part in error.items()}} if error else {}),
        answered=redacted(answer),
    )


def _failed(exception: Exception, context: dict[str, Any], **_: Any) -> None:
    _write(context, error={"Code": type(exception).__name__, "Message": anonymous(str(exception))})


def _write(context: dict[str, Any], **facts: Any) -> None:
    file, call = _file.get(), context.pop(NOTE, None)
    if file is not None and call is not None:
        took_s = round(time.monotonic() - call.pop("began"), 3)
        file.write(json.dumps({**call, "took_s": took_s, **facts}, ensure_ascii=False) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
