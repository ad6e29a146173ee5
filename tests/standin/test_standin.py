"""The stand-in itself: it refuses what the service refuses, and says nothing that botocore does not know."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.standin import answers, media, rules
from tests.standin.fixtures import BUCKET, INPUT_PREFIX, OUTPUT_PREFIX
from tests.standin.server import check_shape
from tests.standin.world import ROLE, BatchPlan, World

LITE = "us.amazon.nova-2-lite-v1:0"
USER = [{"role": "user", "content": [{"text": "hello"}]}]


@pytest.fixture
def runtime(aws: World) -> Any:
    return boto3.client("bedrock-runtime", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def control(aws: World) -> Any:
    return boto3.client("bedrock", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))


def video(fmt: str = "mp4", **source: Any) -> dict[str, Any]:
    return {"video": {"format": fmt, "source": source or {"bytes": media.tiny_mp4(3)}}}


#: Changes to a request that is right, each of which the service refuses.
WRONG: list[dict[str, Any]] = [
    {"messages": [{"role": "assistant", "content": [{"text": "hello"}]}]},
    {"messages": []},
    {"messages": [{"role": "user", "content": [video()]}]},
    {"messages": [{"role": "user", "content": [video(), video(), {"text": "x"}]}]},
    {"messages": [{"role": "user", "content": [video("avi"), {"text": "x"}]}]},
    {"messages": [{"role": "user", "content": [video(s3Location={"uri": f"s3://{BUCKET}/no.mp4"}), {"text": "x"}]}]},
    {"messages": [{"role": "user", "content": [video(bytes=b"no video"), {"text": "x"}]}]},
    {"inferenceConfig": {"maxTokens": 65_536}},
    {"inferenceConfig": {"temperature": 2.0}},
    {"additionalModelRequestFields": {"thinking": {}}},
    {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "budget_tokens": 100}}},
    {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "huge"}}},
    {
        "inferenceConfig": {"maxTokens": 100},
        "additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
    },
    {"toolConfig": {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "array"}}}}]}},
    {
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}],
            "toolChoice": {"tool": {"name": "other"}},
        }
    },
    {"modelId": "us.amazon.nova-pro-v1:0", "inferenceConfig": {"maxTokens": 5001}},
    {"modelId": "us.amazon.nova-lite-v1:0", "serviceTier": {"type": "flex"}},
]


@pytest.mark.parametrize("change", WRONG)
def test_refuses_each_wrong_request_and_charges_nothing(aws: World, runtime: Any, change: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        runtime.converse(**{"modelId": LITE, "messages": USER, **change})

    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert aws.bill == []


def test_refuses_what_is_no_json_and_native_keys_that_it_does_not_know(runtime: Any) -> None:
    for body in (b"{", b"[]", json.dumps({"messages": USER, "max_tokens": 5}).encode()):
        with pytest.raises(ClientError, match="Malformed"):
            runtime.invoke_model(modelId=LITE, body=body)


def test_answers_invoke_model_in_the_native_shape(runtime: Any) -> None:
    body = json.dumps({"schemaVersion": "messages-v1", "messages": USER}).encode()

    said = json.loads(runtime.invoke_model(modelId=LITE, body=body)["body"].read())

    assert set(said) == {"output", "stopReason", "usage"}


def test_an_answer_that_botocore_does_not_know_fails_loudly() -> None:
    with pytest.raises(AssertionError, match="ListFoundationModels"):
        check_shape("bedrock", "ListFoundationModels", {"modelSummaries": [{"modelId": "x"}]})
    with pytest.raises(AssertionError, match="no members"):
        check_shape("bedrock", "StopModelInvocationJob", {"ok": True})


def test_lists_models_and_profiles_with_their_lifecycle(control: Any) -> None:
    models = {row["modelId"]: row for row in control.list_foundation_models()["modelSummaries"]}
    profiles = [row["inferenceProfileId"] for row in control.list_inference_profiles()["inferenceProfileSummaries"]]

    assert models["amazon.nova-premier-v1:0"]["modelLifecycle"]["status"] == "LEGACY"
    assert LITE in profiles


@pytest.mark.parametrize(
    ("name", "value"), [("jobName", "a_b"), ("clientRequestToken", "a_b"), ("s3Uri", f"s3://{BUCKET}/in dir/")]
)
def test_enforces_the_patterns_that_boto_leaves_to_the_service(control: Any, name: str, value: str) -> None:
    with pytest.raises(ClientError, match="regular expression"):
        create(control, **{name: value})


def create(control: Any, *, s3Uri: str = f"s3://{BUCKET}/{INPUT_PREFIX}/j/", **facts: Any) -> str:
    asked = {"jobName": "j", "roleArn": ROLE, "modelId": LITE, **facts}
    answer = control.create_model_invocation_job(
        **asked,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": s3Uri}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/{OUTPUT_PREFIX}/"}},
    )
    return str(answer["jobArn"])


def put(aws: World, lines: list[Any], name: str = "input.jsonl") -> None:
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    aws.s3.put_object(Bucket=BUCKET, Key=f"{INPUT_PREFIX}/j/{name}", Body=body.encode())


def records(count: int, **extra: Any) -> list[dict[str, Any]]:
    return [{"recordId": f"RECORD{n:05d}", "modelInput": {"messages": USER, **extra}} for n in range(count)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], "not valid JSON"),
        ([{"recordId": "a"}], "no modelInput"),
        (records(1) * 2, "not unique"),
        (records(1), "1 records"),
        ([], "0 records"),
    ],
)
def test_a_job_of_wrong_lines_fails_in_validation(aws: World, control: Any, lines: list[Any], words: str) -> None:
    aws.min_records = 2
    put(aws, lines)
    arn = create(control)
    aws.clock.advance(minutes=4)

    job = control.get_model_invocation_job(jobIdentifier=arn)

    assert job["status"] == "Failed"
    assert words in job["message"]


def run(aws: World, control: Any, **facts: Any) -> tuple[str, list[dict[str, Any]]]:
    arn = create(control, **facts)
    for _ in range(7):
        aws.clock.advance(minutes=5)
        status = control.get_model_invocation_job(jobIdentifier=arn)["status"]
    key = f"{OUTPUT_PREFIX}/{arn.rpartition('/')[2]}/input.jsonl.out"
    if "Contents" not in aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=key):
        return status, []
    body = aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return status, [json.loads(line) for line in body.splitlines()]


def test_breaks_the_output_as_planned(aws: World, control: Any) -> None:
    aws.min_records = 1
    aws.plan = BatchPlan(errors=7, missing=5, duplicates=4, strangers=2)
    put(aws, records(60))

    status, lines = run(aws, control)

    ids = [line["recordId"] for line in lines]
    assert status == "Completed"
    assert len(ids) == 60 - 5 + 4 + 2
    assert sum("error" in line for line in lines) in range(7, 12)
    assert len({id_ for id_ in ids if id_.startswith("RECORD")}) == 55
    assert len(aws.bill) == 60 - 5 - 7


@pytest.mark.parametrize(("outcome", "count"), [("PartiallyCompleted", 30), ("Expired", 0), ("Failed", 0)])
def test_jobs_can_end_early(aws: World, control: Any, outcome: str, count: int) -> None:
    aws.min_records = 1
    aws.plan = BatchPlan(outcome=outcome, fraction=0.5)
    put(aws, records(60))

    assert (lambda answer: (answer[0], len(answer[1])))(run(aws, control)) == (outcome, count)


def test_tools_fail_every_record_of_a_converse_batch(aws: World, control: Any) -> None:
    aws.min_records = 1
    put(aws, records(3, toolConfig={"tools": []}))
    tool = {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}]}
    put(aws, records(3, toolConfig=tool))

    _, lines = run(aws, control, modelInvocationType="Converse")

    assert [line["error"]["errorCode"] for line in lines] == [400, 400, 400]


def test_stops_once_and_knows_no_stranger(control: Any, aws: World) -> None:
    put(aws, records(1))
    arn = create(control)

    control.stop_model_invocation_job(jobIdentifier=arn)

    with pytest.raises(ClientError, match="cannot be stopped"):
        control.stop_model_invocation_job(jobIdentifier=arn)
    with pytest.raises(ClientError, match="Could not find"):
        control.get_model_invocation_job(jobIdentifier=arn[:-1] + ("1" if arn.endswith("0") else "0"))


def test_values_fit_their_schema() -> None:
    from jsonschema import Draft202012Validator

    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "start_s": {"type": "number", "minimum": 0},
            "count": {"type": "integer", "maximum": 0},
            "time_ranges": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 11}},
            "maybe": {"type": ["null", "boolean"]},
            "either": {"anyOf": [{"const": 3}, {"type": "string"}]},
        },
    }
    value = answers.instance(schema, 75)

    assert not list(Draft202012Validator(schema).iter_errors(value))
    assert value["time_ranges"] == ["00:00-01:15", "00:00-01:15"]
    assert answers.schema_in(f"Answer by {json.dumps(schema)} only, {{not json}}.") == schema
    assert answers.schema_in("{} {1}") is None


def test_vectors_are_near_for_texts_that_share_words() -> None:
    def near(a: str, b: str) -> float:
        return sum(x * y for x, y in zip(answers.vector(a, 256), answers.vector(b, 256), strict=True))

    assert near("a red barn", "the red barn") > near("a red barn", "two blue boats") + 0.3


def test_reads_the_duration_of_an_mp4() -> None:
    assert media.duration_s(media.tiny_mp4(12.5)) == 12.5
    assert media.duration_s(b"nothing") == 10
    assert media.looks_like_video(b"\x1aE\xdf\xa3", "mkv")
    assert not media.looks_like_video(b"", "flv")


def test_an_end_of_life_model_and_an_unknown_one_are_different_errors() -> None:
    with pytest.raises(rules.Refused, match="end of its life"):
        rules.model_called("us.amazon.nova-premier-v1:0")
    with pytest.raises(rules.Refused, match="identifier is invalid"):
        rules.model_called("x")
