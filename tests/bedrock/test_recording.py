"""What AWS was asked and answered, for somebody else to read."""

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bedrock import converse, recording
from bedrock.errors import BedrockError
from tests.standin import world as at
from tests.standin.fixtures import BUCKET
from tests.standin.world import ACCOUNT, World

QUESTION = converse.ConverseRequest(runtime_id="us.amazon.nova-2-lite-v1:0", text="Who is Ada?", system="Be discreet.")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.django_db
def test_doctor_writes_down_each_call_without_keys_accounts_or_buckets(aws: World, tmp_path: Path) -> None:
    aws.denied.add("bedrock:ListAsyncInvokes")
    told = StringIO()
    with suppress(SystemExit):  # for what else this machine lacks
        call_command("doctor", "--aws", "--record", str(tmp_path / "run"), stdout=StringIO(), stderr=told)

    path = tmp_path / "run" / recording.FILE
    begun, *calls = lines(path)
    operations = {call["operation"] for call in calls}
    assert begun["region"] == "us-east-1"
    assert {"GetCallerIdentity", "ListFoundationModels", "InvokeModel", "PutObject", "ListServiceQuotas"} <= operations
    (denied,) = [call for call in calls if call["operation"] == "ListAsyncInvokes"]
    assert denied["status"] == 403
    assert "not authorized to perform: bedrock:ListAsyncInvokes" in denied["error"]["Message"]
    for secret in (ACCOUNT, BUCKET, "testing", "user/app"):
        assert secret not in path.read_text()
    assert str(path) in told.getvalue()


def test_of_questions_and_answers_only_the_shape_is_kept(aws: World, tmp_path: Path) -> None:
    with recording.recorded(tmp_path) as path:
        converse.converse(QUESTION)
        aws.break_next("Converse", at.DROP_AFTER)
        with pytest.raises(BedrockError):
            converse.converse(QUESTION)
    converse.converse(QUESTION)

    _, answered, lost = lines(path)
    assert answered["asked"]["modelId"] == QUESTION.runtime_id
    assert answered["answered"]["stopReason"] == "end_turn"
    assert answered["answered"]["usage"]["outputTokens"] > 0
    assert answered["took_s"] >= 0
    assert "Connection" in lost["error"]["Code"]
    for word in ("Ada", "discreet", "stand-in"):
        assert word not in path.read_text()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"SecretAccessKey": "x"}, {"SecretAccessKey": "<secret>"}),
        ({"Body": b"abc"}, {"Body": "<3 bytes>"}),
        ({"embedding": [0.1, 0.2]}, {"embedding": "<2 items>"}),
        ({"content": [{"text": "hello"}]}, {"content": [{"text": "<5 characters>"}]}),
        ("x" * 301, "<301 characters>"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/a",
            "arn:aws:bedrock:us-east-1:ACCT:model-invocation-job/a",
        ),
        ("arn:aws:sts::123456789012:assumed-role/admin/ada@example.com", "arn:aws:sts::ACCT:assumed-role/CALLER"),
        ("AKIAIOSFODNN7EXAMPLE", "KEY"),
        ([1, True, None], [1, True, None]),
        ({"Body": object()}, {"Body": "<object>"}),
    ],
)
def test_what_is_secret_or_somebodys_is_left_out(value: Any, expected: Any) -> None:
    assert recording.redacted(value) == expected


@pytest.mark.django_db
def test_nothing_is_recorded_where_aws_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="goes with --aws"):
        call_command("doctor", "--record", str(tmp_path))
