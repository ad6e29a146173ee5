"""120 clips through a batch over HTTP: some bad, some in error, some missing, some twice; the bill to the cent."""

from pathlib import Path
from typing import Any

import pytest

from bedrock import catalogue, converse, staging
from bedrock.batch import jobs, records
from bedrock.batch.records import BatchFolder, OutputRecord
from bedrock.converse import ConverseRequest
from bedrock.errors import BedrockError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import Entry, month_of
from bedrock.pricing import Range, estimate
from tests.standin import world as at
from tests.standin.media import tiny_mp4
from tests.standin.world import BatchPlan, World

LITE = "us.amazon.nova-2-lite-v1:0"
RECORDS = 120


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    """Clips of which the first three are not videos."""
    paths = [tmp_path / f"{number}.mp4" for number in range(RECORDS)]
    for number, path in enumerate(paths):
        path.write_bytes(b"no video" if number < 3 else tiny_mp4(10, seed=str(number)))
    return paths


def reserve(ids: list[str]) -> dict[str, Entry]:
    price = catalogue.price(catalogue.model("lite"), "batch")
    worst = estimate(price=price, input_tokens=Range(low=2880, high=4000), output_tokens=Range(low=0, high=500))
    facts: dict[str, Any] = {"purpose": "analysis", "model_key": "lite", "mode": "batch", "price": price}
    asks = [ReservationRequest(question=f"q-{id_}", holder=id_, usd=worst.usd_high, **facts) for id_ in ids]
    return dict(zip(ids, booking.reserve_many(asks), strict=True))


def send(folder: BatchFolder, ids: list[str], clips: list[Path]) -> str:
    staging.upload_many((path, folder.media_key(one)) for one, path in zip(ids, clips, strict=True))
    bodies = (
        (id_, converse.batch_body(ConverseRequest(runtime_id=LITE, text="What?", media_uri=folder.media_uri(id_))))
        for id_ in ids
    )
    written = folder.write_records(bodies, max_bytes=1_000_000)
    assert written == len(ids)
    return jobs.create(folder.new_job(client_token=folder.name, runtime_id=LITE))


def wait(aws: World, arn: str) -> jobs.RemoteJob:
    for _ in range(8):
        aws.clock.advance(minutes=5)
        job = jobs.get(arn)
    return job


def collect(job: jobs.RemoteJob, entries: dict[str, Entry]) -> dict[str, OutputRecord]:
    """What a collector does: by record id, duplicates and strangers ignored, settled in one go."""
    found: dict[str, OutputRecord] = {}
    for record in records.read_output(job):
        if record.record_id in entries:
            found.setdefault(record.record_id, record)
    good = [(entries[one], record.reply.usage) for one, record in found.items() if record.reply]
    booking.settle_many(good)
    booking.release(*(entry for entry in entries.values() if entry.is_open), note="no answer in the output")
    return found


@pytest.mark.django_db
@pytest.mark.usage_told
def test_every_record_has_an_answer_or_a_reason_and_the_ledger_agrees_with_the_bill(
    aws: World, clips: list[Path]
) -> None:
    aws.plan = BatchPlan(errors=7, missing=5, duplicates=4, strangers=3)
    folder, ids = BatchFolder(staging.new_id()), [staging.new_id() for _ in clips]
    entries = reserve(ids)

    job = wait(aws, send(folder, ids, clips))
    found = collect(job, entries)

    answered = {one for one, record in found.items() if record.reply}
    assert job.status == "Completed"
    assert len(found) == RECORDS - 5
    assert all(found[one].error for one in set(found) - answered)
    assert any("corrupt" in record.error for record in found.values())
    assert booking.counted_usd(month_of(entries[ids[0]].created_at)) == aws.usd()
    assert aws.paid_twice() == []
    assert Entry.objects.filter(state="settled").count() == len(answered) == len(aws.bill)

    folder.clear()
    records.clear_output(job)
    assert all(list(staging.listed(prefix)) == [] for prefix in staging.our_prefixes())


@pytest.mark.django_db
def test_a_job_whose_arn_was_lost_is_found_again_and_not_made_twice(aws: World) -> None:
    aws.min_records = 1
    folder, one = BatchFolder(staging.new_id()), staging.new_id()
    aws.put(folder.media_uri(one), tiny_mp4(5))
    folder.write_records(
        [(one, converse.batch_body(ConverseRequest(runtime_id=LITE, text="What?", media_uri="")))], max_bytes=10_000
    )
    job = folder.new_job(client_token="token1", runtime_id=LITE)
    aws.break_next("CreateModelInvocationJob", at.DROP_AFTER)

    arn = jobs.create(job)

    assert len(aws.jobs) == 1
    adopted = next(records.our_jobs())
    assert (adopted.arn, adopted.client_token) == (arn, "token1")
    assert records.folder_of(adopted) == folder
    assert folder.staged() == {folder.media_key(one), f"{folder.prefix}/records.jsonl"}


