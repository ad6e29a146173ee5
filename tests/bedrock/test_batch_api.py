"""Batch jobs of Bedrock, over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bedrock import converse, staging
from bedrock.batch import jobs
from bedrock.batch.jobs import NewJob
from bedrock.converse import ConverseRequest
from bedrock.errors import AccessError, BadRequestError, BedrockError, MissingObjectError, NotConfiguredError
from tests.standin import world as at
from tests.standin.fixtures import BUCKET, INPUT_PREFIX, OUTPUT_PREFIX
from tests.standin.media import tiny_mp4
from tests.standin.world import World

JOB = NewJob(
    name="novaproject-1",
    client_token="token1",
    runtime_id="us.amazon.nova-2-lite-v1:0",
    input_uri=f"s3://{BUCKET}/{INPUT_PREFIX}/j1/",
    output_uri=f"s3://{BUCKET}/{OUTPUT_PREFIX}/",
)
Stage = Callable[..., list[str]]


@pytest.fixture
def stage(aws: World) -> Stage:
    aws.min_records = 20

    def put(
        count: int = 20, *, bad: int = 0, change: Callable[[dict[str, Any]], None] = lambda body: None
    ) -> list[str]:
        ids, lines = [staging.new_id() for _ in range(count)], []
        for number, one in enumerate(ids):
            content = b"no video" if number < bad else tiny_mp4(10, seed=one)
            address = aws.put(f"s3://{BUCKET}/{INPUT_PREFIX}/j1/{one}.mp4", content)
            body = converse.batch_body(
                ConverseRequest(runtime_id="x", text="What is it?", media_uri=address, max_tokens=500)
            )
            change(body)
            lines.append(json.dumps({"recordId": one, "modelInput": body}))
        aws.put(f"s3://{BUCKET}/{INPUT_PREFIX}/j1/input.jsonl", "\n".join(lines).encode())
        return ids

    return put


def output(job: jobs.RemoteJob) -> list[dict[str, Any]]:
    folder = staging.key_of(jobs.output_folder(job))
    keys = [staged.key for staged in staging.listed(folder) if staged.key.endswith(".jsonl.out")]
    return [record for key in keys for record in staging.read_lines(key)]


def test_a_job_runs_from_submitted_to_completed_and_writes_a_line_for_each(aws: World, stage: Stage) -> None:
    ids = stage(20, bad=3)
    arn = jobs.create(JOB)

    seen = [jobs.get(arn).status]
    for _ in range(31):
        aws.clock.advance(minutes=1)
        seen.append(jobs.get(arn).status)

    assert list(dict.fromkeys(seen)) == ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]
    job = jobs.get(arn)
    assert job.is_over
    assert (job.total, job.processed, job.succeeded, job.failed) == (20, 20, 17, 3)
    records = output(job)
    assert {record["recordId"] for record in records} == set(ids)
    assert [record["recordId"] for record in records] != ids
    assert sum("error" in record for record in records) == 3
    reply = converse.reply_of_record(next(record for record in records if "modelOutput" in record)["modelOutput"])
    assert reply.usage.input_tokens >= 2880
    assert (len(aws.bill), {charge.tier for charge in aws.bill}) == (17, {"batch"})


def test_the_same_client_token_is_the_same_job(aws: World, stage: Stage) -> None:
    stage()
    assert jobs.create(JOB) == jobs.create(JOB)
    assert jobs.create(replace(JOB, client_token="token2")) != jobs.create(JOB)


def test_too_few_records_fail_in_validation_with_the_numbers(aws: World, stage: Stage) -> None:
    stage(13)
    arn = jobs.create(JOB)
    aws.clock.advance(minutes=4)

    job = jobs.get(arn)

    assert job.status == "Failed"
    assert "13 records" in job.message
    assert aws.bill == []


def test_a_video_outside_the_folder_fails_the_whole_job(aws: World, stage: Stage) -> None:
    def move(body: dict[str, Any]) -> None:
        body["messages"][0]["content"][0]["video"]["source"]["s3Location"]["uri"] = f"s3://{BUCKET}/elsewhere/a.mp4"

    stage(change=move)
    arn = jobs.create(JOB)
    aws.clock.advance(minutes=4)

    assert "not in the bucket and folder" in jobs.get(arn).message


def test_a_stopped_job_keeps_what_it_had_done(aws: World, stage: Stage) -> None:
    stage()
    arn = jobs.create(JOB)
    for minutes in (2, 2, 13.5):
        aws.clock.advance(minutes=minutes)
        jobs.get(arn)

    assert jobs.stop(arn)

    job = jobs.get(arn)
    assert job.status == "Stopped"
    assert 0 < len(output(job)) < 20
    assert len(aws.bill) == len(output(job))
    assert not jobs.stop(arn)


def test_lists_newest_first_by_name_and_time_over_many_pages(aws: World, stage: Stage) -> None:
    stage()
    aws.running_jobs_max = 1000
    start = aws.clock.now()
    for n in range(55):
        aws.clock.advance(seconds=1)
        jobs.create(replace(JOB, name=f"novaproject-{n}", client_token=f"t{n}"))

    listed = list(jobs.listed(name_contains="novaproject-"))

    assert [job.name for job in listed] == [f"novaproject-{n}" for n in range(54, -1, -1)]
    assert listed[0].client_token == "t54"
    assert len(list(jobs.listed(since=start + timedelta(seconds=45)))) == 10


#: What the service refuses when a job is created, and the words that must reach the person.
REFUSED = [
    (at.NO_PASS_ROLE, AccessError, "iam:PassRole", "docs/aws.md"),
    (at.NOT_FOR_BATCH, AccessError, "create a support case", "flex"),
    (at.EXPIRED, AccessError, "expired", "sign in again"),
]


@pytest.mark.parametrize(("fault", "error", "words", "remedy"), REFUSED)
def test_a_refused_job_is_told_in_awss_words_with_what_to_do(
    aws: World, stage: Stage, fault: at.Fault, error: type[BedrockError], words: str, remedy: str
) -> None:
    stage(1)
    aws.break_next("CreateModelInvocationJob", fault)

    with pytest.raises(error) as caught:
        jobs.create(JOB)
    assert words in str(caught.value)
    assert remedy in caught.value.remedy


def test_a_role_that_cannot_be_assumed_and_a_bucket_that_is_not_there(aws: World, settings: Any) -> None:
    with pytest.raises(MissingObjectError, match="NoSuchBucket"):
        jobs.create(replace(JOB, input_uri="s3://no-such-bucket/in/"))
    settings.BEDROCK_BATCH_ROLE_ARN = "arn:aws:iam::123456789012:role/other"
    with pytest.raises(AccessError) as caught:
        jobs.create(JOB)
    assert "BEDROCK_BATCH_ROLE_ARN" in caught.value.remedy


def test_throttling_of_a_free_call_is_retried_by_the_client(aws: World, stage: Stage) -> None:
    stage(1)
    aws.break_next("CreateModelInvocationJob", at.THROTTLED, times=2)

    assert jobs.create(JOB)


def test_too_many_running_jobs_ask_to_wait(aws: World, stage: Stage) -> None:
    stage()
    aws.running_jobs_max = 0
    with pytest.raises(BadRequestError) as caught:
        jobs.create(JOB)
    assert "quota" in caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        {"name": "nova_1"},
        {"name": "a b"},
        {"name": "a" * 64},
        {"client_token": "a_b"},
        {"input_uri": f"s3://{BUCKET}/in dir/"},
        {"input_uri": f"s3://{BUCKET}/a//b"},
        {"output_uri": f"s3://{BUCKET}/a=b/"},
        {"output_uri": f"s3://{BUCKET}/a+b/"},
    ],
)
def test_names_that_boto_would_let_through_are_refused_here_and_there(aws: World, change: dict[str, str]) -> None:
    with pytest.raises(BadRequestError, match="Bedrock takes no"):
        jobs.create(replace(JOB, **change))  # type: ignore[arg-type]
    assert aws.calls["CreateModelInvocationJob"] == 0


@pytest.mark.parametrize("name", ["BEDROCK_BATCH_ROLE_ARN", "NOVA_BATCH_INPUT_PREFIX", "S3_BUCKET_NAME"])
def test_when_one_setting_of_batch_mode_is_missing_the_message_says_which(aws: World, settings: Any, name: str) -> None:
    setattr(settings, name, "")

    with pytest.raises(NotConfiguredError, match=f"Batch mode is off: {name} is not set"):
        jobs.role_arn()


def test_an_unknown_job_is_missing(aws: World) -> None:
    with pytest.raises(MissingObjectError):
        jobs.get("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl")


def test_prefixes_may_be_written_as_addresses(settings: Any) -> None:
    from bedrock import conf

    settings.NOVA_BATCH_INPUT_PREFIX = f"s3://{BUCKET}/a/b/"
    assert conf.batch().input_prefix == "a/b"
