"""Bedrock's batch jobs: create, look at, list, stop.

botocore checks no patterns, so they are checked here, before anything is sent. Source: botocore's service model
`bedrock/2023-04-20` (CreateModelInvocationJob and its neighbours).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bedrock import clients, conf, faults
from bedrock.errors import BadRequestError, BedrockError, NotConfiguredError

NAME = re.compile(r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}")
TOKEN = re.compile(r"[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}")
ADDRESS = re.compile(r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+)*/?")
ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
NAME_MAX, TOKEN_MAX = 63, 256
TIMEOUT_HOURS = 72
WAITING = frozenset({"Submitted", "Validating", "Scheduled"})
TERMINAL = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})


@dataclass(frozen=True, kw_only=True)
class RemoteJob:
    """A batch job as Bedrock tells it, in its own words. Counts are None where Bedrock gives none."""

    arn: str
    name: str
    status: str
    message: str
    client_token: str
    input_uri: str
    output_uri: str
    submitted_at: datetime
    ended_at: datetime | None
    total: int | None
    processed: int | None
    succeeded: int | None
    failed: int | None

    @property
    def job_id(self) -> str:
        """The 12 characters that name the folder of its output."""
        return self.arn.rpartition("/")[2]

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What to ask for. `input_uri` is the folder that holds both the `.jsonl` and the videos."""

    name: str
    client_token: str
    runtime_id: str
    input_uri: str
    output_uri: str
    timeout_hours: int = TIMEOUT_HOURS


def create(job: NewJob) -> str:
    """Start a job. Returns its ARN; asking again with the same client token gives the same job."""
    check(job)
    with faults.told("Creating the batch job"):
        answer = clients.control().create_model_invocation_job(
            jobName=job.name,
            clientRequestToken=job.client_token,
            roleArn=role_arn(),
            modelId=job.runtime_id,
            inputDataConfig={"s3InputDataConfig": {"s3Uri": job.input_uri, "s3InputFormat": "JSONL"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": job.output_uri}},
            timeoutDurationInHours=job.timeout_hours,
        )
    return answer["jobArn"]


def get(arn: str) -> RemoteJob:
    """What Bedrock says of a job now."""
    with faults.told("Asking for the batch job"):
        return _read(cast("dict[str, Any]", clients.control().get_model_invocation_job(jobIdentifier=arn)))


def listed(*, since: datetime | None = None, name_contains: str = "") -> Iterator[RemoteJob]:
    """The account's jobs, newest first, page by page."""
    asked: dict[str, Any] = {"sortBy": "CreationTime", "sortOrder": "Descending"}
    if since:
        asked["submitTimeAfter"] = since
    if name_contains:
        asked["nameContains"] = name_contains
    with faults.told("Listing batch jobs"):
        for page in clients.control().get_paginator("list_model_invocation_jobs").paginate(**asked):
            for summary in page.get("invocationJobSummaries", []):
                yield _read(cast("dict[str, Any]", summary))


def stop(arn: str) -> bool:
    """Stop a job: what was processed is kept and charged. False where it had ended before."""
    try:
        with faults.told("Stopping the batch job"):
            clients.control().stop_model_invocation_job(jobIdentifier=arn)
    except BedrockError as exc:
        if exc.aws_code == "ConflictException":
            return False
        raise
    return True


def output_folder(job: RemoteJob) -> str:
    """The address below which Bedrock writes this job's output."""
    return f"{job.output_uri.rstrip('/')}/{job.job_id}/"


def role_arn() -> str:
    """The role of batch jobs. Raises NotConfiguredError that names every setting that batch mode still needs."""
    missing = conf.missing_batch_settings()
    if missing:
        raise NotConfiguredError(
            f"Batch mode is off: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            remedy="Set them in .env (docs/aws.md explains each), or use flex: the same price, for any number.",
        )
    return conf.batch().role_arn


def check(job: NewJob) -> None:
    """Raise BadRequestError or NotConfiguredError for what Bedrock would not take."""
    facts = (
        ("job name", job.name, NAME, NAME_MAX),
        ("client token", job.client_token, TOKEN, TOKEN_MAX),
        ("input address", job.input_uri, ADDRESS, 1024),
        ("output address", job.output_uri, ADDRESS, 1024),
        ("role", role_arn(), ROLE, 2048),
    )
    for what, value, pattern, longest in facts:
        if len(value) > longest or not pattern.fullmatch(value):
            raise BadRequestError(
                f"Bedrock takes no {what} like {value!r}.",
                remedy="Use letters, digits, `-` and `.` only in NOVA_BATCH_INPUT_PREFIX and NOVA_BATCH_OUTPUT_PREFIX, "
                "and a whole ARN in BEDROCK_BATCH_ROLE_ARN.",
            )


def _read(answer: Mapping[str, Any]) -> RemoteJob:
    def address(side: str) -> str:
        config = answer.get(f"{side}DataConfig") or {}
        return str((config.get(f"s3{side.capitalize()}DataConfig") or {}).get("s3Uri", ""))

    return RemoteJob(
        arn=answer["jobArn"],
        name=answer.get("jobName", ""),
        status=answer.get("status", ""),
        message=answer.get("message", ""),
        client_token=answer.get("clientRequestToken", ""),
        input_uri=address("input"),
        output_uri=address("output"),
        submitted_at=answer["submitTime"],
        ended_at=answer.get("endTime"),
        total=answer.get("totalRecordCount"),
        processed=answer.get("processedRecordCount"),
        succeeded=answer.get("successRecordCount"),
        failed=answer.get("errorRecordCount"),
    )