@pytest.mark.django_db
@pytest.mark.parametrize(("outcome", "count"), [("PartiallyCompleted", 3), ("Expired", 0), ("Failed", 0)])
def test_a_job_that_ends_early_gives_what_there_is(aws: World, clips: list[Path], outcome: str, count: int) -> None:
    aws.min_records, aws.plan = 1, BatchPlan(outcome=outcome, fraction=0.5)
    folder, ids = BatchFolder(staging.new_id()), [staging.new_id() for _ in range(6)]

    job = wait(aws, send(folder, ids, clips[3:9]))

    assert job.status == outcome
    assert sum(record.reply is not None for record in records.read_output(job)) == count


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"recordId": "a", "error": {"errorCode": 400, "errorMessage": "bad"}}, "bad"),
        ({"recordId": "a"}, "neither"),
        ({"recordId": "a", "modelOutput": {}}, "neither"),
        ({"recordId": "a", "error": "x", "modelOutput": None}, "neither"),
    ],
)
def test_a_line_without_an_answer_is_an_error(line: dict[str, Any], error: str) -> None:
    record = records.output_record(line)

    assert record.reply is None
    assert error in record.error


@pytest.mark.django_db
def test_records_without_a_bucket_are_not_written(aws: World, settings: Any) -> None:
    settings.S3_BUCKET_NAME = ""
    with pytest.raises(BedrockError, match="S3_BUCKET_NAME is not set"):
        BatchFolder("x").write_records([], max_bytes=1)


@pytest.mark.django_db
def test_in_every_way_that_aws_may_behave_the_ledger_holds_at_least_the_bill(any_aws: World, clips: list[Path]) -> None:
    any_aws.min_records = 20
    any_aws.plan = BatchPlan(errors=2, missing=2, duplicates=2, strangers=1)
    folder, ids = BatchFolder(staging.new_id()), [staging.new_id() for _ in clips[:20]]
    entries = reserve(ids)

    job = wait(any_aws, send(folder, ids, clips[:20]))
    found = collect(job, entries)

    assert job.status == "Completed", job.message
    assert sum(record.reply is not None for record in found.values()) == len(any_aws.bill)
    counted = booking.counted_usd(month_of(entries[ids[0]].created_at))
    assert counted == any_aws.usd() or (any_aws.ways.usage == "missing" and counted > any_aws.usd())


def test_no_file_of_records_is_larger_than_it_may_be_and_all_are_read(aws: World, clips: list[Path]) -> None:
    aws.min_records, aws.max_file_bytes = 20, 2000
    folder, ids = BatchFolder("folder1"), [f"record{number:05d}" for number in range(20)]
    aws.put(f"{folder.uri}records-99.jsonl", b"{}")
    body = converse.batch_body(ConverseRequest(runtime_id=LITE, text="What is it? " * 20))

    assert folder.write_records(((id_, body) for id_ in ids), max_bytes=2000) == 20

    sizes = {item.key.rpartition("/")[2]: item.size_bytes for item in staging.listed(folder.prefix)}
    assert set(sizes) == {"records.jsonl", *(f"records-{number}.jsonl" for number in range(2, len(sizes) + 1))}
    assert len(sizes) > 2
    assert max(sizes.values()) <= 2000
    job = wait(aws, jobs.create(folder.new_job(client_token="token1", runtime_id=LITE)))
    assert job.status == "Completed", job.message
    assert {record.record_id for record in records.read_output(job)} == set(ids)


def test_a_line_that_is_longer_than_a_file_has_one_of_its_own(aws: World) -> None:
    folder = BatchFolder("folder1")

    assert folder.write_records([("a", {"x": "y" * 50}), ("b", {"x": "y" * 50})], max_bytes=10) == 2
    assert len(list(staging.listed(folder.prefix))) == 2


def test_videos_lie_in_a_folder_below_the_records(aws: World) -> None:
    folder = BatchFolder("folder1")

    assert folder.media_key("a") == f"{folder.prefix}/videos/a.mp4"
    assert folder.media_uri("a").startswith(f"{folder.uri}videos/")
