"""Copies in S3 that Bedrock reads, and what it writes there. Generated keys only, and only under our prefixes.

Batch addresses allow no spaces, `+`, `=`, `%` or `//`; generated names (`<id>.mp4`) have none.
"""

import json
import secrets
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bedrock import clients, conf, faults, never_send
from bedrock.errors import BadRequestError, BedrockError, NotConfiguredError

#: Where realtime and flex stage a video that is too large to go inline, and asynchronous embeddings theirs.
REALTIME_PREFIX = "novaproject/realtime"
ASYNC_PREFIX = "novaproject/async"
RULE_ID = "novaproject-staging"
RULE_DAYS = 7
#: What Bedrock wrote was paid for: it is there still when this machine comes back from a month's rest.
OUTPUT_DAYS = 60
WORKERS = 8
ALPHABET = string.ascii_letters + string.digits
ID_LENGTH = 11
DELETE_MAX = 1000
#: One thread a file is enough: the files of a batch go up side by side.
PART_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Staged:
    """An object in the staging bucket."""

    key: str
    size_bytes: int


def new_id() -> str:
    """11 letters and digits: what Bedrock asks of a record id, and what we name staged files by."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


def bucket() -> str:
    name = conf.bucket()
    if not name:
        raise NotConfiguredError(
            "No S3 bucket is set, and this needs one.",
            remedy="Set S3_BUCKET_NAME to a bucket in the region of AWS_REGION.",
        )
    return name


def uri(key: str) -> str:
    return f"s3://{bucket()}/{key}"


def key_of(address: str) -> str:
    """The key of an `s3://` address in our bucket."""
    name, _, key = address.removeprefix("s3://").partition("/")
    if name != bucket():
        raise BadRequestError(f"{address} is not in the bucket {bucket()}.", remedy="Check S3_BUCKET_NAME.")
    return key


def upload(path: Path, key: str, *, file_id: int | None, content_type: str = "video/mp4") -> str:
    """Copy a file to S3, streaming. Returns its `s3://` address.

    `file_id` is whose content it is, None where it is nobody's: a file that is never sent raises FolderNeverSentError.
    """
    never_send.require_sendable([file_id])
    return _copy(path, key, content_type)


def _copy(path: Path, key: str, content_type: str = "video/mp4") -> str:
    from boto3.exceptions import S3UploadFailedError  # boto3 takes a tenth of a second to load
    from boto3.s3.transfer import TransferConfig

    _check_ours(key)
    transfer = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
    with faults.told(f"Uploading to {bucket()}"):
        try:
            clients.s3().upload_file(str(path), bucket(), key, ExtraArgs={"ContentType": content_type}, Config=transfer)
        except S3UploadFailedError as exc:  # boto3's transfer hides the answer of AWS in an error of its own
            raise exc.__context__ if isinstance(exc.__context__, ClientError) else exc from exc
    return uri(key)


def upload_many(
    items: Iterable[tuple[Path, str]],
    *,
    on_done: Callable[[str], None] | None = None,
    on_unreadable: Callable[[str, OSError], None] | None = None,
) -> int:
    """Upload `(path, key)` pairs side by side, few in memory at a time. The first failure ends it and is raised.

    `on_done(key)` is called in the calling thread after each one, and may raise to stop; so is `on_unreadable`, for a
    file here that cannot be read: then the others go on. Returns how many went up. Whoever makes the pairs
    asks `never_send` for each file first, so that one that may not be sent fails alone.
    """

    def upload_one(path: Path, key: str) -> tuple[str, OSError | None]:
        try:
            _copy(path, key)
        except OSError as exc:
            return key, exc
        return key, None

    waiting, rest, done = set[Future[tuple[str, OSError | None]]](), iter(items), 0
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="staging") as pool:
        try:
            while True:
                room = islice(rest, 2 * WORKERS - len(waiting))
                waiting |= {pool.submit(copy_context().run, upload_one, path, key) for path, key in room}
                if not waiting:
                    return done
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    key, unreadable = future.result()
                    if unreadable is not None:
                        if on_unreadable is None:
                            raise unreadable
                        on_unreadable(key, unreadable)
                        continue
                    done += 1
                    if on_done:
                        on_done(key)
        finally:
            for future in waiting:
                future.cancel()


def listed(prefix: str) -> Iterator[Staged]:
    """All objects below a folder, page by page."""
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket(), Prefix=prefix.rstrip("/") + "/")
    with faults.told(f"Listing {bucket()}"):
        for page in pages:
            for item in page.get("Contents", []):
                yield Staged(key=item["Key"], size_bytes=item["Size"])


def delete(keys: Iterable[str]) -> int:
    """Delete staged objects, a thousand at a time. Refuses keys that are not under our prefixes."""
    rest, gone = iter(keys), 0
    while chunk := list(islice(rest, DELETE_MAX)):
        for key in chunk:
            _check_ours(key)
        with faults.told(f"Deleting from {bucket()}"):
            answer = clients.s3().delete_objects(
                Bucket=bucket(), Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True}
            )
        errors = answer.get("Errors", [])
        if errors:
            first = errors[0]
            raise BedrockError(f"{len(errors)} staged objects could not be deleted: {first.get('Message', '')}")
        gone += len(chunk)
    return gone


def delete_folder(prefix: str) -> int:
    """Delete everything below one of our folders."""
    return delete(staged.key for staged in listed(prefix))


def read_lines(key: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSONL object, streamed: one line in memory. A line that is no object is left out."""
    with faults.told(f"Reading {key}"):
        body = clients.s3().get_object(Bucket=bucket(), Key=key)["Body"]
        for line in body.iter_lines(chunk_size=1 << 16):
            record = None
            with suppress(ValueError):
                record = json.loads(line)
            if isinstance(record, dict):
                yield record


