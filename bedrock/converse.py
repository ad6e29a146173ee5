"""Ask a model that understands videos and pictures: once, now (realtime) or now at half price (flex); the same for a
batch.

Source: Nova user guide "Complete request schema" and the Converse API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from bedrock import clients, faults, tool_schemas
from bedrock.errors import BadRequestError, LostAnswerError, MalformedAnswerError
from bedrock.pricing import Usage

#: 25 MB is the limit of the whole payload after base64, which adds a third.
INLINE_MAX_BYTES = 18_000_000
SCHEMA_VERSION = "messages-v1"
#: The form in which each medium is sent.
FORMATS = {"video": "mp4", "image": "jpeg"}
#: Why a model stops that lost itself in the form of its answer.
MALFORMED = frozenset({"malformed_tool_use", "malformed_model_output"})


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The form of the answer: the model is forced to fill it in. `schema` is a JSON Schema of type object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ConverseRequest:
    """One question. What it is about is given as a file (inline, up to INLINE_MAX_BYTES) or as an `s3://` address, or
    not: a video, or with `medium` "image" a picture.

    `tool` is for realtime and flex: batch jobs reject tools, so their prompt must ask for JSON in words.
    `effort` switches reasoning on ("low", "medium", "high"); it is charged as output.
    """

    runtime_id: str
    text: str
    system: str = ""
    media_path: Path | None = None
    media_uri: str = ""
    medium: str = "video"
    tool: Tool | None = None
    max_tokens: int | None = None
    effort: str = ""

    def in_words(self, text: str) -> "ConverseRequest":
        """The same question without its tool: `text` asks for the JSON in words."""
        return replace(self, tool=None, text=text)


@dataclass(frozen=True, kw_only=True)
class ConverseReply:
    """Bedrock's answer, whole (`raw`, plain JSON), with what it used and why it stopped."""

    raw: dict[str, Any]
    usage: Usage
    stop_reason: str
    latency_ms: int | None = None


def can_go_inline(size_bytes: int) -> bool:
    """Whether a file of this size can be sent inside the request; else it must be staged to S3."""
    return size_bytes <= INLINE_MAX_BYTES


def converse(request: ConverseRequest, *, mode: str = "realtime") -> ConverseReply:
    """Ask now. Raises BedrockError.

    Of these, LostAnswerError where the answer may have been charged and never came, and MalformedAnswerError where the
    model did not manage to fill in the tool: asked `in_words`, it can answer the same question.
    """
    body = converse_body(request, mode=mode)
    with faults.told(f"Asking {request.runtime_id}", paid=True):
        answer = cast("dict[str, Any]", clients.runtime().converse(**body))
    answer.pop("ResponseMetadata", None)
    usage, stop_reason = Usage.from_bedrock(answer.get("usage") or {}), str(answer.get("stopReason", ""))
    if request.tool and stop_reason in MALFORMED:
        raise MalformedAnswerError(f"Asking {request.runtime_id}: it stopped with {stop_reason}", usage=usage.as_json())
    if not answer.get("output"):
        raise LostAnswerError(f"Asking {request.runtime_id}: something came that is no answer")
    latency_ms = (answer.get("metrics") or {}).get("latencyMs")
    return ConverseReply(raw=answer, usage=usage, stop_reason=stop_reason, latency_ms=latency_ms)


def converse_body(request: ConverseRequest, *, mode: str = "realtime") -> dict[str, Any]:
    """What Converse is called with, by boto3's names. Raises BadRequestError for what cannot be sent.

    Temperature 0 is what keeps tool answers well-formed. High effort takes neither a length nor a temperature.
    """
    config: dict[str, Any] = {}
    if request.max_tokens and request.effort != "high":
        config["maxTokens"] = request.max_tokens
    extra = _reasoning(request)
    if not request.effort:
        config["temperature"] = 0
        extra["inferenceConfig"] = {"topK": 1}
    body: dict[str, Any] = {
        "modelId": request.runtime_id,
        "messages": [{"role": "user", "content": _content(request, inline=_read(request))}],
        **_system(request),
        **({"inferenceConfig": config} if config else {}),
        **({"additionalModelRequestFields": extra} if extra else {}),
    }
    if request.tool:
        body["toolConfig"] = tool_config(request.tool)
    if mode == "flex":
        body["serviceTier"] = {"type": "flex"}
    return body


def tool_config(tool: Tool) -> dict[str, Any]:
    """A forced tool, in the form that Nova takes. Raises BadRequestError for a schema that it does not."""
    try:
        schema = tool_schemas.sent(tool.schema)
    except ValueError as exc:
        raise BadRequestError(
            f"The schema of the answer cannot be sent: {exc}.", remedy="Change the analysis type's schema in the admin."
        ) from exc
    # What the outermost object may not say of itself is said of the tool.
    description = " ".join(dict.fromkeys([tool.description, str(tool.schema.get("description", ""))])).strip()
    spec = {"name": tool.name, "description": description, "inputSchema": {"json": schema}}
    return {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": tool.name}}}


def batch_body(request: ConverseRequest) -> dict[str, Any]:
    """The `modelInput` of a batch record (type InvokeModel): without a tool, its video or picture an `s3://` address.

    No temperature: the native schema's pages allow none below 0.00001, and topK 1 leaves nothing to chance.
    """
    if request.tool or request.media_path:
        raise ValueError("a batch record takes neither a tool nor a local file")
    config: dict[str, Any] = {}
    if request.max_tokens and request.effort != "high":
        config["maxTokens"] = request.max_tokens
    if not request.effort:
        config["topK"] = 1
    return {
        "schemaVersion": SCHEMA_VERSION,
        **_system(request),
        "messages": [{"role": "user", "content": _content(request, inline=None)}],
        **({"inferenceConfig": config} if config else {}),
        **_reasoning(request),
    }


def reply_of_record(model_output: Mapping[str, Any]) -> ConverseReply:
    """The `modelOutput` of a batch record as a reply."""
    return ConverseReply(
        raw=dict(model_output),
        usage=Usage.from_bedrock(model_output.get("usage") or {}),
        stop_reason=str(model_output.get("stopReason", "")),
    )


def _read(request: ConverseRequest) -> bytes | None:
    if request.media_path is None:
        return None
    try:
        size = request.media_path.stat().st_size
        if can_go_inline(size):
            return request.media_path.read_bytes()
    except OSError as exc:  # nothing was sent, so nothing is charged
        raise BadRequestError(
            f"The {request.medium} cannot be read: {exc}", remedy="Make the proxy again, then retry."
        ) from exc
    raise BadRequestError(
        f"The {request.medium} has {size / 1e6:.1f} MB, and at most {INLINE_MAX_BYTES / 1e6:.0f} MB can be sent "
        "without S3.",
        remedy="Set S3_BUCKET_NAME, or make a smaller proxy.",
    )


def _content(request: ConverseRequest, *, inline: bytes | None) -> list[dict[str, Any]]:
    source: dict[str, Any] | None = None
    if inline is not None:
        source = {"bytes": inline}
    elif request.media_uri:
        source = {"s3Location": {"uri": request.media_uri}}
    media = [{request.medium: {"format": FORMATS[request.medium], "source": source}}] if source else []
    return [*media, {"text": request.text}]


def _system(request: ConverseRequest) -> dict[str, Any]:
    return {"system": [{"text": request.system}]} if request.system else {}


def _reasoning(request: ConverseRequest) -> dict[str, Any]:
    if not request.effort:
        return {}
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": request.effort}}
