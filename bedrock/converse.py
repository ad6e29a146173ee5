"""Ask a model that understands video: once, now (realtime) or now at half price (flex); and the same for a batch.

Source: Nova user guide "Complete request schema" and the Converse API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bedrock import clients, faults
from bedrock.errors import BadRequestError, LostAnswerError
from bedrock.pricing import Usage

#: 25 MB is the limit of the whole payload after base64, which adds a third.
INLINE_MAX_BYTES = 18_000_000
SCHEMA_VERSION = "messages-v1"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The form of the answer: the model is forced to fill it in. `schema` is a JSON Schema of type object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ConverseRequest:
    """One question. The video is given as a file (inline, up to INLINE_MAX_BYTES) or as an `s3://` address, or not.

    `tool` is for realtime and flex: batch jobs reject tools, so their prompt must ask for JSON in words.
    `effort` switches reasoning on ("low", "medium", "high"); it is charged as output.
    """

    runtime_id: str
    text: str
    system: str = ""
    video_path: Path | None = None
    video_uri: str = ""
    video_format: str = "mp4"
    tool: Tool | None = None
    max_tokens: int | None = None
    effort: str = ""


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


def converse(question: ConverseRequest, *, mode: str = "realtime") -> ConverseReply:
    """Ask now. Raises BedrockError; LostAnswerError where the answer may have been charged and never came."""
    request: dict[str, Any] = {
        "modelId": question.runtime_id,
        "messages": [{"role": "user", "content": _content(question, inline=_read(question))}],
        **_system(question),
        **_converse_config(question),
    }
    if question.tool:
        request["toolConfig"] = _tool_config(question.tool)
    if mode == "flex":
        request["serviceTier"] = {"type": "flex"}
    with faults.told(f"Asking {question.runtime_id}", paid=True):
        answer = cast("dict[str, Any]", clients.runtime().converse(**request))
    answer.pop("ResponseMetadata", None)
    if not answer.get("output"):
        raise LostAnswerError(f"Asking {question.runtime_id}: something came that is no answer")
    return ConverseReply(
        raw=answer,
        usage=Usage.from_bedrock(answer.get("usage") or {}),
        stop_reason=str(answer.get("stopReason", "")),
        latency_ms=(answer.get("metrics") or {}).get("latencyMs"),
    )


def batch_body(question: ConverseRequest) -> dict[str, Any]:
    """The `modelInput` of a batch record (type InvokeModel). The video must be an `s3://` address, without a tool."""
    if question.tool or question.video_path:
        raise ValueError("a batch record takes neither a tool nor a local file")
    config: dict[str, Any] = {}
    if question.max_tokens and question.effort != "high":
        config["maxTokens"] = question.max_tokens
    if not question.effort:
        config |= {"temperature": 0, "topK": 1}
    return {
        "schemaVersion": SCHEMA_VERSION,
        **_system(question),
        "messages": [{"role": "user", "content": _content(question, inline=None)}],
        **({"inferenceConfig": config} if config else {}),
        **_reasoning(question),
    }


def reply_of_record(model_output: Mapping[str, Any]) -> ConverseReply:
    """The `modelOutput` of a batch record as a reply."""
    return ConverseReply(
        raw=dict(model_output),
        usage=Usage.from_bedrock(model_output.get("usage") or {}),
        stop_reason=str(model_output.get("stopReason", "")),
    )


def _read(question: ConverseRequest) -> bytes | None:
    if question.video_path is None:
        return None
    try:
        size = question.video_path.stat().st_size
        if can_go_inline(size):
            return question.video_path.read_bytes()
    except OSError as exc:  # nothing was sent, so nothing is charged
        raise BadRequestError(f"The video cannot be read: {exc}", remedy="Make the proxy again, then retry.") from exc
    raise BadRequestError(
        f"The video has {size / 1e6:.1f} MB, and at most {INLINE_MAX_BYTES / 1e6:.0f} MB can be sent without S3.",
        remedy="Set S3_BUCKET_NAME, or make a smaller proxy.",
    )


def _content(question: ConverseRequest, *, inline: bytes | None) -> list[dict[str, Any]]:
    source: dict[str, Any] | None = None
    if inline is not None:
        source = {"bytes": inline}
    elif question.video_uri:
        source = {"s3Location": {"uri": question.video_uri}}
    video = [{"video": {"format": question.video_format, "source": source}}] if source else []
    return [*video, {"text": question.text}]


def _system(question: ConverseRequest) -> dict[str, Any]:
    return {"system": [{"text": question.system}]} if question.system else {}


def _reasoning(question: ConverseRequest) -> dict[str, Any]:
    if not question.effort:
        return {}
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": question.effort}}


def _converse_config(question: ConverseRequest) -> dict[str, Any]:
    """Temperature 0 is what keeps tool answers well-formed. High effort takes neither a length nor a temperature."""
    config: dict[str, Any] = {}
    if question.max_tokens and question.effort != "high":
        config["maxTokens"] = question.max_tokens
    extra = _reasoning(question)
    if not question.effort:
        config["temperature"] = 0
        extra["inferenceConfig"] = {"topK": 1}
    made: dict[str, Any] = {"inferenceConfig": config} if config else {}
    return {**made, **({"additionalModelRequestFields": extra} if extra else {})}


def _tool_config(tool: Tool) -> dict[str, Any]:
    spec = {"name": tool.name, "description": tool.description, "inputSchema": {"json": dict(tool.schema)}}
    return {"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": tool.name}}}
