"""What the AWS user must be allowed to do, and whether it is: each right is tried, free of charge.

A right is tried by a call that AWS refuses for another reason once it is allowed: a body without a question, a job that
nobody made. docs/aws.md has the policy that grants these rights; tests hold the two together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from bedrock import catalogue, clients, conf, faults, staging
from bedrock.errors import AccessError, BedrockError, BusyError
from bedrock.models import CatalogueModel

#: No job and no call has such an id.
NOBODY = "0" * 12


@dataclass(frozen=True, kw_only=True)
class Right:
    """An IAM action, what it is needed for, and a call that shows whether it is allowed (None = nothing free does)."""

    action: str
    needed_for: str
    attempt: Callable[[], object] | None = None
    subject: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a right was granted; None = that could not be seen, and `error` or the right itself says why."""

    right: Right
    is_granted: bool | None
    error: BedrockError | None = None


def rights() -> list[Right]:
    """Every right that this program needs with the settings of now, in the order of need."""
    listing = [
        Right(
            action="bedrock:ListFoundationModels",
            needed_for="refreshing the models",
            attempt=lambda: clients.control().list_foundation_models(byProvider="Amazon"),
        ),
        Right(
            action="bedrock:ListInferenceProfiles",
            needed_for="refreshing the models",
            attempt=lambda: clients.control().list_inference_profiles(maxResults=1),
        ),
    ]
    quotas = Right(
        action="servicequotas:ListServiceQuotas",
        needed_for="reading the quotas of batch jobs",
        attempt=lambda: clients.quotas().list_service_quotas(ServiceCode="bedrock", MaxResults=1),
    )
    if not conf.bucket():
        return [*asking(), *listing, quotas]
    account = faults.account_of(conf.batch().role_arn) or NOBODY
    batches = making_batches(account) if conf.is_batch_on() else []
    return [*asking(), *listing, *storing(), *embedding_videos(account), *batches, quotas]


def embedding_videos(account: str) -> list[Right]:
    """To follow asynchronous calls: one that nobody made is asked for."""
    call = f"arn:aws:bedrock:{conf.region()}:{account}:async-invoke/{NOBODY}"
    status = clients.runtime_status
    return [
        Right(
            action="bedrock:ListAsyncInvokes",
            needed_for="finding an embedding whose answer was lost",
            attempt=lambda: status().list_async_invokes(maxResults=1),
        ),
        Right(
            action="bedrock:GetAsyncInvoke",
            needed_for="embedding whole videos",
            attempt=lambda: status().get_async_invoke(invocationArn=call),
        ),
    ]


def making_batches(account: str) -> list[Right]:
    """To make and follow batch jobs: one that nobody made is asked for. Nothing free shows the last two."""
    job = f"arn:aws:bedrock:{conf.region()}:{account}:model-invocation-job/{NOBODY}"
    control = clients.control
    return [
        Right(
            action="bedrock:ListModelInvocationJobs",
            needed_for="finding a batch whose answer was lost",
            attempt=lambda: control().list_model_invocation_jobs(maxResults=1),
        ),
        Right(
            action="bedrock:GetModelInvocationJob",
            needed_for="following a batch",
            attempt=lambda: control().get_model_invocation_job(jobIdentifier=job),
        ),
        Right(
            action="bedrock:StopModelInvocationJob",
            needed_for="cancelling a batch",
            attempt=lambda: control().stop_model_invocation_job(jobIdentifier=job),
        ),
        Right(action="bedrock:CreateModelInvocationJob", needed_for="sending a batch"),
        Right(action="iam:PassRole", needed_for="sending a batch"),
    ]


def asking() -> Iterator[Right]:
    """A body without a question, for each model that can be called here: AWS refuses it where the right is there."""
    for model in CatalogueModel.objects.filter(provider="bedrock").exclude(status=CatalogueModel.Status.PREVIEW):
        runtime_id = catalogue.runtime_id(model)
        if runtime_id and not model.is_past():
            yield Right(
                action="bedrock:InvokeModel",
                needed_for=f"asking {model.name}",
                subject=runtime_id,
                attempt=partial(clients.runtime().invoke_model, modelId=runtime_id, body=b"{}"),
            )


def storing() -> list[Right]:
    """What is staged comes from, and goes to, the bucket: tried on a small object of our own."""
    bucket, key = conf.bucket(), f"{staging.REALTIME_PREFIX}/{staging.new_id()}.txt"
    where: Any = {"Bucket": bucket, "Key": key}
    s3 = clients.s3
    return [
        Right(
            action="s3:ListBucket",
            needed_for="the staging bucket",
            attempt=lambda: s3().list_objects_v2(Bucket=bucket, MaxKeys=1),
        ),
        Right(
            action="s3:GetBucketLocation",
            needed_for="the staging bucket",
            attempt=lambda: s3().get_bucket_location(Bucket=bucket),
        ),
        Right(action="s3:PutObject", needed_for="staging", attempt=lambda: s3().put_object(**where, Body=b"")),
        Right(action="s3:GetObject", needed_for="reading results", attempt=lambda: s3().get_object(**where)),
        Right(action="s3:DeleteObject", needed_for="clearing up", attempt=lambda: s3().delete_object(**where)),
        Right(
            action="s3:AbortMultipartUpload",
            needed_for="clearing up",
            attempt=lambda: s3().abort_multipart_upload(**where, UploadId=NOBODY),
        ),
        Right(
            action="s3:GetLifecycleConfiguration",
            needed_for="clearing up what was forgotten",
            attempt=lambda: s3().get_bucket_lifecycle_configuration(Bucket=bucket),
        ),
        Right(action="s3:PutLifecycleConfiguration", needed_for="refresh_models --lifecycle-rule"),
    ]


def try_each() -> Iterator[Verdict]:
    """Try every right. Costs nothing; raises nothing."""
    for right in rights():
        if right.attempt is None:
            yield Verdict(right=right, is_granted=None)
            continue
        try:
            with faults.told(f"Trying {right.action}"):
                right.attempt()
        except AccessError as error:
            yield Verdict(right=right, is_granted=False, error=error)
        except BusyError as error:
            yield Verdict(right=right, is_granted=None, error=error)
        except BedrockError:  # refused for another reason, as it should be
            yield Verdict(right=right, is_granted=True)
        else:
            yield Verdict(right=right, is_granted=True)
