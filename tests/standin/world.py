"""The state of the stand-in: its clock, its bill, the faults it was told to make, and the bucket beside it."""

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.standin import media, rules

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bedrock-batch-inference-role"


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One line of the bill."""

    question: str
    model_id: str
    tier: str
    input_tokens: int
    output_tokens: int
    usd: Decimal
    record_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with a call: an error before it is answered, a lost connection, a slow or cut answer.

    `drop` is "before" or "after" the answer was made (and charged); `cut` ends the answer at max_tokens; `stop` is why
    the model stopped without an answer.
    """

    code: str = ""
    status: int = 400
    message: str = ""
    drop: str = ""
    delay_s: float = 0
    cut: bool = False
    stop: str = ""
    on_call: Callable[[], object] | None = None  #: done before the answer is made, in the thread of the call


THROTTLED = Fault(code="ThrottlingException", status=429, message="Too many requests, please wait before trying again.")
DAY_IS_OVER = Fault(
    code="ThrottlingException", status=429, message="Too many tokens per day, please wait before trying again."
)
NOT_READY = Fault(code="ModelNotReadyException", status=429, message="The model is not ready for inference.")
SERVER_ERROR = Fault(code="InternalServerException", status=500, message="The system encountered an unexpected error.")
UNAVAILABLE = Fault(code="ServiceUnavailableException", status=503, message="Bedrock is unable to process the request.")
MODEL_ERROR = Fault(
    code="ModelErrorException", status=424, message="The model produced an invalid sequence as part of ToolUse."
)
MODEL_TIMEOUT = Fault(
    code="ModelTimeoutException", status=408, message="Model has timed out in processing the request."
)
EXPIRED = Fault(
    code="ExpiredTokenException", status=403, message="The security token included in the request is expired"
)
NO_PASS_ROLE = Fault(
    code="AccessDeniedException",
    status=403,
    message=f"User: arn:aws:iam::{ACCOUNT}:user/app is not authorized to perform: iam:PassRole on resource: {ROLE}",
)
NOT_FOR_BATCH = Fault(
    code="ValidationException",
    message="Your account is not authorized to perform this action. Please create a support case.",
)
NO_MODEL_ACCESS = Fault(
    code="AccessDeniedException", status=403, message="You don't have access to the model with the specified model ID."
)
DROP_BEFORE = Fault(drop="before")
DROP_AFTER = Fault(drop="after")
CUT = Fault(cut=True)
MALFORMED = Fault(stop="malformed_tool_use")


@dataclass(kw_only=True)
class BatchPlan:
    """What happens to the records of batch jobs from now on. Counts pick records by the seed; `fraction` is for
    outcomes that end early."""

    outcome: str = "Completed"
    fraction: float = 1.0
    errors: int = 0
    missing: int = 0
    duplicates: int = 0
    strangers: int = 0
    seed: int = 7


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How the service behaves where AWS's pages leave it open, or contradict each other."""

    #: A call that the model failed in (424, 408) is on the bill.
    charges_failures: bool = False
    #: The folder of a batch may hold no file beside the records.
    refuses_siblings: bool = False
    #: Fields that no page names, in answers and records.
    adds_fields: bool = False
    #: How usage is told: "told", "missing", or "text" (numbers as strings).
    usage: str = "told"
    #: Records of a batch that was stopped come with their answers, or not at all.
    keeps_stopped: bool = True
    #: The counts of a batch job are told.
    tells_counts: bool = True
    #: Reasoning, or some words, before the block that was asked for.
    talks_first: bool = False
    #: Output lines and listings in the order of the input, or shuffled.
    is_ordered: bool = False


AS_THE_PAGES_SAY = Ways()
#: One behaviour a line, so that tests can run over all of them.
WAYS = {
    "as the pages say": AS_THE_PAGES_SAY,
    "failures are charged": Ways(charges_failures=True),
    "sibling files are refused": Ways(refuses_siblings=True),
    "fields that nobody knows": Ways(adds_fields=True),
    "usage is missing": Ways(usage="missing"),
    "numbers are text": Ways(usage="text"),
    "what was stopped is gone": Ways(keeps_stopped=False),
    "counts are not told": Ways(tells_counts=False),
    "words before the answer": Ways(talks_first=True),
    "output in order": Ways(is_ordered=True),
}
#: All of them at once, in two worlds: the whole suite of money and collecting runs in both.
WORLDS = {
    "everything else": Ways(
        charges_failures=True, refuses_siblings=True, adds_fields=True, usage="text", keeps_stopped=False,
        tells_counts=False, talks_first=True, is_ordered=True,
    ),
    "everything else, usage missing": Ways(
        charges_failures=True, refuses_siblings=True, adds_fields=True, usage="missing", keeps_stopped=False,
        tells_counts=False, talks_first=True, is_ordered=True,
    ),
}  # fmt: skip


class Clock:
    """The service's time: stands still but for `advance`, or runs `speed` times as fast as the real one."""

    def __init__(self, speed: float = 0.0) -> None:
        self.speed, self._start, self._offset = speed, time.monotonic(), timedelta()
        self._zero = datetime.now(UTC)

    def now(self) -> datetime:
        return self._zero + self._offset + timedelta(seconds=(time.monotonic() - self._start) * self.speed)

    def advance(self, **delta: float) -> None:
        self._offset += timedelta(**delta)


