"""What the service accepts: models, formats, limits. Written from AWS's documents, not from our catalogue."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MAX_BODY_BYTES = 25_000_000
MAX_S3_VIDEO_BYTES = 1 << 30
TOKENS_PER_FRAME = 288
IMAGE_FORMATS = ("png", "jpeg", "gif", "webp")
IMAGE_TOKENS = 230
VIDEO_FORMATS = ("wmv", "mpg", "mpeg", "three_gp", "flv", "mp4", "mov", "mkv", "webm")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NATIVE_KEYS = {"schemaVersion", "system", "messages", "inferenceConfig", "toolConfig", "reasoningConfig"}
CONVERSE_EXTRA = {"inferenceConfig", "reasoningConfig"}
M = Decimal(1_000_000)
MODEL_FAILED = {"ModelErrorException", "ModelTimeoutException"}


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(message: str) -> Refused:
    return Refused("ValidationException", message)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of the service: ids that may be called, limits, prices in USD per million tokens."""

    base: str
    callable_ids: tuple[str, ...]
    max_output: int = 0
    context: int = 300_000
    frames: int = 960
    reasons: bool = False
    flex: bool = False
    ended: bool = False
    usd_in: Decimal = Decimal(0)
    usd_out: Decimal = Decimal(0)
    kind: str = "chat"
    #: Where each profile ("" = the bare id) can be called, by AWS's model cards.
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NORTH_AMERICA = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1")
EUROPE = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")
ELSEWHERE = ("eu-west-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1")
APAC = ("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2")
V1 = {"us": ("us-east-1", "us-east-2", "us-west-2"), "eu": EUROPE, "apac": APAC}


def _nova(name: str, usd_in: str, usd_out: str, *profiles: str, bare: bool = True, **facts: Any) -> Model:
    base = f"amazon.{name}"
    ids = ((base,) if bare else ()) + tuple(f"{profile}.{base}" for profile in profiles)
    return Model(base=base, callable_ids=ids, usd_in=Decimal(usd_in), usd_out=Decimal(usd_out), **facts)


