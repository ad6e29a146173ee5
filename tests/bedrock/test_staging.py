"""Copies in S3."""

from pathlib import Path
from typing import Any

import pytest

from bedrock import staging
from bedrock.errors import BadRequestError, BedrockError, MissingObjectError, NotConfiguredError
from tests.standin.fixtures import BUCKET
from tests.standin.world import World

FOLDER = staging.REALTIME_PREFIX


def test_ids_are_eleven_letters_and_digits() -> None:
    ids = {staging.new_id() for _ in range(200)}

    assert len(ids) == 200
    assert all(len(id_) == 11 and id_.isalnum() and id_.isascii() for id_ in ids)


def test_a_file_goes_up_with_its_type_and_comes_away_again(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "a b.mp4"
    path.write_bytes(b"x" * 1000)

    address = staging.upload(path, f"{FOLDER}/a.mp4", file_id=None)

    head = aws.s3.head_object(Bucket=BUCKET, Key=f"{FOLDER}/a.mp4")
    assert (address, head["ContentType"]) == (f"s3://{BUCKET}/{FOLDER}/a.mp4", "video/mp4")
    assert staging.key_of(address) == f"{FOLDER}/a.mp4"
    assert head["ContentLength"] == 1000
    assert staging.delete([f"{FOLDER}/a.mp4"]) == 1
    assert list(staging.listed(FOLDER)) == []


def test_many_files_go_up_side_by_side_and_each_is_told(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    told: list[str] = []

    count = staging.upload_many(((path, f"{FOLDER}/{n}.mp4") for n in range(40)), on_done=told.append)

    assert count == len(set(told)) == 40
    assert len(list(staging.listed(FOLDER))) == 40


def test_a_failed_upload_ends_the_rest_and_is_raised(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")

    with pytest.raises(FileNotFoundError):
        staging.upload_many([(path, f"{FOLDER}/1.mp4"), (tmp_path / "gone.mp4", f"{FOLDER}/2.mp4")])


def test_a_file_that_cannot_be_read_stops_no_other_where_that_is_wanted(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    items = [(tmp_path / "gone.mp4", f"{FOLDER}/0.mp4"), *((path, f"{FOLDER}/{n}.mp4") for n in range(1, 5))]
    unreadable: dict[str, str] = {}

    count = staging.upload_many(items, on_unreadable=lambda key, exc: unreadable.update({key: str(exc)}))

    assert count == 4
    assert list(unreadable) == [f"{FOLDER}/0.mp4"]
    assert "gone.mp4" in unreadable[f"{FOLDER}/0.mp4"]


def test_stopping_in_the_middle_leaves_no_upload_running(aws: World, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")

    def stop(key: str) -> None:
        raise KeyError(key)

    with pytest.raises(KeyError):
        staging.upload_many(((path, f"{FOLDER}/{n}.mp4") for n in range(500)), on_done=stop)
    assert len(list(staging.listed(FOLDER))) < 100


def test_lists_and_clears_a_folder_of_more_than_a_page_but_not_its_neighbour(
    aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "30")
    monkeypatch.setattr(staging, "DELETE_MAX", 40)
    for n in range(101):
        aws.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/job/{n}.mp4", Body=b"")
    aws.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/job2/x.mp4", Body=b"")

    assert staging.delete_folder(f"{FOLDER}/job") == 101
    assert [staged.key for staged in staging.listed(FOLDER)] == [f"{FOLDER}/job2/x.mp4"]


@pytest.mark.parametrize("key", ["precious.mp4", "novaproject", f"{FOLDER}/", "", "nova-batch/inside/x.mp4"])
def test_nothing_outside_our_folders_is_written_or_deleted(aws: World, key: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="not under a staging prefix"):
        staging.delete([key])
    with pytest.raises(BadRequestError):
        staging.upload(tmp_path / "x", key, file_id=None)


def test_lines_are_streamed_and_what_is_no_object_is_left_out(aws: World) -> None:
    body = b'{"recordId": "a", "text": "\xc3\xa9\xe2\x80\xa8"}\nnot json\n[1]\n\n{"recordId": "b"}'
    aws.put(f"s3://{BUCKET}/{FOLDER}/x.jsonl", body)

    assert [record["recordId"] for record in staging.read_lines(f"{FOLDER}/x.jsonl")] == ["a", "b"]
    with pytest.raises(MissingObjectError):
        list(staging.read_lines(f"{FOLDER}/gone.jsonl"))


def test_a_missing_bucket_is_named_with_the_remedy(aws: World, settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    settings.S3_BUCKET_NAME = "no-such-bucket"

    with pytest.raises(MissingObjectError) as caught:
        staging.upload(path, f"{FOLDER}/a.mp4", file_id=None)
    assert "S3_BUCKET_NAME" in caught.value.remedy
    with pytest.raises(MissingObjectError):
        list(staging.listed(FOLDER))


def test_without_a_bucket_the_setting_is_named(settings: Any) -> None:
    settings.S3_BUCKET_NAME = ""
    with pytest.raises(NotConfiguredError) as caught:
        staging.uri("x")
    assert "S3_BUCKET_NAME" in caught.value.remedy


def test_an_address_in_another_bucket_is_not_ours(aws: World) -> None:
    with pytest.raises(BadRequestError, match="not in the bucket"):
        staging.key_of("s3://other/key")


def test_lifecycle_rules_are_added_beside_those_that_are_there(aws: World) -> None:
    other = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}
    assert not staging.has_lifecycle_rule()
    aws.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [other]})

    staging.add_lifecycle_rules()
    staging.add_lifecycle_rules()

    rules = aws.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert staging.has_lifecycle_rule()
    assert [rule["ID"] for rule in rules] == ["theirs", *(f"novaproject-staging-{n}" for n in (1, 2, 3, 4))]
    assert [rule["Expiration"]["Days"] for rule in rules] == [30, 7, 7, 7, 60]


def test_results_below_the_folder_of_the_input_are_kept_as_long_as_others(aws: World, settings: Any) -> None:
    settings.NOVA_BATCH_OUTPUT_PREFIX = f"{settings.NOVA_BATCH_INPUT_PREFIX}/out"

    staging.add_lifecycle_rules()

    rules = aws.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["Expiration"]["Days"] for rule in rules] == [7, 7, 60, 60]


def test_rules_of_an_older_version_that_delete_results_too_soon_are_not_enough(aws: World) -> None:
    staging.add_lifecycle_rules()
    rules = aws.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    rules[-1]["Expiration"] = {"Days": 7}
    aws.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})

    assert not staging.has_lifecycle_rule()


def test_an_object_that_could_not_be_deleted_is_an_error(aws: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Denying:
        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "x", "Message": "Access Denied"}]}

    monkeypatch.setattr("bedrock.clients.s3", Denying)
    with pytest.raises(BedrockError, match="Access Denied"):
        staging.delete([f"{FOLDER}/x.mp4"])
