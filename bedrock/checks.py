"""Is Bedrock ready, and if not, what to do. `local()` reads settings only; `remote()` asks AWS, free of charge."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured

from bedrock import clients, conf, faults, rights, staging
from bedrock.batch import jobs
from bedrock.errors import BedrockError
from bedrock.models import CatalogueModel

DOCS = "docs/aws.md explains it."
NO_BUCKET = "None is set, so only videos up to 18 MB can be sent, one by one."


class AwsCheck(NamedTuple):
    """One finding. `ok` is None for what is simply not used, or cannot be seen."""

    name: str
    ok: bool | None
    text: str
    remedy: str = ""


def local() -> list[AwsCheck]:
    """What the settings say, without asking AWS."""
    return [credentials_named(), bucket_named(), batch_settings(), budget(), person_tracking()]


def remote() -> list[AwsCheck]:
    """What AWS says: credentials, models, bucket, and each right. Costs nothing.

    Without credentials nothing else is asked; in each other group the first that fails stands for the rest.
    """
    found = _asked("AWS credentials", signed_in)
    if not found[-1].ok:
        return found
    groups = (("Models", models_offered), ("Staging bucket", bucket_reachable), ("Rights", rights_granted))
    for name, look in groups:
        found += _asked(name, look)
    return found


def _asked(name: str, look: Callable[[], Iterator[AwsCheck]]) -> list[AwsCheck]:
    found: list[AwsCheck] = []
    try:
        found.extend(look())
    except BedrockError as exc:
        found.append(AwsCheck(name, ok=False, text=str(exc), remedy=exc.remedy))
    return found


def credentials_named() -> AwsCheck:
    """Whether there are credentials in files or in the environment."""
    name = "AWS credentials"
    if clients.has_credentials():
        return AwsCheck(
            name, ok=True, text=f"Found, for {conf.region()}. Whether they are good shows when AWS is asked."
        )
    text = "None in the environment or in ~/.aws. (A role of the machine shows when AWS is asked.)"
    return AwsCheck(name, ok=None, text=text, remedy=f"Run `aws configure`, or set AWS_ACCESS_KEY_ID. {DOCS}")


def bucket_named() -> AwsCheck:
    """Whether a staging bucket is set."""
    name = "Staging bucket"
    if conf.bucket():
        return AwsCheck(name, ok=True, text=f"{conf.bucket()} is named.")
    return AwsCheck(name, ok=None, text=NO_BUCKET, remedy=f"Set S3_BUCKET_NAME. {DOCS}")


def batch_settings() -> AwsCheck:
    """Whether batch mode is on, off, or half set."""
    name = "Batch mode"
    missing = conf.missing_batch_settings()
    if not missing:
        role = conf.batch().role_arn
        if not jobs.ROLE.fullmatch(role):
            text = f"BEDROCK_BATCH_ROLE_ARN is no ARN of a role: {role}"
            return AwsCheck(name, ok=False, text=text, remedy="It looks like arn:aws:iam::123456789012:role/name.")
        return AwsCheck(name, ok=True, text=f"On, with the role {role}.")
    every = {*conf.BATCH_SETTINGS, "S3_BUCKET_NAME"}
    if set(missing) == every or missing == [*conf.BATCH_SETTINGS]:
        return AwsCheck(name, ok=None, text="Off. Flex costs the same and needs none of its settings.")
    text = f"Off, because {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set."
    return AwsCheck(name, ok=False, text=text, remedy=f"Set all of {', '.join(sorted(every))}, or none. {DOCS}")


def budget() -> AwsCheck:
    """Whether the month has a cap, and one that can be read."""
    try:
        cap = conf.budget_usd()
    except ImproperlyConfigured as exc:
        return AwsCheck("Monthly budget", ok=False, text=str(exc), remedy="Give a number of dollars, such as 20.")
    if cap is None:
        return AwsCheck("Monthly budget", ok=None, text="No cap is set (NOVA_MONTHLY_BUDGET_USD).")
    return AwsCheck("Monthly budget", ok=True, text=f"Calls stop at ${cap:.2f} a month (UTC).")


def person_tracking() -> AwsCheck:
    """So that nobody looks for a missing permission."""
    text = (
        "Amazon Rekognition's person tracking (people pathing) was retired by AWS on 2025-10-31. Calls to it answer "
        "like a missing permission, and no policy brings it back."
    )
    return AwsCheck("Rekognition person tracking", ok=None, text=text, remedy="The elements analysis counts people.")


def signed_in() -> Iterator[AwsCheck]:
    """Who AWS takes us for."""
    with faults.told("Asking AWS who we are"):
        identity = clients.sts().get_caller_identity()
    yield AwsCheck("AWS credentials", ok=True, text=f"{identity['Arn']}, in {conf.region()}.")


def models_offered() -> Iterator[AwsCheck]:
    """Whether the region knows the models that are meant to be called."""
    lifecycles, profiles = offered()
    for row in CatalogueModel.objects.filter(provider="bedrock").exclude(status="preview"):
        runtime_id = row.runtime_id(conf.region())
        if row.is_past() or not runtime_id:
            continue
        ok = runtime_id in profiles or runtime_id in lifecycles
        text = f"{runtime_id} is offered in {conf.region()}." if ok else f"AWS does not list {runtime_id} here."
        remedy = "" if ok else "Choose another AWS_REGION, or run `.venv/bin/python manage.py refresh_models`."
        yield AwsCheck(row.name, ok=True if ok else None, text=text, remedy=remedy)


def offered() -> tuple[dict[str, dict[str, object]], set[str]]:
    """What the region lists: lifecycle and ways to call by model id, and the ids of inference profiles."""
    with faults.told("Listing models"):
        summaries = clients.control().list_foundation_models(byProvider="Amazon").get("modelSummaries", [])
        pages = clients.control().get_paginator("list_inference_profiles").paginate()
        profiles = {row["inferenceProfileId"] for page in pages for row in page.get("inferenceProfileSummaries", [])}
    listed = {
        row["modelId"]: {
            **row.get("modelLifecycle", {}),
            "inferenceTypesSupported": row.get("inferenceTypesSupported", []),
        }
        for row in summaries
    }
    return listed, profiles


def bucket_reachable() -> Iterator[AwsCheck]:
    """Whether the bucket is there, in our region, and clears what is forgotten in it."""
    name = "Staging bucket"
    if not conf.bucket():
        yield AwsCheck(name, ok=None, text=NO_BUCKET, remedy=f"Set S3_BUCKET_NAME. {DOCS}")
        return
    with faults.told(f"Looking at the bucket {conf.bucket()}"):
        clients.s3().head_bucket(Bucket=conf.bucket())
        answer: Mapping[str, Any] = clients.s3().get_bucket_location(Bucket=conf.bucket())
    region = answer.get("LocationConstraint") or "us-east-1"
    if region != conf.region():
        text = f"{conf.bucket()} is in {region}, and AWS_REGION is {conf.region()}: batch jobs need both in one region."
        yield AwsCheck(name, ok=False, text=text, remedy="Use a bucket in the region of AWS_REGION.")
        return
    yield AwsCheck(name, ok=True, text=f"{conf.bucket()} in {region}.")
    if staging.has_lifecycle_rule():
        yield AwsCheck(
            "Forgotten copies",
            ok=True,
            text=f"S3 deletes them after {staging.RULE_DAYS} days, and results after {staging.OUTPUT_DAYS}.",
        )
    else:
        text = "The bucket has no rule of this version that deletes staged copies which were left behind."
        remedy = "Run: .venv/bin/python manage.py refresh_models --lifecycle-rule"
        yield AwsCheck("Forgotten copies", ok=None, text=text, remedy=remedy)


def rights_granted() -> Iterator[AwsCheck]:
    """Each right by its name in IAM, tried."""
    for verdict in rights.try_each():
        right, error = verdict.right, verdict.error
        name = f"{right.action} ({right.subject})" if right.subject else right.action
        if verdict.is_granted:
            yield AwsCheck(name, ok=True, text=f"Granted, for {right.needed_for}.")
        elif error is not None:
            yield AwsCheck(name, ok=verdict.is_granted, text=f"For {right.needed_for}. {error}", remedy=error.remedy)
        else:
            yield AwsCheck(name, ok=None, text=f"For {right.needed_for}: shows when it is first needed.")
