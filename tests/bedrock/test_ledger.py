"""Reservations and settlements."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bedrock.errors import AlreadyPaidError, OverBudgetError, QuestionInFlightError, UnpricedError
from bedrock.ledger import booking, spend
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import Entry
from bedrock.pricing import Price, Usage

PRICE = Price(rates={"input_per_1k": Decimal("0.01"), "output_per_1k": Decimal("0.02")}, as_of="2026-09-01")


def ask(question: str = "q1", usd: str | None = "1", **facts: Any) -> ReservationRequest:
    worst = None if usd is None else Decimal(usd)
    defaults = {"purpose": "analysis", "model_key": "lite", "mode": "realtime", "price": PRICE, "holder": "job:1"}
    return ReservationRequest(question=question, usd=worst, **{**defaults, **facts})


@pytest.fixture
def cap(settings: Any) -> Any:
    def set_cap(usd: str) -> None:
        settings.NOVA_MONTHLY_BUDGET_USD = usd

    return set_cap


@pytest.mark.django_db
class TestOneQuestion:
    def test_reserves_the_worst_case_and_settles_what_was_used(self) -> None:
        entry = booking.reserve(ask())
        booking.sent(entry)
        booking.settle(entry, usage=Usage(input_tokens=1500, output_tokens=100))

        row = Entry.objects.get()
        assert (row.state, row.reserved_usd, row.actual_usd) == ("settled", Decimal(1), Decimal("0.017"))
        assert row.counted_usd == row.actual_usd == entry.actual_usd
        assert row.usage == {"input_tokens": 1500, "output_tokens": 100}
        assert row.sent_at
        assert row.ended_at

    def test_the_price_of_the_reservation_holds_at_settlement(self) -> None:
        entry = booking.reserve(ask())

        booking.settle(entry, usage=Usage(input_tokens=1000), price=PRICE.times(Decimal(100)))

        assert entry.actual_usd == Decimal("0.01")

    def test_a_question_that_was_paid_for_is_never_asked_again(self) -> None:
        booking.settle(booking.reserve(ask()), usage=Usage(input_tokens=1))

        with pytest.raises(AlreadyPaidError):
            booking.reserve(ask(holder="job:2"))
        assert booking.answered("q1") == Entry.objects.get()
        assert booking.answered("q2") is None
        assert booking.already_paid(["q1", "q2"]) == {"q1"}

    def test_two_askers_of_one_question_do_not_both_pay(self) -> None:
        booking.reserve(ask())

        with pytest.raises(QuestionInFlightError) as caught:
            booking.reserve(ask(holder="job:2"))
        assert caught.value.retryable

    def test_a_second_settlement_and_a_late_release_change_nothing(self) -> None:
        entry = booking.reserve(ask())
        booking.settle(entry, usage=Usage(input_tokens=1000))
        booking.settle(entry, usage=Usage(input_tokens=9000))
        booking.release(entry)

        assert Entry.objects.get().actual_usd == Decimal("0.01")

    def test_a_refused_call_gives_its_reservation_back(self) -> None:
        entry = booking.reserve(ask())
        booking.release(entry, note="throttled")

        assert booking.counted_usd(entry.month) == 0
        assert booking.reserve(ask(holder="job:2")).pk != entry.pk

    def test_what_would_be_refused_is_told_beforehand_and_changes_nothing(self) -> None:
        booking.settle(booking.reserve(ask("paid")), usage=Usage(input_tokens=1))
        booking.reserve(ask("busy", holder="job:2"))
        booking.sent(booking.reserve(ask("mine")))
        for _ in range(2):
            booking.possibly_paid(booking.reserve(ask("lost")), "no answer")

        refused = booking.refusals([ask("paid"), ask("busy"), ask("mine"), ask("lost"), ask("new")])

        kinds = {question: type(reason) for question, reason in refused.items()}
        assert kinds == {"paid": AlreadyPaidError, "busy": QuestionInFlightError, "lost": AlreadyPaidError}
        assert Entry.objects.filter(question="mine", state="reserved").count() == 1

    def test_an_answer_that_was_lost_counts_in_full_and_is_asked_again_once(self) -> None:
        first = booking.reserve(ask())
        booking.possibly_paid(first, "the connection dropped")
        second = booking.reserve(ask())
        assert booking.counted_usd(first.month) == Decimal(2)

        booking.possibly_paid(second, "again")

        with pytest.raises(AlreadyPaidError, match="lost twice"):
            booking.reserve(ask())

    def test_a_lost_answer_that_comes_late_is_settled(self) -> None:
        entry = booking.reserve(ask())
        booking.possibly_paid(entry, "too slow")
        booking.settle(entry, usage=Usage(input_tokens=1000))

        assert (entry.state, entry.counted_usd) == ("settled", Decimal("0.01"))

    def test_a_lost_answer_that_comes_after_it_was_asked_again_counts_beside_it(self) -> None:
        first = booking.reserve(ask())
        booking.possibly_paid(first, "too slow")
        second = booking.reserve(ask())
        booking.settle(first, usage=Usage(input_tokens=1000))
        booking.settle(second, usage=Usage(input_tokens=1000))

        assert (first.state, first.actual_usd) == ("possibly_paid", Decimal("0.01"))
        assert booking.counted_usd(first.month) == Decimal("0.02")

    def test_a_holder_that_died_before_its_call_goes_on_with_its_reservation(self) -> None:
        assert booking.reserve(ask()).pk == booking.reserve(ask()).pk

    def test_a_holder_that_died_after_its_call_may_have_paid(self) -> None:
        first = booking.reserve(ask())
        booking.sent(first)
        second = booking.reserve(ask())

        assert Entry.objects.get(pk=first.pk).state == "possibly_paid"
        assert second.pk != first.pk

    def test_a_record_that_was_sent_in_a_batch_is_waited_for(self) -> None:
        first = booking.reserve(ask(mode="batch"))
        booking.sent(first)

        assert booking.reserve(ask(mode="batch")).pk == first.pk
        assert Entry.objects.get().state == "reserved"

    def test_many_are_reserved_and_settled_with_few_statements(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(13):
            entries = booking.reserve_many([ask(f"q{n}", "0.01", mode="batch") for n in range(200)])
        with django_assert_max_num_queries(8):
            booking.settle_many([(entry, Usage(input_tokens=100)) for entry in entries])

        assert [entry.question for entry in entries] == [f"q{n}" for n in range(200)]
        assert booking.counted_usd(entries[0].month) == Decimal("0.2")

    def test_the_same_question_twice_in_one_plan_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="twice"):
            booking.reserve_many([ask(), ask()])

    def test_a_reservation_from_before_a_crash_grows_with_its_question(self) -> None:
        """A transcript came meanwhile: the prompt is longer, and its worst case higher."""
        before = booking.reserve(ask(usd="1", holder="one"))
        same = booking.reserve(ask(usd="0.5", holder="one"))
        more = booking.reserve(ask(usd="2", holder="one"))

        before.refresh_from_db()
        assert same == before != more
        assert (before.state, more.reserved_usd, booking.counted_usd(more.month)) == (
            "released",
            Decimal(2),
            Decimal(2),
        )

    def test_usage_that_nobody_can_price_goes_on_counting_as_its_worst_case(self) -> None:
        entry = booking.reserve(ask())
        booking.settle(entry, usage=Usage(images=3))

        assert (entry.actual_usd, entry.counted_usd) == (None, Decimal(1))
        assert "per image" in entry.note


@pytest.mark.django_db
class TestTheCap:
    def test_the_call_that_would_pass_the_cap_is_refused_in_plain_words(self, cap: Any) -> None:
        cap("10")
        for n in range(10):
            booking.reserve(ask(f"q{n}"))

        with pytest.raises(OverBudgetError, match=r"up to \$1\.00.*month's \$10\.00.*\$0\.00 is left"):
            booking.reserve(ask("q10"))
        assert booking.headroom_usd() == 0

    def test_work_resumes_when_the_cap_or_the_month_changes(self, cap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        cap("1")
        booking.reserve(ask("q1"))
        with pytest.raises(OverBudgetError):
            booking.reserve(ask("q2"))

        cap("2")
        booking.reserve(ask("q2"))
        with pytest.raises(OverBudgetError):
            booking.reserve(ask("q3"))
        monkeypatch.setattr(timezone, "now", lambda: datetime(2099, 1, 1, tzinfo=UTC))
        assert booking.reserve(ask("q3")).month == "2099-01"

    def test_the_month_is_utc_by_the_moment_of_reservation(self, cap: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        cap("5")
        monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
        entry = booking.reserve(ask())
        monkeypatch.setattr(timezone, "now", lambda: datetime(2027, 1, 1, 0, 1, tzinfo=UTC))
        booking.settle(entry, usage=Usage(input_tokens=1000))

        assert booking.counted_usd("2026-12") == Decimal("0.01")
        assert booking.headroom_usd() == 5

    def test_usage_above_its_reservation_is_booked_and_blocks_the_next_call(self, cap: Any) -> None:
        cap("1")
        entry = booking.reserve(ask(usd="0.5"))
        booking.settle(entry, usage=Usage(input_tokens=200_000))

        assert booking.headroom_usd() == -1
        with pytest.raises(OverBudgetError):
            booking.reserve(ask("q2", "0.0001"))

    def test_free_work_goes_on_below_an_empty_cap(self, cap: Any) -> None:
        cap("0")
        booking.reserve(ask("free", "0"))
        with pytest.raises(OverBudgetError):
            booking.reserve(ask("paid", "0.000001"))

    def test_an_unpriced_model_is_refused_under_a_cap_and_shown_as_unpriced_without(self, cap: Any) -> None:
        cap("100")
        with pytest.raises(UnpricedError):
            booking.reserve(ask(usd=None, price=None))

        cap("")
        entry = booking.reserve(ask(usd=None, price=None))
        booking.settle(entry, usage=Usage(input_tokens=5))
        assert entry.actual_usd is None
        assert spend.month().unpriced_calls == 1
        assert booking.headroom_usd() is None

    def test_a_plan_is_reserved_whole_or_not_at_all(self, cap: Any) -> None:
        cap("2")
        with pytest.raises(OverBudgetError):
            booking.reserve_many([ask(f"q{n}") for n in range(3)])

        assert not Entry.objects.exists()


class TestArithmetic(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.decimals("0", "0.5", places=9), st.integers(1, 20_000), st.sampled_from(["settle", "lose", "free"])
            ),
            max_size=12,
        )
    )
    def test_what_counts_is_the_exact_sum_and_never_above_the_cap_at_a_call(
        self, calls: list[tuple[Decimal, int, str]]
    ) -> None:
        expected = Decimal(0)
        with self.settings(NOVA_MONTHLY_BUDGET_USD="1.5"):
            for n, (worst, tokens, end) in enumerate(calls):
                try:
                    entry = booking.reserve(ask(f"q{n}", str(worst)))
                except OverBudgetError:
                    assert expected + worst > Decimal("1.5")
                    continue
                assert expected + worst <= Decimal("1.5") or not worst
                if end == "settle":
                    booking.settle(entry, usage=Usage(input_tokens=tokens))
                    expected += PRICE.cost(Usage(input_tokens=tokens))
                elif end == "lose":
                    booking.possibly_paid(entry, "lost")
                    expected += worst
                else:
                    booking.release(entry)
                assert booking.counted_usd(entry.month) == expected
        assert spend.month().spent_usd + spend.month().possibly_paid_usd == expected


@pytest.mark.django_db
class TestSpend:
    @pytest.fixture(autouse=True)
    def entries(self) -> None:
        for n, (model, mode, tokens) in enumerate(
            [("lite", "flex", 1000), ("lite", "batch", 3000), ("pro", "flex", 9000)]
        ):
            entry = booking.reserve(
                ask(f"q{n}", model_key=model, mode=mode, analysis_type="summary", file_name="a.mp4")
            )
            booking.settle(entry, usage=Usage(input_tokens=tokens))
        booking.possibly_paid(booking.reserve(ask("lost", model_key="pro")), "no answer")
        booking.release(booking.reserve(ask("refused")))
        booking.reserve(ask("open", "0.25"))

    def test_by_model_the_dearest_first_with_estimate_beside_actual(self) -> None:
        rows = spend.by("model")

        assert [(row.key, row.calls, row.spent_usd, row.estimated_usd) for row in rows] == [
            ("pro", 2, Decimal("0.09"), Decimal(1)),
            ("lite", 3, Decimal("0.04"), Decimal(2)),
        ]
        assert (rows[0].possibly_paid_usd, rows[1].reserved_usd) == (Decimal(1), Decimal("0.25"))
        assert [row.model_id for row in rows] == ["amazon.nova-pro-v1:0", "amazon.nova-2-lite-v1:0"]
        assert {row.model_id for row in spend.by("mode")} == {""}

    def test_by_each_dimension_the_sum_is_the_same(self) -> None:
        for dimension in spend.DIMENSIONS:
            assert sum(row.spent_usd for row in spend.by(dimension)) == Decimal("0.13")

    def test_days_are_counted_in_utc_and_both_ends_included(self) -> None:
        today = timezone.now().date()

        assert [row.key for row in spend.by("day", since=today, until=today)] == [today.isoformat()]
        assert spend.by("day", since=datetime(2099, 1, 1, tzinfo=UTC).date()) == []

    def test_the_api_answers_with_a_table_and_the_month(self, client: Client, cap: Any) -> None:
        cap("5")
        client.force_login(User.objects.create_superuser("root"))

        answer = client.get("/api/spend?by=mode").json()

        assert answer["rows"][0]["spent_usd"] == "0.100000"
        assert answer["month"]["cap_usd"] == "5.000000"
        assert answer["month"]["left_usd"] == "3.620000"
        assert client.get("/api/spend?by=colour").status_code == 400
        assert client.get("/api/spend?since=yesterday").status_code == 400


@pytest.mark.parametrize("text", ["ten", "nan", "-1", "inf"])
def test_a_cap_that_cannot_be_read_is_an_error_and_not_no_cap(text: str, settings: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    settings.NOVA_MONTHLY_BUDGET_USD = text
    with pytest.raises(ImproperlyConfigured, match="NOVA_MONTHLY_BUDGET_USD"):
        booking.headroom_usd()
