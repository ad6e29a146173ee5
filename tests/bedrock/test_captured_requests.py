"""Every request that the product can send, against botocore's own shapes, with their patterns: boto3 checks none."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import ParamValidator
from PIL import Image

from bedrock import batch_quotas, checks, clients, converse, embed_api, recording, refreshing, staging
from bedrock.batch import jobs, records
from bedrock.converse import ConverseRequest, Tool
from bedrock.errors import BedrockError
from bedrock.speech.transcriber import AudioDescription, SonicTranscriber
from bedrock.speech.transcribing import transcribe_file
from tests.bedrock.test_policies import calls
from tests.standin.fixtures import BUCKET
from tests.standin.media import tiny_mp4
from tests.standin.world import World

LITE, EMBEDDER = "us.amazon.nova-2-lite-v1:0", "amazon.nova-2-multimodal-embeddings-v1:0"
TOOL = Tool(name="t", description="d", schema={"type": "object", "properties": {"a": {"type": "string"}}})
Captured = list[tuple[Any, dict[str, Any]]]
#: Not an operation of boto3's clients: a transfer that puts an object, in parts where it is large.
TRANSFERS = {"s3:UploadFile"}


def faults_of(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Where a value does not fit the pattern or the words of its shape."""
    pattern = shape.metadata.get("pattern")
    if isinstance(value, str) and pattern and not re.fullmatch(re.sub(r"\\p\{\w+\}", r"\\w", pattern), value):
        yield f"{path}: {value!r} does not fit {pattern}"
    if isinstance(value, str) and shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        yield f"{path}: {value!r} is none of {shape.metadata['enum']}"
    if shape.type_name == "structure" and isinstance(value, Mapping) and not getattr(shape, "is_document_type", False):
        for name, part in value.items():
            yield from faults_of(shape.members[name], part, f"{path}.{name}")
    elif shape.type_name == "list":
        for number, part in enumerate(value):
            yield from faults_of(shape.member, part, f"{path}[{number}]")
    elif shape.type_name == "map":
        for name, part in value.items():
            yield from faults_of(shape.value, part, f"{path}.{name}")


class Memory:
    """Keeps nothing."""

    def recall(self, question: str) -> None:
        return None

    def keep(self, question: str, segments: Any) -> None:
        return None


@pytest.fixture
def captured(aws: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Captured]:
    requests: Captured = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        requests.append((model, params))

    watch = recording.watch

    def watched(client: Any) -> None:
        watch(client)
        client.meta.events.register_last("before-parameter-build", note)

    monkeypatch.setattr(recording, "watch", watched)
    clients._cached_client.cache_clear()
    yield requests
    clients._cached_client.cache_clear()