@dataclass
class World:
    """Everything the stand-in knows. Tests change it; the server reads it under `lock`."""

    s3_endpoint: str
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.s3: Any = boto3.client(
            "s3", endpoint_url=self.s3_endpoint, region_name=REGION, aws_access_key_id="standin",
            aws_secret_access_key="standin", config=Config(s3={"addressing_style": "path"}, max_pool_connections=32),
        )  # fmt: skip
        self.stopping = threading.Event()
        self._busy = 0
        self.reset()

    def reset(self, *, speed: float | None = None) -> None:
        """Forget everything but the address of the bucket, once the calls of before are over."""
        self.stopping.set()
        while self._busy:
            time.sleep(0.01)
        with self.lock:
            self.stopping = threading.Event()
            self.clock = Clock(self.clock.speed if speed is None else speed)
            self.bill: list[Charge] = []
            self.calls: Counter[str] = Counter()
            self.faults: dict[str, list[Fault]] = {}
            self.plan = BatchPlan()
            self.jobs: dict[str, Any] = {}
            self.async_calls: dict[str, Any] = {}
            #: What asynchronous embeddings see in each piece (words), which pieces fail and why, and why calls do.
            self.seen: list[str] = []
            #: Pictures that were embedded, in order: each shows the next thing of `seen`.
            self.pictures: dict[str, int] = {}
            self.bad_segments: dict[int, str] = {}
            self.async_failures: list[str] = []
            self.roles = {ROLE}
            #: IAM actions that the caller is denied.
            self.denied: set[str] = set()
            #: Service Quotas by name: what the account is allowed to, where it differs from nothing at all.
            self.quotas: dict[str, float] = {}
            self.min_records, self.max_records, self.max_job_bytes = 100, 50_000, 5 << 30
            self.max_file_bytes = 1_000_000_000
            self.running_jobs_max = 20
            self.ways = Ways()
            self.fixed_duration_s: float | None = None
            self.fixed_answer: str | None = None
            self.busiest = 0
            self._durations: dict[str, float] = {}

    # --- faults -----------------------------------------------------------------------------------------------------

    def break_next(self, operation: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next calls of an operation ("Converse", "CreateModelInvocationJob", …, or "*") go wrong."""
        with self.lock:
            self.faults.setdefault(operation, []).extend([fault] * times)

    def next_fault(self, operation: str) -> Fault | None:
        with self.lock:
            self.calls[operation] += 1
            queue = self.faults.get(operation) or self.faults.get("*")
            return queue.pop(0) if queue else None

    # --- the bill ---------------------------------------------------------------------------------------------------

    def charge(self, charge: Charge) -> None:
        with self.lock:
            self.bill.append(charge)

    def usd(self) -> Decimal:
        with self.lock:
            return sum((charge.usd for charge in self.bill), Decimal(0))

    def paid_twice(self) -> list[str]:
        """Questions that were charged more than once."""
        with self.lock:
            counts = Counter(charge.question for charge in self.bill)
        return [question for question, count in counts.items() if count > 1]

    def put(self, address: str, content: bytes) -> str:
        """Write an object at its `s3://` address, as somebody else would. Returns the address."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return address

    # --- media ------------------------------------------------------------------------------------------------------

    def object_facts(self, address: str) -> tuple[str, int]:
        """The ETag and size of an object; the refusal that AWS gives where it is not there."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        try:
            head = self.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as exc:
            raise rules.invalid(
                f"Unable to find the S3 object at {address}. Check that it exists and that you may read it."
            ) from exc
        return head["ETag"].strip('"'), head["ContentLength"]

    def object_head(self, address: str, size: int) -> bytes:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        if size <= media.HEAD_BYTES:
            return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        ask = {"Bucket": bucket, "Key": key}
        tail = self.s3.get_object(**ask, Range=f"bytes=-{media.HEAD_BYTES}")["Body"].read()
        return bytes(self.s3.get_object(**ask, Range=f"bytes=0-{media.HEAD_BYTES - 1}")["Body"].read() + tail)

    def video_of(self, video: Mapping[str, Any], inline: bytes | None) -> tuple[str, float]:
        """A name for the video's content, and its duration. Refuses what is no video, as the service does."""
        if inline is not None:
            etag, content = hashlib.md5(inline, usedforsecurity=False).hexdigest(), inline
        else:
            address = video["source"]["s3Location"]["uri"]
            etag, size = self.object_facts(address)
            if size > rules.MAX_S3_VIDEO_BYTES:
                raise rules.invalid("The video exceeds the maximum size of 1 GB.")
            with self.lock:
                known = self._durations.get(etag)
            if known is not None:
                return etag, known
            content = self.object_head(address, size)
        if not media.looks_like_video(content, video["format"]):
            raise rules.invalid("The provided video could not be processed: the file is corrupt or has another format.")
        duration = self.fixed_duration_s or media.duration_s(content)
        with self.lock:
            self._durations[etag] = duration
        return etag, duration

    def picture_of(self, image: Mapping[str, Any]) -> str:
        """A name for the picture's content. Refuses what is no JPEG where one is announced, as the service does."""
        source = image["source"]
        if "bytes" in source:
            content = base64.b64decode(source["bytes"])
        else:
            bucket, _, key = str(source["s3Location"]["uri"]).removeprefix("s3://").partition("/")
            try:
                content = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as exc:
                raise rules.invalid("The S3 object could not be read.") from exc
        if image["format"] == "jpeg" and not content.startswith(b"\xff\xd8\xff"):
            raise rules.invalid("The provided image could not be processed: the file is corrupt or has another format.")
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    # --- how many at once -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        with self.lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)

    def leave(self) -> None:
        with self.lock:
            self._busy -= 1


def question_of(base: str, body: Mapping[str, Any], content: str) -> str:
    """What makes two questions the same: the model, the words, the parameters, and the *content* of the video."""

    def without_source(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: content if key == "source" else without_source(part) for key, part in value.items()}
        if isinstance(value, list):
            return [without_source(part) for part in value]
        return value

    text = json.dumps([base, without_source(body)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