MODELS = (
    _nova("nova-2-lite-v1:0", "0.33", "2.75", "us", "eu", "jp", "global", bare=False, max_output=65_535,
          context=1_000_000, frames=2700, reasons=True, flex=True,
          regions={"us": NORTH_AMERICA, "eu": EUROPE, "jp": ("ap-northeast-1",),
                   "global": (*NORTH_AMERICA, *EUROPE, *ELSEWHERE)}),
    _nova("nova-lite-v1:0", "0.06", "0.24", "us", "eu", "apac", max_output=5000,
          regions={**V1, "": ("us-east-1", "us-east-2", "us-west-2", "eu-north-1", "ap-northeast-1")}),
    _nova("nova-pro-v1:0", "0.8", "3.2", "us", "eu", "apac", max_output=5000, flex=True,
          regions={**V1, "": ("us-east-1", "eu-west-2")}),
    _nova("nova-premier-v1:0", "2.5", "12.5", "us", bare=False, max_output=10_000, ended=True),
    _nova("nova-2-pro-preview-20251202-v1:0", "1.375", "11", "us", bare=False, max_output=65_535, reasons=True),
    _nova("nova-2-omni-v1:0", "0.3", "2.8", "us", "global", bare=False, max_output=10_000, reasons=True),
    _nova("nova-2-multimodal-embeddings-v1:0", "0.135", "0", kind="embed", regions={"": ("us-east-1",)}),
    _nova("nova-2-sonic-v1:0", "0.33", "2.75", kind="speech",
          regions={"": ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")}),
    _nova("titan-embed-text-v2:0", "0.02", "0", kind="embed"),
)  # fmt: skip
EMBED_INPUT_ID = "custom.embed-v1:0"


def model_called(model_id: str) -> Model:
    """The model behind a called id, or the refusal that AWS gives."""
    name = model_id.rpartition("/")[2] if model_id.startswith("arn:") else model_id
    for model in MODELS:
        if name in model.callable_ids or name == model.base:
            if model.ended:
                raise Refused("ResourceNotFoundException", "This model version has reached the end of its life. "
                              "Please refer to the AWS documentation for more details.", 404)  # fmt: skip
            if name not in model.callable_ids:
                raise invalid(
                    f"Invocation of model ID {name} with on-demand throughput isn't supported. Retry your request "
                    "with the ID or ARN of an inference profile that contains this model."
                )
            return model
    if name == EMBED_INPUT_ID:
        return Model(base=name, callable_ids=(name,), kind="embed")
    raise invalid("The provided model identifier is invalid.")


def offered_in(model: Model, region: str) -> list[str]:
    """The ids that can be called in a region."""
    if not model.regions:
        return list(model.callable_ids)
    names = [name for name, regions in model.regions.items() if region in regions]
    return [f"{name}.{model.base}" if name else model.base for name in names]


def check_region(model_id: str, region: str) -> None:
    """Refuse an id that is not offered in the region that is called."""
    model = next((model for model in MODELS if model_id in model.callable_ids), None)
    if model is not None and model_id not in offered_in(model, region):
        raise invalid(f"The provided model identifier is invalid. ({model_id} is not offered in {region}.)")


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A request that passed: its parts as the stand-in answers them."""

    model: Model
    text: str
    video: Mapping[str, Any] | None
    images: list[Mapping[str, Any]]
    tool: Mapping[str, Any] | None
    max_tokens: int
    is_reasoning: bool
    raw: Mapping[str, Any] = field(default_factory=dict)


def understand(model: Model, body: Mapping[str, Any], *, is_native: bool, in_batch: bool = False) -> Understood:
    """Check a Converse body (or InvokeModel's native one) as the service does."""
    if is_native:
        _check_native(body)
    extra = body if is_native else body.get("additionalModelRequestFields") or {}
    if not is_native:
        _check_converse(body, extra, in_batch=in_batch)
    content = _content(body)
    videos = [block["video"] for block in content if "video" in block]
    if len(videos) > 1:
        raise invalid("Only one video is allowed per request.")
    for video in videos:
        _check_video(video)
    images = [block["image"] for block in content if "image" in block]
    for image in images:
        if image.get("format") not in IMAGE_FORMATS:
            raise invalid(f"Malformed input request: #/image/format: {image.get('format')} is not a valid enum value")
        _check_source(image.get("source"), "image")
    reasoning = _check_reasoning(model, extra, body.get("inferenceConfig") or {})
    texts = [block["text"] for block in content if "text" in block]
    system = [block.get("text", "") for block in body.get("system") or []]
    return Understood(
        model=model,
        text="\n".join([*system, *texts]),
        video=videos[0] if videos else None,
        images=images,
        tool=_forced_tool(body.get("toolConfig")),
        max_tokens=_max_tokens(model, body.get("inferenceConfig") or {}, is_native=is_native),
        is_reasoning=reasoning,
        raw=body,
    )


def _check_native(body: Mapping[str, Any]) -> None:
    extraneous = set(body) - NATIVE_KEYS
    if extraneous:
        raise invalid(f"Malformed input request: #: extraneous key [{min(extraneous)}] is not permitted")
    if body.get("schemaVersion", "messages-v1") != "messages-v1":
        raise invalid("Malformed input request: #/schemaVersion: unknown schema version")


def _check_converse(body: Mapping[str, Any], extra: Mapping[str, Any], *, in_batch: bool) -> None:
    if body.get("outputConfig"):
        raise invalid("This model doesn't support the outputConfig field.")
    if in_batch and body.get("toolConfig"):
        raise invalid("Tool calling is not supported in batch inference with the Converse API.")
    if set(extra) - CONVERSE_EXTRA:
        raise invalid(f"Malformed input request: #: extraneous key [{min(set(extra) - CONVERSE_EXTRA)}]")
    if in_batch and "schemaVersion" in body:
        raise invalid("Malformed input request: #: extraneous key [schemaVersion] is not permitted")


def _content(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("Malformed input request: #: required key [messages] not found")
    if messages[0].get("role") != "user":
        raise invalid("A conversation must start with a user message. Try again with a conversation that does so.")
    content = [block for message in messages for block in message.get("content", [])]
    if not content:
        raise invalid("The content field in the Message object at messages.0 is empty.")
    if not any(block.get("text", "").strip() for block in content):
        raise invalid("The text field in the ContentBlock object is blank. Add text to the text field.")
    return content


def _check_video(video: Mapping[str, Any]) -> None:
    if video.get("format") not in VIDEO_FORMATS:
        raise invalid(
            f"1 validation error detected: Value '{video.get('format')}' at 'messages.1.member.content.1.member.video"
            f".format' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(VIDEO_FORMATS)}]"
        )
    _check_source(video.get("source"), "video")


def _check_source(source: Any, medium: str) -> None:
    if not isinstance(source, dict) or ("bytes" in source) == ("s3Location" in source):
        raise invalid("Malformed input request: #: required key [s3Location] not found")
    if "s3Location" in source and not str(source["s3Location"].get("uri", "")).startswith("s3://"):
        raise invalid("Malformed input request: #/" + medium + "/source/s3Location: required key [uri] not found")


def _check_reasoning(model: Model, extra: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    reasoning = extra.get("reasoningConfig")
    if not reasoning:
        return False
    if not model.reasons:
        raise invalid("Malformed input request: extraneous key [reasoningConfig] is not permitted")
    if "budget_tokens" in reasoning or reasoning.get("type") not in {"enabled", "disabled"}:
        raise invalid("Malformed input request: #/reasoningConfig: extraneous key or bad type")
    effort = reasoning.get("maxReasoningEffort")
    if reasoning["type"] == "enabled" and effort not in {"low", "medium", "high"}:
        raise invalid("Malformed input request: #/reasoningConfig/maxReasoningEffort")
    if effort == "high" and set(config) & {"maxTokens", "temperature", "topP"}:
        raise invalid("maxTokens, temperature and topP must be unset when maxReasoningEffort is high.")
    return str(reasoning["type"]) == "enabled"


def _max_tokens(model: Model, config: Mapping[str, Any], *, is_native: bool) -> int:
    tokens = config.get("maxTokens", model.max_output)
    if not isinstance(tokens, int) or tokens < 1 or tokens > model.max_output:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.max_output}. "
            "Try again with a maximum tokens value that is lower."
        )
    for name in ("temperature", "topP"):
        low = 0.00001 if is_native else 0
        if name in config and not low <= config[name] <= 1:
            raise invalid(
                f"Malformed input request: #/inferenceConfig/{name}: {config[name]} is not between {low} and 1"
            )
    return tokens


def _forced_tool(config: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not config:
        return None
    specs = [tool["toolSpec"] for tool in config.get("tools", [])]
    for spec in specs:
        schema = spec.get("inputSchema", {}).get("json", {})
        if not TOOL_NAME.fullmatch(spec.get("name", "")) or schema.get("type") != "object":
            raise invalid("The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the "
                          "following: object.")  # fmt: skip
        if set(schema) - {"type", "properties", "required"}:
            raise invalid("Malformed input request: #/toolConfig: of the outermost object, only type, properties and "
                          "required are taken.")  # fmt: skip
        if "$ref" in str(schema):
            raise invalid("Malformed input request: #/toolConfig: $ref is not permitted")
    name = (config.get("toolChoice") or {}).get("tool", {}).get("name")
    chosen: Mapping[str, Any] | None = next((spec for spec in specs if spec["name"] == name), None)
    if name and chosen is None:
        raise invalid("The toolChoice names a tool that is not in toolConfig.tools.")
    return chosen


def usd(model: Model, model_id: str, tokens_in: int, tokens_out: int, tier: str) -> Decimal:
    """What AWS would charge: the geographic or in-region price, 10/11 of it for Nova 2's global profiles."""
    price_in, price_out = model.usd_in, model.usd_out
    if model_id.startswith("global.") and "nova-2-lite" in model_id:
        price_in, price_out = Decimal("0.30"), Decimal("2.5")
    half = Decimal("0.5") if tier in {"flex", "batch"} else Decimal(1)
    return (tokens_in * price_in + tokens_out * price_out) * half / M
