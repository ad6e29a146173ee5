"""Asking a model over HTTP, and each way it can fail."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, SSLError

from bedrock import converse, faults, staging
from bedrock.converse import ConverseRequest, Tool
from bedrock.errors import (
    AccessError,
    BadRequestError,
    BedrockError,
    BusyError,
    LostAnswerError,
    MalformedAnswerError,
    MissingObjectError,
    ModelRefusedError,
)
from bedrock.pricing import Usage
from tests.standin import world as at
from tests.standin.media import tiny_mp4
from tests.standin.world import World

LITE = "us.amazon.nova-2-lite-v1:0"
TOOL = Tool(
    name="summary",
    description="The summary.",
    schema={
        "type": "object",
        "properties": {"text": {"type": "string"}, "end_s": {"type": "number"}},
        "required": ["text", "end_s"],
    },
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(tiny_mp4(20))
    return path


def question(clip: Path | None = None, **facts: Any) -> ConverseRequest:
    return ConverseRequest(
        **{"runtime_id": LITE, "text": "What is in it?", "media_path": clip, "max_tokens": 1000, **facts}
    )


def test_a_forced_tool_is_answered_with_its_form_filled_in_and_charged(aws: World, clip: Path) -> None:
    reply = converse.converse(question(clip, tool=TOOL, system="Look well."))

    block = reply.raw["output"]["message"]["content"][0]["toolUse"]
    assert (reply.stop_reason, block["name"], block["input"]["end_s"]) == ("tool_use", "summary", 20)
    assert reply.usage.input_tokens >= 20 * 288
    assert [(charge.tier, charge.input_tokens) for charge in aws.bill] == [("default", reply.usage.input_tokens)]
    assert "ResponseMetadata" not in reply.raw
    assert reply.latency_ms


def test_flex_asks_for_its_tier_and_is_charged_half(aws: World, clip: Path) -> None:
    converse.converse(question(clip))
    converse.converse(question(clip), mode="flex")

    assert [charge.tier for charge in aws.bill] == ["default", "flex"]
    assert aws.bill[1].usd * 2 == aws.bill[0].usd
    assert len(aws.paid_twice()) == 1


def test_a_staged_video_is_the_same_question_as_an_inline_one(aws: World, clip: Path) -> None:
    address = staging.upload(clip, f"{staging.REALTIME_PREFIX}/a.mp4", file_id=None)

    converse.converse(question(clip))
    converse.converse(question(None, media_uri=address))

    assert len(aws.paid_twice()) == 1


@pytest.mark.parametrize(("effort", "block"), [("low", "reasoningContent"), ("high", "reasoningContent"), ("", "text")])
def test_reasoning_comes_first_and_high_effort_sends_no_length(aws: World, clip: Path, effort: str, block: str) -> None:
    reply = converse.converse(question(clip, effort=effort))

    assert block in reply.raw["output"]["message"]["content"][0]


def test_an_answer_that_was_cut_says_so(aws: World, clip: Path) -> None:
    aws.break_next("Converse", at.CUT)

    assert converse.converse(question(clip, tool=TOOL)).stop_reason == "max_tokens"


def test_a_video_too_large_for_inline_is_refused_before_it_is_read(tmp_path: Path) -> None:
    big = tmp_path / "big.mp4"
    with big.open("wb") as file:
        file.truncate(converse.INLINE_MAX_BYTES + 1)

    assert not converse.can_go_inline(big.stat().st_size)
    with pytest.raises(BadRequestError, match="18 MB"):
        converse.converse(question(big))


def test_the_largest_inline_video_passes_the_services_own_limit(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    content = tiny_mp4(5)
    path.write_bytes(content + bytes(converse.INLINE_MAX_BYTES - len(content)))

    assert converse.converse(question(path)).stop_reason == "end_turn"


#: What goes wrong, the error it becomes, whether the job may try again, words of the remedy.
FAULTS = [
    (at.THROTTLED, BusyError, True, "tried again"),
    (at.NOT_READY, BusyError, True, "tried again"),
    (at.SERVER_ERROR, BusyError, True, "tried again"),
    (at.UNAVAILABLE, BusyError, True, "tried again"),
    (at.MODEL_ERROR, MalformedAnswerError, False, "once more"),
    (at.MODEL_TIMEOUT, BadRequestError, False, "shorter video"),
    (at.EXPIRED, AccessError, False, "sign in again"),
    (at.NO_MODEL_ACCESS, AccessError, False, "without a page to ask for it"),
    (at.DROP_BEFORE, LostAnswerError, False, "asked again once"),
    (at.DROP_AFTER, LostAnswerError, False, "asked again once"),
]


@pytest.mark.parametrize(("fault", "error", "retryable", "remedy"), FAULTS)
def test_each_fault_becomes_its_error_after_one_call(
    aws: World, clip: Path, fault: at.Fault, error: type[BedrockError], retryable: bool, remedy: str
) -> None:
    aws.break_next("Converse", fault, times=5)

    with pytest.raises(error) as caught:
        converse.converse(question(clip))

    assert type(caught.value) is error
    assert (caught.value.retryable, aws.calls["Converse"]) == (retryable, 1)
    assert remedy in caught.value.remedy
    assert fault.message in str(caught.value)
    assert len(aws.bill) == (1 if fault.drop == "after" else 0)


def test_an_answer_longer_than_the_read_timeout_is_lost_and_never_asked_twice(
    aws: World, clip: Path, settings: Any
) -> None:
    settings.NOVA_READ_TIMEOUT_SECONDS = 0.3
    aws.break_next("Converse", at.Fault(delay_s=0.8))

    with pytest.raises(LostAnswerError, match="no answer came"):
        converse.converse(question(clip))

    assert aws.calls["Converse"] == 1


def test_a_host_that_cannot_be_reached_costs_nothing_and_is_tried_again(
    aws: World, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")

    with pytest.raises(BusyError, match="could not be reached"):
        converse.converse(question(clip))


def test_a_word_that_has_a_hint_inside_is_no_hint() -> None:
    """ "Associated" has "SSO" in it."""
    said: Any = {"Error": {"Code": "ValidationException", "Message": "The role associated with the request is empty."}}

    error = faults.of_answer(ClientError(said, "Converse"), "Asking")

    assert "sign-in" not in error.remedy


@pytest.mark.parametrize("action", ["bedrock:InvokeModel", "s3:PutObject"])
def test_the_role_that_somebody_signed_in_by_is_not_taken_for_that_of_batch_jobs(action: str) -> None:
    words = (
        "User: arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Editors_1a2b/ann is not authorized to perform: "
        f"{action} because no identity-based policy allows the {action} action"
    )
    said: Any = {"Error": {"Code": "AccessDeniedException", "Message": words}}

    error = faults.of_answer(ClientError(said, "Converse"), "Asking")

    assert f"Allow your AWS user {action}." in error.remedy
    assert "assumed-role" in str(error)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", BusyError),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", BusyError),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol", BusyError),
        ("[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed or bad record mac", LostAnswerError),
        ("The read operation failed", LostAnswerError),
    ],
)
def test_tls_that_breaks_after_its_handshake_may_have_been_charged(words: str, error: type[BedrockError]) -> None:
    """Seen of a server that had the whole request: botocore calls this a failed validation too."""
    broken = SSLError(endpoint_url="https://bedrock-runtime.example/model/m/converse", error=OSError(words))

    assert type(faults.of_client(broken, "Asking", paid=True)) is error
    assert type(faults.of_client(broken, "Asking", paid=False)) is BusyError


def test_without_credentials_the_remedy_is_to_sign_in(aws: World, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(AccessError) as caught:
        converse.converse(question(clip))
    assert "Sign in to AWS" in caught.value.remedy


#: Requests that the service refuses by themselves.
REFUSED = [
    ({"runtime_id": "amazon.nova-2-lite-v1:0"}, BadRequestError, "inference profile"),
    ({"runtime_id": "us.amazon.nova-premier-v1:0"}, ModelRefusedError, "ended this model"),
    ({"runtime_id": "amazon.nova-9-v1:0"}, BadRequestError, "doctor"),
    ({"medium": "image"}, BadRequestError, "doctor"),
    ({"max_tokens": 70_000}, BadRequestError, "doctor"),
    ({"text": " "}, BadRequestError, "doctor"),
]


@pytest.mark.parametrize(("facts", "error", "remedy"), REFUSED)
def test_a_request_that_the_service_refuses_says_what_to_do_and_costs_nothing(
    aws: World, clip: Path, facts: dict[str, Any], error: type[BedrockError], remedy: str
) -> None:
    with pytest.raises(error) as caught:
        converse.converse(question(clip, **facts))

    assert type(caught.value) is error
    assert remedy in caught.value.remedy
    assert not caught.value.retryable
    assert aws.bill == []


def test_a_staged_video_that_is_gone_is_missing(aws: World) -> None:
    with pytest.raises(MissingObjectError) as caught:
        converse.converse(question(None, media_uri=staging.uri("novaproject/realtime/gone.mp4")))
    assert "uploaded anew" in caught.value.remedy


def test_what_is_no_video_is_refused(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"not a video at all")

    with pytest.raises(BadRequestError, match="corrupt"):
        converse.converse(question(path))


def test_a_batch_body_has_no_tool_no_file_and_no_empty_parts(clip: Path) -> None:
    body = converse.batch_body(question(None, media_uri="s3://b/in/a.mp4", system="Look."))

    assert body["schemaVersion"] == "messages-v1"
    assert body["inferenceConfig"] == {"maxTokens": 1000, "topK": 1}
    assert converse.batch_body(question(None, max_tokens=None, effort="high"))["reasoningConfig"]
    with pytest.raises(ValueError, match="neither a tool"):
        converse.batch_body(question(clip))


def test_reads_the_output_of_a_record() -> None:
    reply = converse.reply_of_record({"stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 4}})

    assert (reply.stop_reason, reply.usage) == ("end_turn", Usage(input_tokens=3, output_tokens=4))


def test_of_the_outermost_object_only_what_nova_takes_is_sent(aws: World) -> None:
    """Nova ignores or refuses a tool whose schema has more at its top (user guide, "Defining a tool")."""
    schema = {**TOOL.schema, "description": "As a whole.", "title": "T", "$schema": "x", "additionalProperties": False}

    config = converse.tool_config(Tool(name="t", description="The summary.", schema=schema))

    spec = config["tools"][0]["toolSpec"]
    assert spec["inputSchema"]["json"] == TOOL.schema
    assert spec["description"] == "The summary. As a whole."
    converse.converse(
        ConverseRequest(runtime_id=LITE, text="What?", tool=Tool(name="t", description="d", schema=schema))
    )
    assert aws.calls["Converse"] == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {}},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
    ],
)
def test_a_schema_that_nova_does_not_take_is_not_sent(aws: World, schema: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError, match="cannot be sent"):
        converse.converse(
            ConverseRequest(runtime_id=LITE, text="What?", tool=Tool(name="t", description="d", schema=schema))
        )

    assert aws.calls["Converse"] == 0


def test_a_model_that_failed_on_its_way_may_have_been_charged(aws: World) -> None:
    for fault, is_charged in ((at.MODEL_TIMEOUT, True), (at.MODEL_ERROR, True), (at.THROTTLED, False)):
        aws.break_next("Converse", fault)
        with pytest.raises(BedrockError) as caught:
            converse.converse(ConverseRequest(runtime_id=LITE, text="What?"))
        assert caught.value.may_be_charged is is_charged
