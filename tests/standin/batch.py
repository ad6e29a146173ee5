"""Batch jobs, driven by the world's clock: what is checked when, and what is written to the bucket."""

import json
import random
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tests.standin import chat, rules
from tests.standin.embed import ALPHABET
from tests.standin.rules import Refused, invalid
from tests.standin.world import ACCOUNT, AS_THE_PAGES_SAY, REGION, Ways, World

#: Moments after submission; a job is over after the last.
VALIDATING, SCHEDULED, IN_PROGRESS, OVER = (timedelta(minutes=n) for n in (1, 3, 5, 30))
TERMINAL = {"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"}
HAS_OUTPUT = {"Completed", "PartiallyCompleted", "Stopped"}
NAME = re.compile(r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63}")
TOKEN = re.compile(r"[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}")
ROLE_ARN = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
S3_URI = re.compile(r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?")


@dataclass
class Job:
    """A batch job of the stand-in."""

    arn: str
    asked: Mapping[str, Any]
    submitted: datetime
    status: str = "Submitted"
    message: str = ""
    ended: datetime | None = None
    files: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def input_uri(self) -> str:
        return str(self.asked["inputDataConfig"]["s3InputDataConfig"]["s3Uri"])

    @property
    def output_uri(self) -> str:
        return str(self.asked["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])

    @property
    def is_converse(self) -> bool:
        return self.asked.get("modelInvocationType") == "Converse"


def create(world: World, asked: Mapping[str, Any]) -> dict[str, Any]:
    """CreateModelInvocationJob. A repeated client token gives the job that is there."""
    _check_names(asked)
    token = asked.get("clientRequestToken", "")
    with world.lock:
        for job in world.jobs.values():
            if token and job.asked.get("clientRequestToken") == token:
                return {"jobArn": job.arn}
        model = rules.model_called(asked["modelId"])
        _check_places(world, asked)
        running = [job for job in world.jobs.values() if job.status not in TERMINAL]
        if sum(rules.model_called(job.asked["modelId"]) == model for job in running) >= world.running_jobs_max:
            raise Refused("ServiceQuotaExceededException", "You have exceeded the quota of batch inference jobs.")
        job_id = "".join(secrets.choice(ALPHABET) for _ in range(12))
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{job_id}"
        world.jobs[arn] = Job(arn=arn, asked=asked, submitted=world.clock.now())
    return {"jobArn": arn}


def _check_names(asked: Mapping[str, Any]) -> None:
    def fits(what: str, value: str, pattern: re.Pattern[str], longest: int) -> None:
        if len(value) > longest or not pattern.fullmatch(value):
            raise invalid(
                f"1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: Member must "
                f"satisfy regular expression pattern: {pattern.pattern}"
            )

    fits("jobName", asked["jobName"], NAME, 63)
    fits("clientRequestToken", asked.get("clientRequestToken", "x"), TOKEN, 256)
    fits("roleArn", asked["roleArn"], ROLE_ARN, 2048)
    for side in ("input", "output"):
        config = asked[f"{side}DataConfig"][f"s3{side.capitalize()}DataConfig"]
        fits(f"{side}DataConfig.s3Uri", config["s3Uri"], S3_URI, 1024)
    if not 24 <= asked.get("timeoutDurationInHours", 24) <= 168:
        raise invalid("timeoutDurationInHours must be between 24 and 168")


def _check_places(world: World, asked: Mapping[str, Any]) -> None:
    if asked["roleArn"] not in world.roles:
        raise invalid(
            f"Could not assume provided IAM role. Please verify that the provided service role {asked['roleArn']} "
            "exists and that its permissions are correct."
        )
    for side in ("input", "output"):
        bucket = _split(asked[f"{side}DataConfig"][f"s3{side.capitalize()}DataConfig"]["s3Uri"])[0]
        try:
            world.s3.head_bucket(Bucket=bucket)
        except ClientError as exc:
            raise invalid(f"The S3 bucket {bucket} does not exist or cannot be reached (NoSuchBucket).") from exc


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def told(world: World, identifier: str) -> Job:
    """The job of an id or ARN, brought up to the clock."""
    with world.lock:
        job: Job | None = next(
            (job for job in world.jobs.values() if identifier in {job.arn, job.arn.rpartition("/")[2]}), None
        )
        if job is None:
            raise Refused("ResourceNotFoundException", "Could not find a job with the provided identifier.", 404)
        _advance(world, job)
        return job


def jobs(world: World) -> list[Job]:
    with world.lock:
        return [told(world, arn) for arn in world.jobs]


def stop(world: World, identifier: str) -> None:
    with world.lock:
        job = told(world, identifier)
        if job.status in TERMINAL:
            raise Refused("ConflictException", f"The job is {job.status} and cannot be stopped.", 400)
        done = _fraction_done(world, job) if job.status == "InProgress" else 0.0
        if done and world.ways.keeps_stopped:
            _write_output(world, job, fraction=done)
        _end(world, job, "Stopped")


def _fraction_done(world: World, job: Job) -> float:
    since = world.clock.now() - job.submitted - IN_PROGRESS
    return min(1.0, since / (OVER - IN_PROGRESS))


def _advance(world: World, job: Job) -> None:
    age = world.clock.now() - job.submitted
    if job.status == "Submitted" and age >= VALIDATING:
        job.status = "Validating"
    if job.status == "Validating" and age >= SCHEDULED:
        try:
            _validate(world, job)
        except Refused as refused:
            job.message = refused.message
            _end(world, job, "Failed")
            return
        job.status = "Scheduled"
    if world.plan.outcome == "Expired":
        if job.status == "Scheduled" and age >= OVER:
            _end(world, job, "Expired")
        return
    if job.status == "Scheduled" and age >= IN_PROGRESS:
        job.status = "InProgress"
    if job.status == "InProgress" and age >= OVER:
        outcome = world.plan.outcome
        if outcome != "Failed":
            _write_output(world, job, fraction=world.plan.fraction if outcome != "Completed" else 1.0)
        _end(world, job, outcome)


def _end(world: World, job: Job, status: str) -> None:
    job.status, job.ended = status, world.clock.now()


def _validate(world: World, job: Job) -> None:
    """What the service looks at before it starts: files, lines, counts, places. Not what is in `modelInput`."""
    bucket, prefix = _split(job.input_uri)
    folder = prefix if prefix.endswith(".jsonl") else prefix.rstrip("/") + "/"
    pages = world.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    objects = [item for page in pages for item in page.get("Contents", [])]
    if sum(item["Size"] for item in objects) > world.max_job_bytes:
        raise invalid("The cumulative size of the input files exceeds the quota.")
    for item in objects:
        if world.ways.refuses_siblings and not item["Key"].endswith(".jsonl") and "/" not in item["Key"][len(folder) :]:
            raise invalid(f"The input folder holds a file that is no JSONL: {item['Key']}")
        if item["Key"].endswith(".jsonl"):
            if item["Size"] > world.max_file_bytes:
                raise invalid("The size of an input file exceeds the quota.")
            body = world.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            job.files[item["Key"]] = _records(body)
    if not job.files:
        raise invalid("There are no JSONL files in the S3 URI of the input.")
    records = [record for file in job.files.values() for record in file]
    if not world.min_records <= len(records) <= world.max_records:
        raise invalid(
            f"Your job contains {len(records)} records and doesn't meet the required minimum of {world.min_records} "
            f"records (or exceeds the maximum of {world.max_records})."
        )
    ids = [record["recordId"] for record in records if "recordId" in record]
    if len(set(ids)) != len(ids):
        raise invalid("Record ids are not unique.")
    for record in records:
        for address in _addresses(record["modelInput"]):
            if not address.startswith(f"s3://{bucket}/{folder}"):
                raise invalid(f"{address} is not in the bucket and folder of the input data configuration.")
    job.counts = {"total": len(records)}


def _records(body: bytes) -> list[Mapping[str, Any]]:
    records: list[Mapping[str, Any]] = []
    for number, line in enumerate(body.splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError as exc:
            raise invalid(f"Line {number} is not valid JSON.") from exc
        if not isinstance(record, dict) or not isinstance(record.get("modelInput"), dict):
            raise invalid(f"Line {number} has no modelInput.")
        records.append(record)
    return records


def _addresses(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["s3Location"]["uri"]] if isinstance(value.get("s3Location"), dict) else []
        return own + [address for part in value.values() for address in _addresses(part)]
    if isinstance(value, list):
        return [address for part in value for address in _addresses(part)]
    return []


def _write_output(world: World, job: Job, *, fraction: float) -> None:
    """Answer the records (a part of them for jobs that end early) and write `.jsonl.out` and the manifest."""
    bucket, prefix = _split(job.output_uri)
    folder = f"{prefix.rstrip('/')}/{job.arn.rpartition('/')[2]}"
    chance = random.Random(world.plan.seed)
    charged = len(world.bill)
    processed = errors = 0
    for key, records in job.files.items():
        chosen = records[: round(len(records) * fraction)]
        lines = _lines(world, job, chosen, chance)
        processed += len(chosen)
        errors += sum("error" in line for line in lines)
        name = key.rpartition("/")[2]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        world.s3.put_object(Bucket=bucket, Key=f"{folder}/{name}.out", Body=body.encode())
    bill = world.bill[charged:]
    job.counts |= {"processed": processed, "success": processed - errors, "error": errors}
    manifest = {
        "totalRecordCount": job.counts["total"], "processedRecordCount": processed,
        "successRecordCount": processed - errors, "errorRecordCount": errors,
        "inputTokenCount": sum(charge.input_tokens for charge in bill),
        "outputTokenCount": sum(charge.output_tokens for charge in bill),
    }  # fmt: skip
    world.s3.put_object(Bucket=bucket, Key=f"{folder}/manifest.json.out", Body=json.dumps(manifest).encode())


def _lines(world: World, job: Job, records: list[Mapping[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """The output lines of one file, in no order."""
    plan = world.plan
    picked = chance.sample(range(len(records)), min(len(records), plan.errors + plan.missing))
    failing, missing = set(picked[: plan.errors]), set(picked[plan.errors :])
    lines = [
        _line(world, job, record, is_failing=number in failing)
        for number, record in enumerate(records)
        if number not in missing
    ]
    lines += chance.sample(lines, min(len(lines), plan.duplicates))
    lines += [
        {"recordId": f"STRANGER{number:03d}", "modelInput": {}, "modelOutput": {}} for number in range(plan.strangers)
    ]
    if not world.ways.is_ordered:
        chance.shuffle(lines)
    return lines


def _line(world: World, job: Job, record: Mapping[str, Any], *, is_failing: bool) -> dict[str, Any]:
    record_id = str(record.get("recordId") or secrets.token_hex(6))
    line = {"recordId": record_id, "modelInput": record["modelInput"]}
    if is_failing:
        return {**line, "error": {"errorCode": 500, "errorMessage": "internal server error"}}
    try:
        said = chat.answer(
            world, job.asked["modelId"], record["modelInput"], is_native=not job.is_converse, tier="batch",
            record_id=record_id,
        )  # fmt: skip
    except Refused as refused:
        return {**line, "error": {"errorCode": refused.status, "errorMessage": refused.message}}
    extra = {"modelLatencyMs": 1200, "region": REGION} if world.ways.adds_fields else {}
    return {**line, **extra, "modelOutput": chat.vary(world, said)}


def as_answer(job: Job, ways: Ways = AS_THE_PAGES_SAY) -> dict[str, Any]:
    """A job as GetModelInvocationJob and the list tell it."""
    told_of = {
        "jobArn": job.arn, "jobName": job.asked["jobName"], "modelId": job.asked["modelId"],
        "clientRequestToken": job.asked.get("clientRequestToken", "none"), "roleArn": job.asked["roleArn"],
        "status": job.status, "submitTime": job.submitted, "lastModifiedTime": job.ended or job.submitted,
        "inputDataConfig": job.asked["inputDataConfig"], "outputDataConfig": job.asked["outputDataConfig"],
        "timeoutDurationInHours": job.asked.get("timeoutDurationInHours", 24),
    }  # fmt: skip
    if job.message:
        told_of["message"] = job.message
    if job.ended:
        told_of["endTime"] = job.ended
    counts = job.counts if ways.tells_counts else {}
    return told_of | {f"{name}RecordCount": count for name, count in counts.items()}
