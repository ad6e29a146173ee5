"""Plans of batch jobs: quotas hold for every plan, nothing is dropped, and as many as possible are sent."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.batch.planning import BatchLimits, BatchPlan, Record, deal, in_words, job_counts, most_that_fit, plan


def records(*sizes: int) -> list[Record]:
    return [Record(key=str(number), bytes=size) for number, size in enumerate(sizes)]


def lengths(made: BatchPlan) -> list[int]:
    return sorted(len(job) for job in made.jobs)


NOW = (
    "37 records wait, 63 short of a batch: wait, add files, or run them now for $1.90 "
    "(flex: $0.95, the same price as batch)"
)
sizes = st.lists(st.integers(0, 60), max_size=80)


@settings(max_examples=300)
@given(sizes=sizes, minimum=st.integers(1, 12), room=st.integers(0, 20), max_bytes=st.integers(1, 400))
def test_every_job_keeps_the_quotas_and_nothing_is_dropped(
    sizes: list[int], minimum: int, room: int, max_bytes: int
) -> None:
    asked = records(*sizes)

    made = plan(asked, minimum=minimum, maximum=minimum + room, max_bytes=max_bytes)

    for job in made.jobs:
        assert minimum <= len(job) <= minimum + room
        assert sum(record.bytes for record in job) <= max_bytes
    parts = [record for part in (*made.jobs, made.waiting, made.too_large) for record in part]
    assert Counter(parts) == Counter(asked)
    assert all(record.bytes > max_bytes for record in made.too_large)


@settings(max_examples=200)
@given(count=st.integers(0, 300), minimum=st.integers(1, 40), room=st.integers(0, 60))
def test_where_bytes_are_plenty_no_plan_could_send_more(count: int, minimum: int, room: int) -> None:
    maximum = minimum + room

    made = plan(records(*[1] * count), minimum=minimum, maximum=maximum, max_bytes=10**9)

    most = max(min(count, jobs * maximum) for jobs in range(count // minimum + 1))
    assert count - len(made.waiting) == most
    assert not made.jobs or max(lengths(made)) - min(lengths(made)) <= 1


@settings(max_examples=200)
@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=40), max_bytes=st.integers(20, 100))
def test_what_waits_for_bytes_is_never_smaller_than_what_is_sent(sizes: list[int], max_bytes: int) -> None:
    made = plan(records(*sizes), minimum=3, maximum=50, max_bytes=max_bytes)

    sent = [record.bytes for job in made.jobs for record in job]
    assert max(sent, default=0) <= min((record.bytes for record in made.waiting), default=max_bytes)


@pytest.mark.parametrize(
    ("count", "jobs", "waiting"),
    [(0, [], 0), (99, [], 99), (100, [100], 0), (50_000, [50_000], 0), (50_050, [25_025, 25_025], 0)],
)
def test_jobs_are_balanced_so_that_no_rest_is_too_small(count: int, jobs: list[int], waiting: int) -> None:
    made = plan(records(*[1] * count), minimum=100, maximum=50_000, max_bytes=10**9)

    assert (lengths(made), len(made.waiting)) == (jobs, waiting)


def test_a_minimum_near_the_maximum_leaves_the_rest_waiting() -> None:
    made = plan(records(*[1] * 160), minimum=100, maximum=150, max_bytes=10**9)

    assert (lengths(made), len(made.waiting)) == ([150], 10)


def test_bytes_make_more_jobs_and_a_giant_is_told_apart() -> None:
    made = plan(records(*[30] * 20, 500), minimum=2, maximum=100, max_bytes=100)

    assert lengths(made) == [2, 3, 3, 3, 3, 3, 3]
    assert [record.bytes for record in made.too_large] == [500]


def test_a_large_plan_is_made_without_trying_every_number_of_jobs() -> None:
    asked = records(*[18_000_000 + number % 977 for number in range(50_000)])

    made = plan(asked, minimum=100, maximum=50_000, max_bytes=4_500_000_000)

    assert made.waiting == []
    assert len(job_counts(1, 500)) <= 6


@pytest.mark.parametrize(
    ("fewest", "most", "counts"),
    [
        (1, 1, [1]),
        (2, 3, [2, 3]),
        (1, 9, [1, 2, 3, 5, 9]),
        (0, 4, [1, 2, 4]),
        (3, 2, []),
        (8, 24, [8, 9, 10, 12, 16, 24]),
    ],
)
def test_few_jobs_are_tried_first_and_never_more_than_there_may_be(fewest: int, most: int, counts: list[int]) -> None:
    assert job_counts(fewest, most) == counts


def test_records_are_dealt_by_weight_and_by_number() -> None:
    jobs = deal(records(1, 2, 3, 4, 5, 6, 7), 3)

    assert [[record.bytes for record in job] for job in jobs] == [[7, 2, 1], [6, 3], [5, 4]]


@pytest.mark.parametrize(
    ("minimum", "maximum", "max_bytes", "sizes", "is_taken"),
    [
        (2, 3, 10, (5, 5), True),
        (2, 3, 10, (5, 6), False),
        (2, 3, 10, (10,), False),
        (2, 3, 10, (1, 1, 1), True),
        (2, 3, 10, (1, 1, 1, 1), False),
    ],
)
def test_a_job_takes_exactly_what_the_quotas_say(
    minimum: int, maximum: int, max_bytes: int, sizes: tuple[int, ...], *, is_taken: bool
) -> None:
    limits = BatchLimits(minimum=minimum, maximum=maximum, max_bytes=max_bytes)

    assert limits.takes(records(*sizes)) is is_taken


def test_as_many_of_the_smallest_as_fit_are_sent() -> None:
    limits = BatchLimits(minimum=2, maximum=4, max_bytes=10)

    jobs = most_that_fit(records(1, 2, 3, 4, 9), limits)

    assert sorted(record.bytes for job in jobs for record in job) == [1, 2, 3, 4]


def test_a_record_of_just_the_bytes_of_a_job_is_not_too_large() -> None:
    made = plan(records(10, 11), minimum=1, maximum=1, max_bytes=10)

    assert ([record.bytes for job in made.jobs for record in job], [record.bytes for record in made.too_large]) == (
        [10],
        [11],
    )


def test_a_minimum_that_is_the_maximum_is_legal() -> None:
    assert lengths(plan(records(1, 1, 1), minimum=3, maximum=3, max_bytes=10)) == [3]
    with pytest.raises(ValueError, match="at least 0"):
        plan([], minimum=0, maximum=3, max_bytes=10)


def test_impossible_quotas_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        plan([], minimum=5, maximum=4, max_bytes=1)


@pytest.mark.parametrize(
    ("waiting", "usd", "words"),
    [
        (
            37,
            ("1.90", "0.95"),
            NOW,
        ),
        (1, ("0.004", None), "1 record waits, 99 short of a batch: wait, add files, or run it now for less than $0.01"),
        (99, (None, None), "99 records wait, 1 short of a batch: wait, add files, or run them now"),
        (1200, ("3", "1"), "1,200 records wait, enough for a batch."),
        (0, (None, None), "No record waits."),
    ],
)
def test_the_words_say_what_is_missing_and_what_now_would_cost(
    waiting: int, usd: tuple[str | None, str | None], words: str
) -> None:
    realtime, flex = (None if one is None else Decimal(one) for one in usd)

    assert in_words(waiting, 100, realtime, flex) == words
