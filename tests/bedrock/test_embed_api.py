"""Vectors, over HTTP."""

import math
from typing import Any

import pytest

from bedrock import embed_api, staging
from bedrock.embed_api import TextRequest
from bedrock.errors import BadRequestError, BedrockError, BusyError
from tests.standin import world as at
from tests.standin.fixtures import BUCKET
from tests.standin.media import tiny_mp4
from tests.standin.rules import EMBED_INPUT_ID
from tests.standin.world import World

NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"


def request(**facts: Any) -> TextRequest:
    return TextRequest(**{"runtime_id": NOVA, "text": "a red barn", "dimension": 1024, **facts})


@pytest.mark.parametrize(
    ("runtime_id", "fmt"), [(NOVA, embed_api.NOVA_FORMAT), (TITAN, "inputText"), (EMBED_INPUT_ID, "input")]
)
def test_each_request_format_gives_a_unit_vector_and_its_usage(aws: World, runtime_id: str, fmt: str) -> None:
    vector = embed_api.embed_text(request(runtime_id=runtime_id, request_format=fmt))

    assert len(vector.values) == 1024
    assert math.isclose(sum(a * a for a in vector.values), 1, rel_tol=1e-6)
    assert vector.usage.input_tokens == 3
    assert len(aws.bill) == 1


def test_index_and_query_ask_for_different_purposes() -> None:
    index, query = (embed_api.body(request(purpose=purpose)) for purpose in (embed_api.INDEX, embed_api.QUERY))

    assert index["singleEmbeddingParams"]["embeddingPurpose"] == "GENERIC_INDEX"
    assert query["singleEmbeddingParams"]["embeddingPurpose"] == "GENERIC_RETRIEVAL"


def test_a_long_text_is_cut_to_what_nova_takes(aws: World) -> None:
    assert len(embed_api.embed_text(request(text="word " * 5000)).values) == 1024


def test_an_unknown_format_and_a_dimension_that_is_not_offered_are_refused(aws: World) -> None:
    with pytest.raises(BadRequestError, match="no request format"):
        embed_api.embed_text(request(request_format="other"))
    with pytest.raises(BadRequestError):
        embed_api.embed_text(request(dimension=1000))


def test_throttling_is_left_to_the_job(aws: World) -> None:
    aws.break_next("InvokeModel", at.THROTTLED)
    with pytest.raises(BusyError):
        embed_api.embed_text(request())
    assert aws.calls["InvokeModel"] == 1


@pytest.mark.parametrize("said", [{}, {"embedding": []}, {"embeddings": []}, {"data": [{"text": "x"}]}])
def test_an_answer_without_a_vector_is_an_error(said: dict[str, Any]) -> None:
    with pytest.raises(BedrockError, match="without a vector"):
        embed_api.vector_in(said)


@pytest.mark.parametrize(("duration_s", "step"), [(10, 5), (7100, 5), (7200, 6), (40_000, 28), (90_000, 30)])
def test_pieces_are_long_enough_for_two_hours(duration_s: float, step: int) -> None:
    assert embed_api.segment_seconds(duration_s) == step


def test_a_video_is_embedded_piece_by_piece_and_read_from_the_bucket(aws: World) -> None:
    address = aws.put(f"s3://{BUCKET}/{staging.ASYNC_PREFIX}/a.mp4", tiny_mp4(12))
    facts: dict[str, Any] = {
        "runtime_id": NOVA, "video_uri": address, "output_uri": f"s3://{BUCKET}/{staging.ASYNC_PREFIX}/out",
        "dimension": 256, "duration_s": 12, "client_token": "t1",
    }  # fmt: skip
    arn = embed_api.start_video(**facts)

    assert embed_api.start_video(**facts) == arn
    assert embed_api.get_async(arn).status == "InProgress"
    aws.clock.advance(minutes=3)
    call = embed_api.get_async(arn)
    assert (call.status, call.message) == ("Completed", "")
    lines = list(staging.read_lines(f"{staging.key_of(call.output_uri)}/embedding-audio-video.jsonl"))
    assert [line["segmentMetadata"]["segmentEndSeconds"] for line in lines] == [5, 10, 12]
