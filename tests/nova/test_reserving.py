"""Which records of a batch the month's cap has room for: whole analyses, the first ones, to the last cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.batch.reserving import RecordCost, count_that_fit, total


def costs(*analyses: str) -> list[RecordCost]:
    """An analysis for each text: its records' dollars, separated by spaces."""
    records = [(number, usd) for number, text in enumerate(analyses, 1) for usd in text.split()]
    return [RecordCost(pk=pk, nova_job=nova_job, usd=Decimal(usd)) for pk, (nova_job, usd) in enumerate(records, 1)]


@pytest.mark.parametrize(
    ("analyses", "left", "count"),
    [
        (("1", "1", "1"), "2", 2),
        (("1", "1", "1"), "1.99", 1),
        (("1", "1", "1"), "2.01", 2),
        (("1", "1", "1"), "0.99", 0),
        (("1", "1", "1"), "-1", 0),
        (("1 1", "1"), "1.5", 0),
        (("1", "1 1", "1"), "3", 3),
        (("1", "1 1", "1"), "2.99", 1),
        (("0", "0", "1"), "0", 2),
        ((), "5", 0),
    ],
)
def test_whole_analyses_are_taken_until_nothing_is_left(analyses: tuple[str, ...], left: str, count: int) -> None:
    assert count_that_fit(costs(*analyses), Decimal(left)) == count


def test_what_was_refused_together_is_never_tried_together_again() -> None:
    assert count_that_fit(costs("1", "1"), Decimal(100)) == 1
    assert count_that_fit(costs("1"), Decimal(100)) == 0


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=8), st.integers(-3, 60))
def test_what_is_taken_fits_and_ends_between_two_analyses(analyses: list[list[int]], left: int) -> None:
    records = costs(*(" ".join(map(str, usd)) for usd in analyses))

    count = count_that_fit(records, Decimal(left))

    assert total(records[:count]) <= max(left, 0)
    assert count == 0 or count < len(records)
    if count > 0:
        assert records[count - 1].nova_job != records[count].nova_job