def read_bytes(key: str) -> bytes:
    """A small object, whole."""
    with faults.told(f"Reading {key}"):
        return clients.s3().get_object(Bucket=bucket(), Key=key)["Body"].read()


def our_prefixes() -> list[str]:
    """The folders of the bucket that this program writes to and clears."""
    batch = conf.batch()
    return [name for name in (REALTIME_PREFIX, ASYNC_PREFIX, batch.input_prefix, batch.output_prefix) if name]


def has_lifecycle_rule() -> bool:
    """Whether the bucket clears forgotten staged objects by itself, and leaves results long enough to be taken in."""
    rules = {
        (rule.get("Filter", {}).get("Prefix"), rule.get("Expiration", {}).get("Days"))
        for rule in _rules()
        if _is_ours(rule)
    }
    return {(f"{prefix}/", _days(prefix)) for prefix in our_prefixes()} <= rules


def add_lifecycle_rules() -> None:
    """Let S3 delete what is left under our prefixes, in time. The bucket's other rules stay."""
    others = [rule for rule in _rules() if not _is_ours(rule)]
    ours: list[Any] = [
        {
            "ID": f"{RULE_ID}-{number}",
            "Status": "Enabled",
            "Filter": {"Prefix": f"{prefix}/"},
            "Expiration": {"Days": _days(prefix)},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        for number, prefix in enumerate(our_prefixes(), 1)
    ]
    with faults.told(f"Setting lifecycle rules of {bucket()}"):
        clients.s3().put_bucket_lifecycle_configuration(
            Bucket=bucket(), LifecycleConfiguration={"Rules": [*others, *ours]}
        )


def _days(prefix: str) -> int:
    """A rule holds for all below its prefix, and the soonest one wins: results may lie in the input's folder."""
    return OUTPUT_DAYS if f"{conf.batch().output_prefix}/".startswith(f"{prefix}/") else RULE_DAYS


def _is_ours(rule: Any) -> bool:
    return str(rule.get("ID", "")).startswith(RULE_ID)


def _rules() -> Sequence[Any]:
    try:
        with faults.told(f"Reading lifecycle rules of {bucket()}"):
            return clients.s3().get_bucket_lifecycle_configuration(Bucket=bucket()).get("Rules", [])
    except BedrockError as exc:
        if exc.aws_code == "NoSuchLifecycleConfiguration":
            return []
        raise


def _check_ours(key: str) -> None:
    """Whatever asks, nothing outside our own folders is written or deleted."""
    if not any(key.startswith(f"{prefix}/") and len(key) > len(prefix) + 1 for prefix in our_prefixes()):
        raise BadRequestError(f"{key!r} is not under a staging prefix of this program.", remedy="Nothing was touched.")
