"""Vectors: at once by InvokeModel, or for a whole file by an asynchronous call that writes to S3."""

import base64
import hashlib
import json
import math
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.standin import answers, media, rules
from tests.standin.rules import invalid
from tests.standin.world import ACCOUNT, REGION, Charge, World, question_of

DIMENSIONS = {256, 384, 1024, 3072}
PURPOSES = {
    "GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL", "IMAGE_RETRIEVAL", "VIDEO_RETRIEVAL", "DOCUMENT_RETRIEVAL",
    "AUDIO_RETRIEVAL", "CLASSIFICATION", "CLUSTERING",
}  # fmt: skip
TAKES = timedelta(minutes=2)
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def invoke(world: World, model_id: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and headers of an answer to InvokeModel for an embedding model."""
    model = rules.model_called(model_id)
    if "nova" in model.base and "image" in (body.get("singleEmbeddingParams") or {}):
        return _nova_image(world, model_id, body)
    if "nova" in model.base:
        text, dimension = _nova_text(body)
        said: dict[str, Any] = {"embeddings": [{"embeddingType": "TEXT", "embedding": answers.vector(text, dimension)}]}
    elif "inputText" in body:
        text, dimension = body["inputText"], body.get("dimensions", 1024)
        if dimension not in {256, 512, 1024}:
            raise invalid("Malformed input request: #/dimensions: is not a valid enum value")
        said = {"embedding": answers.vector(text, dimension), "inputTextTokenCount": math.ceil(len(text) / 4)}
    elif "input" in body and "titan" not in model.base:
        text, dimension = body["input"], body.get("dimensions", 1024)
        said = {"embeddings": [answers.vector(text, dimension)]}
    else:
        raise invalid("Malformed input request: #: required key [inputText] not found")
    tokens = max(1, math.ceil(len(text) / 4))
    world.charge(
        Charge(
            question=question_of(model.base, body, ""), model_id=model_id, tier="default", input_tokens=tokens,
            output_tokens=0, usd=rules.usd(model, model_id, tokens, 0, "default"),
        )
    )  # fmt: skip
    return said, {"x-amzn-bedrock-input-token-count": str(tokens)}


def _nova_image(world: World, model_id: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    params = _single(body)
    image = params["image"]
    if image.get("format") not in {"jpeg", "png", "gif", "webp"}:
        raise invalid("Malformed input request: #/image/format: is not a valid enum value")
    if image.get("detailLevel", "STANDARD_IMAGE") not in {"STANDARD_IMAGE", "DOCUMENT_IMAGE"}:
        raise invalid("Malformed input request: #/image/detailLevel: is not a valid enum value")
    picture = base64.b64decode((image.get("source") or {}).get("bytes", ""), validate=True)
    if image["format"] == "jpeg" and not picture.startswith(b"\xff\xd8\xff"):
        raise invalid("The provided image could not be processed: the file is corrupt or has another format.")
    digest = hashlib.sha256(picture).hexdigest()
    world.charge(
        Charge(
            question=question_of(rules.model_called(model_id).base, body, digest), model_id=model_id, tier="default",
            input_tokens=0, output_tokens=0, usd=Decimal("0.00006"),
        )
    )  # fmt: skip
    number = world.pictures.setdefault(digest, len(world.pictures))
    seen = world.seen[number] if number < len(world.seen) else digest
    vector = answers.vector(seen, params.get("embeddingDimension", 3072))
    return {"embeddings": [{"embeddingType": "IMAGE", "embedding": vector}]}, {}


def _single(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if body.get("schemaVersion") != "nova-multimodal-embed-v1" or body.get("taskType") != "SINGLE_EMBEDDING":
        raise invalid("Malformed input request: #: schemaVersion or taskType is not valid")
    return _params(body, "singleEmbeddingParams")


def _nova_text(body: Mapping[str, Any]) -> tuple[str, int]:
    params = _single(body)
    text = params.get("text") or {}
    value = text.get("value", "")
    if text.get("truncationMode") not in {"START", "END", "NONE"}:
        raise invalid("Malformed input request: #/singleEmbeddingParams/text: required key [truncationMode] not found")
    if not 1 <= len(value) <= 8192:
        raise invalid(f"Malformed input request: #/text/value: expected maxLength: 8192, actual: {len(value)}")
    return value, params.get("embeddingDimension", 3072)


def _params(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    params = body.get(name) or {}
    if params.get("embeddingPurpose") not in PURPOSES:
        raise invalid(f"Malformed input request: #/{name}: required key [embeddingPurpose] not found")
    if params.get("embeddingDimension", 3072) not in DIMENSIONS:
        raise invalid(f"Malformed input request: #/{name}/embeddingDimension: is not a valid enum value")
    if sum(name in params for name in ("text", "image", "audio", "video")) != 1:
        raise invalid(f"Malformed input request: #/{name}: exactly one of text, image, audio, video")
    return params


def start_async(world: World, body: Mapping[str, Any]) -> dict[str, Any]:
    model = rules.model_called(body["modelId"])
    asked = body["modelInput"]
    if asked.get("taskType") != "SEGMENTED_EMBEDDING":
        raise invalid("Malformed input request: #/taskType: only SEGMENTED_EMBEDDING runs asynchronously")
    params = _params(asked, "segmentedEmbeddingParams")
    video = params.get("video") or {}
    seconds = (video.get("segmentationConfig") or {}).get("durationSeconds", 0)
    address = (video.get("source") or {}).get("s3Location", {}).get("uri", "")
    if not 1 <= seconds <= 30 or video.get("embeddingMode") not in {"AUDIO_VIDEO_COMBINED", "AUDIO_VIDEO_SEPARATE"}:
        raise invalid("Malformed input request: #/video: segmentationConfig or embeddingMode is not valid")
    if not address:
        raise invalid("Asynchronous inputs must be given by s3Location.")
    _, size = world.object_facts(address)
    duration = world.fixed_duration_s or media.duration_s(world.object_head(address, size))
    if size > 2 << 30 or duration > 7200:
        raise invalid("The video exceeds the maximum of 2 GB or 2 hours.")
    if math.ceil(duration / seconds) > 1434:
        raise invalid("The input would make more than 1434 segments.")
    token = body.get("clientRequestToken", "")
    with world.lock:
        for arn, call in world.async_calls.items():
            if token and call["token"] == token:
                return {"invocationArn": arn}
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:async-invoke/{''.join(secrets.choice(ALPHABET) for _ in range(12))}"
        world.async_calls[arn] = {
            "token": token, "model": model.base, "at": world.clock.now(), "address": address, "duration": duration,
            "seconds": seconds, "dimension": params.get("embeddingDimension", 3072), "done": False, "failure": "",
            "output": body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].rstrip("/") + "/" + arn[-12:],
        }  # fmt: skip
    usd = Decimal("0.0007") * Decimal(str(round(duration, 3)))
    world.charge(
        Charge(
            question=question_of(model.base, asked, world.object_facts(address)[0]), model_id=body["modelId"],
            tier="default", input_tokens=0, output_tokens=0, usd=usd,
        )
    )  # fmt: skip
    return {"invocationArn": arn}


def get_async(world: World, arn: str) -> dict[str, Any]:
    with world.lock:
        call = world.async_calls.get(arn)
        if call is None:
            raise rules.Refused("ResourceNotFoundException", "Could not find the async invoke.", 404)
        is_over = world.clock.now() >= call["at"] + TAKES
        if is_over and not call["done"]:
            call["done"], call["failure"] = True, world.async_failures.pop(0) if world.async_failures else ""
            if not call["failure"]:
                _write(world, call)
    return _told(arn, call)


def list_async(world: World, query: Mapping[str, str]) -> dict[str, Any]:
    since = datetime.fromisoformat(query.get("submitTimeAfter", "1970-01-01T00:00:00Z").replace("Z", "+00:00"))
    with world.lock:
        return {
            "asyncInvokeSummaries": [_told(arn, call) for arn, call in world.async_calls.items() if call["at"] > since]
        }


def _told(arn: str, call: Mapping[str, Any]) -> dict[str, Any]:
    status = "InProgress"
    if call["done"]:
        status = "Failed" if call["failure"] else "Completed"
    told = {
        "invocationArn": arn,
        "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{call['model']}",
        "clientRequestToken": call["token"],
        "status": status,
        "submitTime": call["at"],
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": call["output"]}},
    }
    return {**told, "failureMessage": call["failure"]} if call["failure"] else told


def _write(world: World, call: Mapping[str, Any]) -> None:
    bucket, _, prefix = call["output"].removeprefix("s3://").partition("/")
    step, start = call["seconds"], 0.0
    lines: list[dict[str, Any]] = []
    while start < call["duration"]:
        end = min(start + step, call["duration"])
        number = len(lines)
        seen = world.seen[number] if number < len(world.seen) else f"{call['address']} {start}"
        place = {"segmentIndex": number, "segmentStartSeconds": start, "segmentEndSeconds": end}
        if reason := world.bad_segments.get(number):
            lines.append({"segmentMetadata": place, "status": "FAILURE", "failureReason": reason})
        else:
            vector = answers.vector(seen, call["dimension"])
            lines.append({"embedding": vector, "segmentMetadata": place, "status": "SUCCESS"})
        start += step
    name = "embedding-audio-video.jsonl"
    status = "PARTIAL_SUCCESS" if world.bad_segments else "SUCCESS"
    result = {
        "sourceFileUri": call["address"],
        "embeddingDimension": call["dimension"],
        "embeddingResults": [
            {"embeddingType": "AUDIO_VIDEO_COMBINED", "status": status, "outputFileUri": f"{call['output']}/{name}"}
        ],
    }
    body = "".join(json.dumps(line) + "\n" for line in lines)
    world.s3.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=body.encode())
    world.s3.put_object(
        Bucket=bucket, Key=f"{prefix}/segmented-embedding-result.json", Body=json.dumps(result).encode()
    )
