"""The edges of money: a day, a step, a state further than usual."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from bedrock.errors import AlreadyPaidError, OverBudgetError, QuestionInFlightError, UnpricedError
from bedrock.ledger import booking, spend
from bedrock.models import Entry, month_of
from bedrock.pricing import (
    USD_STEP,
    Price,
    Range,
    Sampling,
    Usage,
    check_discounts,
    check_prices,
    price_of,
    text_tokens,
    token_count,
)
from tests.bedrock.test_ledger import PRICE, ask

TOKEN = Usage(input_tokens=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the calendar ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-01T00:00", date(2026, 2, 1)),
        ("2026-01-31T23:59", date(2026, 2, 1)),
        ("2026-02-28T12:00", date(2026, 3, 1)),
        ("2028-02-29T12:00", date(2028, 3, 1)),
        ("2026-03-31T12:00", date(2026, 4, 1)),
        ("2026-04-30T12:00", date(2026, 5, 1)),
        ("2026-12-31T23:59", date(2027, 1, 1)),
    ],
)
def test_the_next_month_begins_on_its_first_whatever_the_length_of_this_one(
    monkeypatch: pytest.MonkeyPatch, now: str, expected: date
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment(now))

    assert booking.next_month() == expected


def test_a_month_is_that_of_utc() -> None:
    new_year_in_tokyo = datetime.fromisoformat("2027-01-01T08:59+09:00")

    assert month_of(new_year_in_tokyo) == "2026-12"
    assert month_of(new_year_in_tokyo + timedelta(minutes=1)) == "2027-01"


@pytest.mark.django_db
def test_the_last_moment_of_a_day_belongs_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, text in enumerate(
        ["2026-11-09T23:59:59", "2026-11-10T00:00", "2026-11-10T23:59:59", "2026-11-11T00:00"]
    ):
        monkeypatch.setattr(timezone, "now", lambda text=text: moment(text))
        entry = booking.reserve(ask(f"q{number}"))
        Entry.objects.filter(pk=entry.pk).update(created_at=moment(text))

    day = date(2026, 11, 10)

    assert [row.calls for row in spend.by("day", since=day, until=day)] == [2]
    assert [row.key for row in spend.by("day", since=day)] == ["2026-11-10", "2026-11-11"]
    assert [row.key for row in spend.by("day", until=day)] == ["2026-11-09", "2026-11-10"]


# --- sums -----------------------------------------------------------------------------------------------------------


def test_a_cost_below_a_step_is_rounded_up_and_one_of_whole_steps_is_exact() -> None:
    price = Price(rates={"input_per_1k": USD_STEP * 100})

    assert price.cost(TOKEN) == USD_STEP
    assert price.cost(Usage(input_tokens=11)) == USD_STEP * 2
    assert price.cost(Usage(input_tokens=20)) == USD_STEP * 2


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(speech_input_tokens=1000), 3), (Usage(speech_output_tokens=1000), 4), (Usage(images=1), 5),
        (Usage(video_s=Decimal(1)), 6), (Usage(audio_s=Decimal("0.5")), Decimal("3.5")),
        (Usage(cache_read_tokens=1000), 8), (Usage(input_tokens=500, images=2), Decimal("10.5")),
    ],
)  # fmt: skip
def test_each_unit_has_its_own_rate(usage: Usage, usd: Decimal) -> None:
    rates = {"input_per_1k": 1, "output_per_1k": 2, "speech_input_per_1k": 3, "speech_output_per_1k": 4, "per_image": 5,
             "per_video_s": 6, "per_audio_s": 7, "cache_read_per_1k": 8}  # fmt: skip

    assert Price(rates={name: Decimal(rate) for name, rate in rates.items()}).cost(usage) == usd


def test_a_discount_halves_every_rate_and_keeps_where_it_was_read() -> None:
    half = Price(rates={"input_per_1k": Decimal(2), "per_image": Decimal(4)}, as_of="2026-09-01", source="s").times(
        Decimal("0.5")
    )

    assert half == Price(rates={"input_per_1k": Decimal(1), "per_image": Decimal(2)}, as_of="2026-09-01", source="s")


@pytest.mark.parametrize(
    ("counts", "tokens"),
    [({"a": 3}, 3), ({"a": "3"}, 3), ({"a": "3.0"}, 3), ({"a": None, "b": 2}, 2), ({"a": 0, "b": 2}, 2),
     ({"a": "many", "b": 2}, 2),
     ({"a": -1}, 0), ({"a": "many"}, 0), ({"a": float("inf")}, 0), ({"a": float("nan")}, 0), ({"a": []}, 0), ({}, 0)],
)  # fmt: skip
def test_a_count_is_read_in_every_form_that_is_one(counts: dict[str, Any], tokens: int) -> None:
    assert token_count(counts, "a", "b") == tokens


@pytest.mark.parametrize(("text", "low", "high"), [("", 0, 0), ("a", 1, 1), ("abcdef", 2, 3), ("äöü", 1, 3)])
def test_a_text_is_about_five_letters_a_token_and_at_worst_two_bytes(text: str, low: int, high: int) -> None:
    assert text_tokens(text) == Range(low=low, high=high)


def test_a_second_that_has_begun_is_a_frame() -> None:
    sampling = Sampling(frames_low=10, frames_high=20, tokens_per_frame=100, floor_tokens=150)

    assert sampling.frames(9.2) == Range(low=10, high=10)
    assert sampling.frames(10.1) == Range(low=10, high=11)
    assert sampling.frames(30) == Range(low=10, high=20)
    assert Sampling(frames_low=20, frames_high=10).frames(30) == Range(low=20, high=20)
    assert sampling.tokens(1) == Range(low=100, high=150)
    assert sampling.tokens(2) == Range(low=200, high=200)


def test_ranges_add_up_and_multiply_at_both_ends() -> None:
    assert Range(low=1, high=2) + Range(low=10, high=20) == Range(low=11, high=22)
    assert Range(low=1, high=2).times(3) == Range(low=3, high=6)
    assert Range(low=0, high=0)
    with pytest.raises(ValueError, match="not a range"):
        Range(low=-1, high=2)


def test_a_mode_without_a_price_at_the_first_place_is_looked_for_at_the_next() -> None:
    prices = {"here": {"flex": {"input_per_1k": "1"}}, "*": {"as_of": "now", "realtime": {"input_per_1k": "4"}}}

    batch = price_of(prices, places=("here", "*"), mode="batch", discounts={"batch": "0.5"})

    assert batch == Price(rates={"input_per_1k": Decimal(2)}, as_of="now")


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "ten", None])
def test_a_sum_that_is_none_is_refused_wherever_it_is_typed(text: Any) -> None:
    with pytest.raises(ValueError, match=r"no (number|sum of money)"):
        check_discounts({"batch": text})
    with pytest.raises((ValueError, TypeError)):
        check_prices({"*": {"realtime": {"input_per_1k": text}}})


def test_a_price_of_nothing_is_a_price_and_a_rate_that_is_missing_is_named() -> None:
    check_discounts({"batch": "0"})
    check_prices({"*": {"realtime": {"input_per_1k": "0"}, "as_of": "x"}})
    with pytest.raises(ValueError, match=r"\*, realtime has no output_per_1k"):
        check_prices({"*": {"realtime": {"input_per_1k": "1"}}}, needed=("input_per_1k", "output_per_1k"))


# --- the ledger's states --------------------------------------------------------------------------------------------


@pytest.fixture
def settled(db: None) -> Entry:
    entry = booking.reserve(ask())
    booking.settle(entry, usage=Usage(input_tokens=1000))
    return entry


def test_what_is_settled_can_be_neither_released_nor_lost_nor_forgiven_nor_abandoned(settled: Entry) -> None:
    booking.release(settled, note="late")
    booking.possibly_paid(settled, "late")
    booking.abandon([settled])

    assert booking.forgive([settled], note="late") == 0
    settled.refresh_from_db()
    assert (settled.state, settled.counted_usd, settled.note) == ("settled", Decimal("0.01"), "")


def test_what_was_released_can_be_neither_lost_nor_released_again(db: None) -> None:
    entry = booking.reserve(ask())
    booking.release(entry, note="throttled")
    booking.possibly_paid(entry, "late")
    booking.release(entry, note="again")

    entry.refresh_from_db()
    assert (entry.state, entry.counted_usd, entry.note) == ("released", Decimal(0), "throttled")


def test_what_was_given_back_and_was_charged_after_all_is_settled(db: None) -> None:
    entry = booking.reserve(ask())
    booking.release(entry)
    booking.settle(entry, usage=Usage(input_tokens=1000))

    assert (entry.state, entry.counted_usd) == ("settled", Decimal("0.01"))
    with pytest.raises(AlreadyPaidError):
        booking.reserve(ask())


def test_what_was_given_back_asked_again_and_was_charged_after_all_counts_beside_it(db: None) -> None:
    first = booking.reserve(ask())
    booking.release(first)
    booking.settle(booking.reserve(ask()), usage=Usage(input_tokens=1000))

    booking.settle(first, usage=Usage(input_tokens=2000))

    assert (first.state, first.counted_usd) == ("possibly_paid", Decimal("0.02"))


def test_an_answer_of_no_use_counts_by_what_it_used_where_that_is_told(db: None) -> None:
    told, untold = booking.reserve(ask("told")), booking.reserve(ask("untold"))

    booking.possibly_paid(told, "malformed", usage=Usage(input_tokens=1000))
    booking.possibly_paid(untold, "malformed")

    assert (told.counted_usd, told.note) == (Decimal("0.01"), "malformed")
    assert (untold.counted_usd, untold.actual_usd) == (Decimal(1), None)


def test_a_usage_that_is_not_told_counts_as_its_worst_case_and_of_free_work_as_nothing(db: None) -> None:
    paid, free = booking.reserve(ask("paid")), booking.reserve(ask("free", "0"))

    booking.settle_many([(paid, Usage()), (free, Usage())])

    assert (paid.actual_usd, paid.counted_usd) == (None, Decimal(1))
    assert "did not tell" in paid.note
    assert (free.actual_usd, free.counted_usd, free.note) == (Decimal(0), Decimal(0), "")


def test_a_settlement_is_at_the_price_of_now_only_where_none_was_frozen(db: None) -> None:
    entry = booking.reserve(ask(price=None))

    booking.settle(entry, usage=Usage(input_tokens=1000), price=PRICE)

    assert entry.actual_usd == Decimal("0.01")


def test_nobody_takes_up_a_reservation_without_a_holder(db: None) -> None:
    booking.reserve(ask(holder=""))

    with pytest.raises(QuestionInFlightError):
        booking.reserve(ask(holder=""))


def test_a_question_that_was_lost_once_can_be_asked_in_any_mode_and_twice_in_none(db: None) -> None:
    booking.possibly_paid(booking.reserve(ask()), "lost")
    booking.possibly_paid(booking.reserve(ask(mode="flex")), "lost")

    with pytest.raises(AlreadyPaidError, match="lost twice"):
        booking.reserve(ask(mode="batch"))


def test_a_holder_that_lost_one_and_died_in_the_next_may_not_ask_a_third_time(db: None) -> None:
    booking.possibly_paid(booking.reserve(ask()), "lost")
    booking.sent(booking.reserve(ask()))

    assert isinstance(booking.refusals([ask()])["q1"], AlreadyPaidError)
    with pytest.raises(AlreadyPaidError, match="lost twice"):
        booking.reserve(ask())


def test_a_reservation_that_was_not_sent_goes_on_though_two_were_lost(db: None) -> None:
    booking.possibly_paid(booking.reserve(ask()), "lost")
    entry = booking.reserve(ask())

    assert booking.reserve(ask()) == entry


def test_another_mode_gives_an_unsent_reservation_back_and_a_batch_that_was_sent_is_waited_for(db: None) -> None:
    unsent, in_batch = booking.reserve(ask("a", mode="batch")), booking.reserve(ask("b", mode="batch"))
    booking.sent(in_batch)

    booking.reserve(ask("a", mode="flex"))

    unsent.refresh_from_db()
    assert (unsent.state, unsent.note) == ("released", "It is asked in flex instead.")
    with pytest.raises(QuestionInFlightError, match="sent in a batch"):
        booking.reserve(ask("b", mode="flex"))


def test_a_reservation_of_the_same_size_is_taken_up_and_a_step_more_is_reserved_anew(db: None) -> None:
    entry = booking.reserve(ask(usd="1"))

    assert booking.reserve(ask(usd="1")) == entry
    assert booking.reserve(ask(usd=str(1 + USD_STEP))) != entry


def test_questions_whose_answers_are_gone_may_be_asked_and_paid_once_more(settled: Entry) -> None:
    booking.settle(booking.reserve(ask("other")), usage=TOKEN)

    booking.free_questions(["q1"])

    assert booking.already_paid(["q1", "other"]) == {"other"}
    assert booking.reserve(ask()).is_open
    assert booking.counted_usd(settled.month) > Decimal(1)


# --- the cap --------------------------------------------------------------------------------------------------------


@pytest.fixture
def passed(db: None, settings: Any) -> None:
    """The month has used more than its cap."""
    settings.NOVA_MONTHLY_BUDGET_USD = "1"
    booking.settle(booking.reserve(ask("dear")), usage=Usage(input_tokens=200_000))
    assert booking.headroom_usd() == Decimal(-1)


def test_free_work_goes_on_while_the_cap_is_passed(passed: None) -> None:
    assert booking.reserve(ask("free", "0")).is_open
    booking.require_room(ask("free too", "0"))
    assert booking.reserve_many([]) == []


def test_not_a_step_more_is_reserved_while_the_cap_is_passed(passed: None) -> None:
    for reserve in (booking.reserve, booking.require_room):
        with pytest.raises(OverBudgetError, match=r"\$0\.00 is left"):
            reserve(ask("paid", str(USD_STEP)))


def test_what_is_reserved_already_needs_no_room_and_what_another_holds_does(db: None, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "1"
    booking.reserve(ask("mine"))

    booking.require_room(ask("mine"))
    with pytest.raises(OverBudgetError):
        booking.require_room(ask("mine", holder="job:2"))


def test_the_last_step_of_the_cap_can_be_spent(db: None, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "1"
    booking.reserve(ask("first", str(1 - USD_STEP)))
    booking.reserve(ask("last", str(USD_STEP)))

    assert booking.headroom_usd() == 0
    assert spend.month().left_usd == 0


def test_one_unpriced_question_among_priced_ones_is_refused_under_a_cap(db: None, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "10"

    with pytest.raises(UnpricedError, match="lite"):
        booking.reserve_many([ask("priced"), ask("unpriced", None, price=None)])

    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "0.00"),
        ("0.00004", "0.0000"),
        ("0.0123", "0.0123"),
        ("0.99999", "1.0000"),
        ("1", "1.00"),
        ("12.346", "12.35"),
    ],
)
def test_a_sum_for_people_has_more_digits_where_it_is_small(usd: str, text: str) -> None:
    assert booking.dollars(Decimal(usd)) == text
