"""From records that wait to Bedrock's batch jobs, inside its quotas. Pure.

A job takes `minimum` to `maximum` records and `max_bytes` of videos and lines. Nothing is dropped: what fits into no
job of a legal size waits, and what is too large for any job is told apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Record:
    """One question of a batch: `bytes` are those of its video and of its line."""

    key: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Jobs that can be sent now, records that have to wait for more, and those that no job can hold."""

    jobs: list[list[Record]] = field(default_factory=list)
    waiting: list[Record] = field(default_factory=list)
    too_large: list[Record] = field(default_factory=list)


def plan(records: Sequence[Record], *, minimum: int, maximum: int, max_bytes: int) -> BatchPlan:
    """Send as many as can be sent, in jobs of about the same size; the smallest videos first where bytes are short."""
    if not 1 <= minimum <= maximum:
        raise ValueError(f"no job has at least {minimum} and at most {maximum} records")
    too_large = [record for record in records if record.bytes > max_bytes]
    # The largest last: from a prefix of these the most records fit into the bytes.
    rest = sorted((record for record in records if record.bytes <= max_bytes), key=lambda record: record.bytes)
    limits = BatchLimits(minimum=minimum, maximum=maximum, max_bytes=max_bytes)
    jobs = limits.jobs_of(rest) or most_that_fit(rest, limits)
    sent = {id(record) for job in jobs for record in job}
    return BatchPlan(jobs=jobs, waiting=[record for record in rest if id(record) not in sent], too_large=too_large)


def in_words(waiting: int, minimum: int, usd_realtime: Decimal | None, usd_flex: Decimal | None) -> str:
    """What a person is told of records that are too few. A price that is None is not known, or not offered."""
    if not waiting:
        return "No record waits."
    records = "1 record waits" if waiting == 1 else f"{waiting:,} records wait"
    if waiting >= minimum:
        return f"{records}, enough for a batch."
    them = "it" if waiting == 1 else "them"
    price = "" if usd_realtime is None else f" for {_dollars(usd_realtime)}"
    flex = "" if usd_flex is None else f" (flex: {_dollars(usd_flex)}, the same price as batch)"
    return f"{records}, {minimum - waiting:,} short of a batch: wait, add files, or run {them} now{price}{flex}"


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """What one batch job takes."""

    minimum: int
    maximum: int
    max_bytes: int

    def by_count(self, count: int) -> int:
        """How many of `count` records can be sent where bytes are plenty."""
        most_jobs = count // self.minimum
        return min(count, most_jobs * self.maximum)

    def jobs_of(self, records: Sequence[Record]) -> list[list[Record]]:
        """All these records, smallest first, in jobs of legal sizes; empty where that can't be found."""
        total = sum(record.bytes for record in records)
        fewest = max(math.ceil(len(records) / self.maximum), math.ceil(total / self.max_bytes) if total else 0)
        most = len(records) // self.minimum
        for count in job_counts(fewest, most):
            jobs = deal(records, count)
            if all(self.takes(job) for job in jobs):
                return jobs
        return []

    def takes(self, job: Sequence[Record]) -> bool:
        is_counted = self.minimum <= len(job) <= self.maximum
        return is_counted and sum(record.bytes for record in job) <= self.max_bytes


def most_that_fit(records: Sequence[Record], limits: BatchLimits) -> list[list[Record]]:
    """The jobs of as many of the smallest records as can be sent together, by bisection."""
    best: list[list[Record]] = []
    low, high = limits.minimum, len(records)
    while low <= high:
        middle = (low + high) // 2
        jobs = limits.jobs_of(records[: limits.by_count(middle)])
        if jobs:
            best, low = max(best, jobs, key=lambda jobs: sum(map(len, jobs))), middle + 1
        else:
            high = middle - 1
    return best


def job_counts(fewest: int, most: int) -> list[int]:
    """Numbers of jobs to try: as few as can be, then more, since smaller jobs are easier to balance by bytes."""
    room = most - fewest
    counts = [fewest, fewest + 1, *(fewest + room // part for part in (8, 4, 2, 1))]
    return sorted({count for count in counts if max(1, fewest) <= count <= most})


def deal(records: Sequence[Record], count: int) -> list[list[Record]]:
    """Deal records like cards, the largest first; in each round the lightest job gets the largest card."""
    jobs: list[list[Record]] = [[] for _ in range(count)]
    weights = [0] * count
    falling = records[::-1]
    for start in range(0, len(falling), count):
        hand = falling[start : start + count]
        lightest = sorted(range(count), key=weights.__getitem__)[: len(hand)]
        for place, record in zip(lightest, hand, strict=True):
            jobs[place].append(record)
            weights[place] += record.bytes
    return jobs


def _dollars(usd: Decimal) -> str:
    return f"${usd:.2f}" if usd >= Decimal("0.01") or not usd else "less than $0.01"