def ask_everything(aws: World, tmp_path: Path) -> None:
    """Call AWS in each way that the product can."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(tiny_mp4(20))
    photograph = tmp_path / "photograph.jpg"
    Image.new("RGB", (32, 32)).save(photograph, "JPEG")
    address = staging.upload(clip, f"{staging.REALTIME_PREFIX}/{staging.new_id()}.mp4", file_id=None)
    for request, mode in (
        (ConverseRequest(runtime_id=LITE, text="What?", system="Be brief.", max_tokens=100), "realtime"),
        (ConverseRequest(runtime_id=LITE, text="What?", media_path=clip, tool=TOOL, max_tokens=100), "flex"),
        (ConverseRequest(runtime_id=LITE, text="What?", media_uri=address, effort="low", max_tokens=100), "realtime"),
        (ConverseRequest(runtime_id=LITE, text="What?", media_uri=address, effort="high"), "realtime"),
        (ConverseRequest(runtime_id=LITE, text="What?", media_path=photograph, medium="image"), "realtime"),
    ):
        converse.converse(request, mode=mode)
    embed_api.embed_text(embed_api.TextRequest(runtime_id=EMBEDDER, text="a train", dimension=256))
    embed_api.embed_text(
        embed_api.TextRequest(
            runtime_id="amazon.titan-embed-text-v2:0", text="a train", dimension=256, request_format="inputText"
        )
    )
    picture = BytesIO()
    Image.new("RGB", (32, 32)).save(picture, "JPEG")
    embed_api.embed_jpeg(runtime_id=EMBEDDER, jpeg=picture.getvalue(), dimension=256)
    arn = embed_api.start_video(
        runtime_id=EMBEDDER, video_uri=address, output_uri=f"s3://{BUCKET}/{staging.ASYNC_PREFIX}/a", dimension=256,
        duration_s=20, client_token=staging.new_id(),
    )  # fmt: skip
    embed_api.get_async(arn)
    embed_api.find_async("nobody", since=datetime(2026, 1, 1, tzinfo=UTC))
    _run_a_batch(aws, clip)
    checks.remote()
    refreshing.refresh_models()
    batch_quotas.refresh()
    staging.add_lifecycle_rules()
    list(staging.listed(staging.REALTIME_PREFIX))
    staging.delete_folder(staging.REALTIME_PREFIX)
    _hear(tmp_path)


def _run_a_batch(aws: World, clip: Path) -> None:
    aws.min_records = 1
    folder, record_id = records.BatchFolder(staging.new_id()), staging.new_id()
    staging.upload_many([(clip, folder.media_key(record_id))])
    body = converse.batch_body(ConverseRequest(runtime_id=LITE, text="What?", media_uri=folder.media_uri(record_id)))
    folder.write_records([(record_id, body)], max_bytes=10_000)
    arn = jobs.create(folder.new_job(client_token=staging.new_id(), runtime_id=LITE))
    list(records.our_jobs(since=datetime(2026, 1, 1, tzinfo=UTC)))
    aws.clock.advance(minutes=3)
    aws.clock.advance(minutes=40)
    job = jobs.get(arn)
    list(records.read_output(job))
    jobs.stop(arn)
    records.clear_output(job)
    folder.clear()


def _hear(tmp_path: Path) -> None:
    sound = tmp_path / "talk.flac"
    sound.write_bytes(b"fLaC")
    omni = SonicTranscriber(
        model_id="amazon.nova-2-omni-v1:0", runtime_id="us.amazon.nova-2-omni-v1:0", max_tokens=64, tokens_per_s=50
    )
    with suppress(BedrockError):  # the stand-in hears nothing; what was sent is what counts here
        transcribe_file(omni, sound, 6.0, AudioDescription(), Memory())


@pytest.mark.django_db
def test_every_request_fits_the_shapes_and_patterns_of_botocore(aws: World, captured: Captured, tmp_path: Path) -> None:
    ask_everything(aws, tmp_path)

    found: list[str] = []
    for model, params in captured:
        if model.input_shape is None:
            continue
        report = ParamValidator().validate(params, model.input_shape)
        found += [report.generate_report()] if report.has_errors() else []
        found += faults_of(model.input_shape, params, f"{model.service_model.service_name}:{model.name}")
    assert found == []


@pytest.mark.django_db
def test_nothing_that_the_code_calls_is_left_out(aws: World, captured: Captured, tmp_path: Path) -> None:
    ask_everything(aws, tmp_path)

    asked = {f"{model.service_model.service_name}:{model.name}" for model, _ in captured}
    by_boto3 = {call for call in calls() if not call.endswith("BidirectionalStream")} - TRANSFERS
    assert by_boto3 - asked == set()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda params: params.update(jobName="my_job"), "jobName"),
        (lambda params: params["inputDataConfig"]["s3InputDataConfig"].update(s3Uri="s3://b/in dir/"), "s3Uri"),
        (lambda params: params.update(roleArn="my-role"), "roleArn"),
        (lambda params: params["inputDataConfig"]["s3InputDataConfig"].update(s3InputFormat="CSV"), "s3InputFormat"),
    ],
)
def test_what_boto3_lets_through_is_seen_here(change: Callable[[Any], None], word: str) -> None:
    import botocore.session

    shape = botocore.session.get_session().get_service_model("bedrock").operation_model("CreateModelInvocationJob")
    params: dict[str, Any] = {
        "jobName": "novaproject-a",
        "roleArn": "arn:aws:iam::123456789012:role/batch",
        "modelId": LITE,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in/", "s3InputFormat": "JSONL"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
    }
    assert list(faults_of(shape.input_shape, params, "job")) == []

    change(params)

    (fault,) = faults_of(shape.input_shape, params, "job")
    assert word in fault
