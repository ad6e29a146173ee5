"""Answers to questions: Converse, InvokeModel and the records of a batch."""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from tests.standin import answers, rules
from tests.standin.rules import Understood
from tests.standin.world import Charge, Fault, World, question_of

REDACTED = {"reasoningContent": {"reasoningText": {"text": "[REDACTED]"}}}


def answer(
    world: World, model_id: str, body: Mapping[str, Any], *, is_native: bool, tier: str = "default",
    record_id: str = "", fault: Fault | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Answer one question as the service does, and charge it."""
    model = rules.model_called(model_id)
    if model.kind != "chat":
        raise rules.invalid(f"The model {model_id} does not understand messages.")
    if tier == "flex" and not model.flex:
        raise rules.invalid(f"The service tier flex is not supported for {model.base}.")
    in_batch = tier == "batch"
    asked = rules.understand(model, body, is_native=is_native, in_batch=in_batch)
    content, duration = "", 0.0
    if asked.video is not None:
        inline = asked.video["source"].get("bytes")
        content, duration = world.video_of(asked.video, base64.b64decode(inline) if inline is not None else None)
    for image in asked.images:
        content += world.picture_of(image)
    tokens_in = _input_tokens(asked, duration)
    if tokens_in > model.context:
        raise rules.invalid("Input is too long for requested model.")
    blocks, stop, tokens_out = _blocks(world, asked, duration, is_cut=bool(fault and fault.cut))
    if fault and fault.stop:
        blocks, stop = [], fault.stop
    world.charge(
        Charge(
            question=question_of(model.base, body, content), model_id=model_id, tier=tier, input_tokens=tokens_in,
            output_tokens=tokens_out, usd=rules.usd(model, model_id, tokens_in, tokens_out, tier), record_id=record_id,
        )
    )  # fmt: skip
    usage = {"inputTokens": tokens_in, "outputTokens": tokens_out, "totalTokens": tokens_in + tokens_out}
    said = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": stop, "usage": usage}
    if not is_native:
        said["metrics"] = {"latencyMs": 1200}
    return said


def vary(world: World, said: dict[str, Any]) -> dict[str, Any]:
    """An answer as the service may tell it too, by the world's ways."""
    ways = world.ways
    if "usage" not in said:
        return said
    varied = dict(said)
    if ways.usage == "missing":
        del varied["usage"]
    elif ways.usage == "text":
        varied["usage"] = {name: str(count) for name, count in said["usage"].items()}
    if ways.adds_fields:
        varied |= {
            "amazon-bedrock-trace": {"guardrail": None},
            "performanceConfig": {"latency": "standard"},
            "extra": [1],
        }
    message = said["output"]["message"]
    if ways.talks_first and message["content"]:
        varied["output"] = {"message": {**message, "content": [{"text": "Let me look at this."}, *message["content"]]}}
    return varied


def _input_tokens(asked: Understood, duration_s: float) -> int:
    frames = min(max(1, math.ceil(duration_s)), asked.model.frames) if asked.video is not None else 0
    schema = json.dumps(asked.tool["inputSchema"]) if asked.tool else ""
    pictures = len(asked.images) * rules.IMAGE_TOKENS
    return pictures + frames * rules.TOKENS_PER_FRAME + math.ceil((len(asked.text) + len(schema)) / 4)


def _blocks(world: World, asked: Understood, duration_s: float, *, is_cut: bool) -> tuple[list[Any], str, int]:
    """The content blocks, the stop reason and the output tokens."""
    schema = asked.tool["inputSchema"]["json"] if asked.tool else answers.schema_in(asked.text)
    value = answers.instance(schema, duration_s) if schema else None
    text = world.fixed_answer or (json.dumps(value) if schema else "A stand-in looked at this and saw a video.")
    tokens = max(1, math.ceil(len(text) / 4)) + (200 if asked.is_reasoning else 0)
    is_cut = is_cut or tokens > asked.max_tokens
    first = [REDACTED] if asked.is_reasoning else []
    if is_cut:
        text, tokens = text[: max(1, len(text) // 2)], min(tokens, asked.max_tokens)
    if asked.tool and world.fixed_answer is None:
        made = {"partial": text} if is_cut else value
        block = {"toolUse": {"toolUseId": "tooluse_standin", "name": asked.tool["name"], "input": made}}
        return [*first, block], "max_tokens" if is_cut else "tool_use", tokens
    fenced = f"```json\n{text}" + ("" if is_cut else "\n```")
    return [*first, {"text": fenced if schema else text}], "max_tokens" if is_cut else "end_turn", tokens
