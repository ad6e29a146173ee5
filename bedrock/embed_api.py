"""Vectors from Bedrock: one text or picture now, or a whole video by an asynchronous call.

Source: Nova user guide "Embeddings schema"; Titan's user guide for `inputText`.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, cast

from bedrock import clients, faults
from bedrock.errors import BadRequestError, LostAnswerError, SpoiltAnswerError
from bedrock.pricing import Usage, text_tokens

NOVA_FORMAT = "nova-multimodal-embed-v1"
NOVA_DIMENSIONS = (256, 384, 1024, 3072)
NOVA_TEXT_MAX_CHARS = 8192
#: Vectors are stored for INDEX and searched with QUERY: one purpose for both degrades search.
INDEX = "GENERIC_INDEX"
QUERY = "GENERIC_RETRIEVAL"
SEGMENTS_MAX = 1434
SEGMENT_S = 5
#: What one asynchronous call takes at most.
VIDEO_MAX_S = 7200
VIDEO_MAX_BYTES = 2 << 30
TOKEN_HEADER = "x-amzn-bedrock-input-token-count"  # noqa: S105  (a header's name)


@dataclass(frozen=True, kw_only=True)
class TextRequest:
    """A text to embed. `purpose` (INDEX or QUERY) matters to Nova's format only."""

    runtime_id: str
    text: str
    dimension: int
    request_format: str = NOVA_FORMAT
    purpose: str = INDEX


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A vector as the model gave it, and what it used."""

    values: list[float]
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class AsyncCall:
    """The state of an asynchronous call in Bedrock's words: InProgress, Completed or Failed."""

    arn: str
    status: str
    message: str
    output_uri: str


def _single(purpose: str, dimension: int, **content: Any) -> dict[str, Any]:
    params = {"embeddingPurpose": purpose, "embeddingDimension": dimension, **content}
    return {"schemaVersion": NOVA_FORMAT, "taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}


#: The body of each request format that we know.
BODIES: dict[str, Callable[[TextRequest], dict[str, Any]]] = {
    NOVA_FORMAT: lambda request: _single(
        request.purpose,
        request.dimension,
        text={"truncationMode": "END", "value": request.text[:NOVA_TEXT_MAX_CHARS]},
    ),
    "inputText": lambda request: {"inputText": request.text, "dimensions": request.dimension, "normalize": True},
    "input": lambda request: {"input": request.text, "dimensions": request.dimension},
}
FORMATS = tuple(BODIES)


def body(request: TextRequest) -> dict[str, Any]:
    """The JSON that is sent. Raises BadRequestError for an unknown format."""
    make = BODIES.get(request.request_format)
    if make is None:
        raise BadRequestError(
            f"There is no request format {request.request_format!r}.",
            remedy=f"Set NOVA_EMBED_REQUEST_FORMAT to one of {', '.join(FORMATS)}.",
        )
    return make(request)


def embed_text(request: TextRequest) -> Vector:
    """Embed one text. Raises BedrockError; LostAnswerError where it may have been charged and no answer came."""
    values, answer, headers = invoke(request.runtime_id, body(request), request.dimension)
    tokens = headers.get(TOKEN_HEADER) or answer.get("inputTextTokenCount") or text_tokens(request.text).high
    return Vector(values=values, usage=Usage(input_tokens=int(tokens)))


def embed_jpeg(*, runtime_id: str, jpeg: bytes, dimension: int) -> Vector:
    """Embed one picture, to be found by words. Raises as `embed_text`."""
    image = {"format": "jpeg", "detailLevel": "STANDARD_IMAGE", "source": {"bytes": b64encode(jpeg).decode()}}
    values, _, _ = invoke(runtime_id, _single(INDEX, dimension, image=image), dimension)
    return Vector(values=values, usage=Usage(images=1))


def invoke(
    runtime_id: str, request: Mapping[str, Any], dimension: int
) -> tuple[list[float], Mapping[str, Any], Mapping[str, str]]:
    """Ask the model for one vector. Returns it (`dimension` numbers), the whole answer, and its headers.

    Raises as `embed_text`, and SpoiltAnswerError where the answer has no vector of this length.
    """
    with faults.told(f"Embedding with {runtime_id}", paid=True):
        response = clients.runtime().invoke_model(
            modelId=runtime_id, body=json.dumps(request).encode(), contentType="application/json",
            accept="application/json",
        )  # fmt: skip
        content = response["body"].read()
    try:
        answer = json.loads(content)
    except ValueError as exc:
        raise LostAnswerError(f"Embedding with {runtime_id}: something came that is no answer") from exc
    answer = answer if isinstance(answer, dict) else {}
    vector = vector_in(answer)
    if len(vector) != dimension:
        raise SpoiltAnswerError(
            f"{runtime_id} gave a vector of {len(vector)} numbers where {dimension} were asked for.",
            remedy="Set NOVA_EMBED_DIMENSION to a dimension that the model offers.",
        )
    return vector, answer, response["ResponseMetadata"]["HTTPHeaders"]


def vector_in(answer: Mapping[str, Any]) -> list[float]:
    """The first vector of an answer, in any of the shapes of the known formats. Raises SpoiltAnswerError."""
    vector: Any = answer.get("embedding")
    if vector is None:
        rows = answer.get("embeddings") or answer.get("data") or [[]]
        vector = rows[0].get("embedding") if isinstance(rows[0], dict) else rows[0]
    if not isinstance(vector, list) or not vector:
        raise SpoiltAnswerError("The embedding model answered without a vector.")
    return [float(number) for number in vector]


def segment_seconds(duration_s: float) -> int:
    """The length of the pieces of an asynchronous call: 5 s, and longer where there would be more than it takes."""
    return min(30, max(SEGMENT_S, ceil(duration_s / SEGMENTS_MAX)))


def start_video(
    *, runtime_id: str, video_uri: str, output_uri: str, dimension: int, duration_s: float, client_token: str
) -> str:
    """Embed a staged video, piece by piece, picture and sound together. Returns the ARN of the call."""
    model_input = {
        "schemaVersion": NOVA_FORMAT,
        "taskType": "SEGMENTED_EMBEDDING",
        "segmentedEmbeddingParams": {
            "embeddingPurpose": INDEX,
            "embeddingDimension": dimension,
            "video": {
                "format": "mp4",
                "source": {"s3Location": {"uri": video_uri}},
                "embeddingMode": "AUDIO_VIDEO_COMBINED",
                "segmentationConfig": {"durationSeconds": segment_seconds(duration_s)},
            },
        },
    }
    with faults.told(f"Starting an embedding with {runtime_id}", paid=True):
        answer = clients.runtime().start_async_invoke(
            modelId=runtime_id,
            clientRequestToken=client_token,
            modelInput=model_input,
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": output_uri}},
        )
    return answer["invocationArn"]


def get_async(arn: str) -> AsyncCall:
    """How far an asynchronous call is."""
    with faults.told("Asking for the embedding"):
        answer = cast("dict[str, Any]", clients.runtime_status().get_async_invoke(invocationArn=arn))
    return AsyncCall(
        arn=arn,
        status=answer["status"],
        message=answer.get("failureMessage", ""),
        output_uri=answer["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"],
    )


def find_async(client_token: str, *, since: datetime) -> str:
    """The ARN of the call that was started with this token, where the answer to the start was lost; else empty."""
    pages = clients.runtime_status().get_paginator("list_async_invokes").paginate(submitTimeAfter=since)
    with faults.told("Looking for the embedding"):
        for page in pages:
            for call in page.get("asyncInvokeSummaries", []):
                if call.get("clientRequestToken") == client_token:
                    return call["invocationArn"]
    return ""
