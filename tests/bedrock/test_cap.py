"""The cap under concurrency: sixteen workers, money for ten calls, over HTTP against the stand-in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bedrock import catalogue, converse
from bedrock.errors import OverBudgetError, QuestionInFlightError
from bedrock.ledger import booking
from bedrock.models import month_of
from bedrock.pricing import Price, Range, estimate
from tests.bedrock.test_ledger import ask
from tests.standin.world import World

WORKERS = 16


@pytest.mark.django_db(transaction=True)
def test_sixteen_workers_never_pass_a_budget_for_ten_calls(aws: World, settings: Any) -> None:
    lite = catalogue.model("lite")
    price = catalogue.price(lite, "realtime")
    assert price is not None
    worst = estimate(price=price, input_tokens=Range(low=0, high=100), output_tokens=Range(low=0, high=1000)).usd_high
    assert worst is not None
    cap = worst * 10 + worst / 2
    settings.NOVA_MONTHLY_BUDGET_USD = str(cap)
    together, held = threading.Barrier(WORKERS), threading.Barrier(WORKERS)

    def work(number: int) -> str:
        try:
            return _one_call(number, price, worst, together, held, cap)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        ends = list(pool.map(work, range(WORKERS)))

    assert sorted(ends) == ["asked"] * 10 + ["refused"] * 6
    assert len(aws.bill) == 10
    assert abs(booking.counted_usd(month_of(timezone.now())) - aws.usd()) < Decimal("0.000001")
    assert booking.reserve(ask("later", str(worst))).is_open


def _one_call(
    number: int, price: Price, worst: Decimal, together: threading.Barrier, held: threading.Barrier, cap: Decimal
) -> str:
    together.wait(30)
    try:
        entry = booking.reserve(ask(f"q{number}", str(worst), price=price))
    except OverBudgetError:
        entry = None
    # Nobody settles before all have tried: settled calls make room for the next.
    held.wait(60)
    if entry is None:
        return "refused"
    booking.sent(entry)
    assert booking.counted_usd(entry.month) <= cap
    question = converse.ConverseRequest(
        runtime_id="us.amazon.nova-2-lite-v1:0", text=f"Question {number}", max_tokens=1000
    )
    booking.settle(entry, usage=converse.converse(question).usage)
    return "asked"


@pytest.mark.django_db(transaction=True)
def test_one_question_asked_by_many_at_once_is_reserved_once() -> None:
    together = threading.Barrier(8)

    def work(number: int) -> bool:
        try:
            together.wait(30)
            booking.reserve(ask("same", holder=f"job:{number}"))
        except QuestionInFlightError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 1
