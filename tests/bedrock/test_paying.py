"""One paid call, whatever happens on its way."""

import os
import signal
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from bedrock import converse, embed_api
from bedrock.errors import (
    AlreadyPaidError,
    BadRequestError,
    BedrockError,
    BusyError,
    LostAnswerError,
    MalformedAnswerError,
    OverBudgetError,
    SpoiltAnswerError,
)
from bedrock.ledger import booking, paying
from bedrock.ledger.paying import PaidReply
from bedrock.models import Entry
from bedrock.pricing import Price, Usage
from tests.bedrock.test_ledger import ask
from tests.standin import world as at
from tests.standin.world import World

pytestmark = pytest.mark.django_db
PRICE = Price(rates={"input_per_1k": Decimal("0.00033"), "output_per_1k": Decimal("0.00275")})
EMBEDDER = "amazon.nova-2-multimodal-embeddings-v1:0"
QUESTION = converse.ConverseRequest(runtime_id="us.amazon.nova-2-lite-v1:0", text="What is it?", max_tokens=100)


def call() -> PaidReply[converse.ConverseReply]:
    reply = converse.converse(QUESTION)
    return PaidReply(reply, reply.usage)


class Kept(list[Any]):
    def __call__(self, entry: Entry, reply: converse.ConverseReply) -> None:
        self.append((entry.question, reply.stop_reason))


def states() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("state", flat=True))


@pytest.mark.usage_told
def test_the_answer_is_kept_and_what_was_charged_is_booked_to_the_last_step(aws: World) -> None:
    kept = Kept()

    paying.paid(ask(price=PRICE), call, keep=kept)

    assert kept == [("q1", "end_turn")]
    assert Entry.objects.get().actual_usd == aws.usd()


def test_a_second_time_the_question_is_not_asked(aws: World) -> None:
    paying.paid(ask(price=PRICE), call, keep=Kept())

    with pytest.raises(AlreadyPaidError):
        paying.paid(ask(price=PRICE), call, keep=Kept())
    assert aws.calls["Converse"] == 1


def test_an_answer_that_is_of_no_use_was_charged_all_the_same_and_is_not_asked_for_again(aws: World) -> None:
    asked = embed_api.TextRequest(runtime_id=EMBEDDER, text="a train", dimension=1024)

    def embed() -> PaidReply[Any]:
        return PaidReply(embed_api.invoke(EMBEDDER, embed_api.body(asked), 256), Usage())

    with pytest.raises(SpoiltAnswerError, match="numbers"):
        paying.paid(ask(price=PRICE), embed, keep=Kept())

    assert states() == ["possibly_paid"]
    assert len(aws.bill) == 1


def test_a_video_that_is_gone_was_not_sent_and_costs_nothing(aws: World, tmp_path: Path) -> None:
    gone = replace(QUESTION, media_path=tmp_path / "gone.mp4")

    def call_it() -> PaidReply[converse.ConverseReply]:
        return PaidReply(converse.converse(gone), Usage())

    with pytest.raises(BadRequestError, match="cannot be read"):
        paying.paid(ask(price=PRICE), call_it, keep=Kept())

    assert states() == ["released"]


@pytest.mark.usage_told
def test_throttling_gives_the_money_back_and_leaves_the_retry_to_the_job(aws: World) -> None:
    aws.break_next("Converse", at.THROTTLED, times=5)

    for _ in range(5):
        with pytest.raises(BusyError):
            paying.paid(ask(price=PRICE), call, keep=Kept())
    paying.paid(ask(price=PRICE), call, keep=Kept())

    assert states() == ["released"] * 5 + ["settled"]
    assert booking.counted_usd(Entry.objects.first().month) == aws.usd()  # type: ignore[union-attr]


@pytest.mark.parametrize(("fault", "charged"), [(at.DROP_BEFORE, 1), (at.DROP_AFTER, 2)])
def test_a_lost_answer_is_booked_as_possibly_paid_and_asked_again_once(
    aws: World, fault: at.Fault, charged: int
) -> None:
    aws.break_next("Converse", fault)

    paying.paid(ask(price=PRICE), call, keep=Kept())

    assert states() == ["possibly_paid", "settled"]
    assert len(aws.bill) == charged
    assert booking.counted_usd(Entry.objects.earliest("id").month) >= aws.usd()


def test_an_answer_that_is_lost_twice_is_not_asked_a_third_time(aws: World) -> None:
    aws.break_next("Converse", at.DROP_AFTER, times=3)

    with pytest.raises(LostAnswerError):
        paying.paid(ask(price=PRICE), call, keep=Kept())
    with pytest.raises(AlreadyPaidError, match="lost twice"):
        paying.paid(ask(price=PRICE), call, keep=Kept())

    assert states() == ["possibly_paid"] * 2
    assert aws.calls["Converse"] == 2


def test_an_answer_that_cannot_be_kept_is_not_booked_as_settled(aws: World) -> None:
    def full(entry: Entry, reply: converse.ConverseReply) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        paying.paid(ask(price=PRICE), call, keep=full)
    assert states() == ["reserved"]

    paying.paid(ask(price=PRICE), call, keep=Kept())
    assert states() == ["possibly_paid", "settled"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("busy", [2, 9])
def test_a_database_that_is_busy_for_a_moment_loses_no_paid_answer(
    aws: World, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    monkeypatch.setattr(paying, "PAUSES_S", (0.01, 0.01))
    kept, tries = Kept(), iter(range(busy))

    def keep(entry: Entry, reply: converse.ConverseReply) -> None:
        kept(entry, reply)
        if next(tries, None) is not None:
            raise OperationalError("database is locked")

    if busy > 2:
        with pytest.raises(OperationalError):
            paying.paid(ask(price=PRICE), call, keep=keep)
        assert states() == ["reserved"]
    else:
        paying.paid(ask(price=PRICE), call, keep=keep)
        assert states() == ["settled"]
    assert (len(kept), aws.calls["Converse"]) == (3, 1)


def test_nothing_is_sent_above_the_cap(aws: World, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "0.5"
    with pytest.raises(OverBudgetError):
        paying.paid(ask(price=PRICE), call, keep=Kept())
    assert aws.calls["Converse"] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_sent", "left"), [(False, ["settled"]), (True, ["possibly_paid", "settled"])])
def test_a_worker_that_was_killed_leaves_what_its_successor_can_take_up(
    aws: World, *, is_sent: bool, left: list[str]
) -> None:
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if not child:
        entry = booking.reserve(ask(price=PRICE))
        if is_sent:
            booking.sent(entry)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    paying.paid(ask(price=PRICE), call, keep=Kept())

    assert states() == left


FORM = converse.Tool(name="t", description="d", schema={"type": "object", "properties": {"a": {"type": "string"}}})


@pytest.mark.parametrize("fault", [at.MODEL_ERROR, at.MALFORMED])
@pytest.mark.usage_told
def test_a_malformed_answer_counts_and_the_same_is_asked_once_more_in_words(aws: World, fault: at.Fault) -> None:
    """AWS does not say whether a malformed answer is charged; where it tells what was used, that is what counts."""
    with_tool = replace(QUESTION, tool=FORM)
    aws.break_next("Converse", fault)

    def asking(request: converse.ConverseRequest) -> PaidReply[converse.ConverseReply]:
        reply = converse.converse(request)
        return PaidReply(reply, reply.usage)

    words = 'Answer with one JSON object: {"type": "object", "properties": {"a": {"type": "string"}}}'
    reply = paying.paid(
        ask(price=PRICE), lambda: asking(with_tool), keep=Kept(), otherwise=lambda: asking(with_tool.in_words(words))
    )

    assert "text" in reply.raw["output"]["message"]["content"][0]
    assert states() == ["possibly_paid", "settled"]
    lost, settled = Entry.objects.order_by("id")
    assert lost.counted_usd == (aws.bill[0].usd if fault.stop else Decimal(1))
    assert settled.actual_usd == aws.bill[-1].usd


def test_an_answer_that_is_malformed_in_words_too_is_not_asked_a_third_time(aws: World) -> None:
    aws.break_next("Converse", at.MODEL_ERROR, times=3)

    with pytest.raises(MalformedAnswerError):
        paying.paid(ask(price=PRICE), call, keep=Kept(), otherwise=call)
    with pytest.raises(AlreadyPaidError, match="lost twice"):
        paying.paid(ask(price=PRICE), call, keep=Kept(), otherwise=call)

    assert aws.calls["Converse"] == 2


def test_what_a_cancel_ended_may_have_been_charged(aws: World) -> None:
    def cancelled() -> PaidReply[converse.ConverseReply]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paying.paid(ask(price=PRICE), cancelled, keep=Kept())

    assert states() == ["possibly_paid"]
    assert Entry.objects.get().note == "KeyboardInterrupt"


@pytest.mark.parametrize(
    "fault", [None, at.THROTTLED, at.MODEL_ERROR, at.MODEL_TIMEOUT, at.MALFORMED, at.DROP_BEFORE, at.DROP_AFTER, at.CUT]
)
def test_in_every_way_that_aws_may_behave_the_ledger_holds_at_least_the_bill(
    any_aws: World, fault: at.Fault | None
) -> None:
    with_tool = replace(QUESTION, tool=FORM)
    words = 'One JSON object: {"type": "object", "properties": {"a": {"type": "string"}}}'
    if fault:
        any_aws.break_next("Converse", fault)

    def asking(request: converse.ConverseRequest) -> PaidReply[converse.ConverseReply]:
        reply = converse.converse(request)
        return PaidReply(reply, reply.usage)

    with suppress(BedrockError):
        paying.paid(
            ask(price=PRICE),
            lambda: asking(with_tool),
            keep=Kept(),
            otherwise=lambda: asking(with_tool.in_words(words)),
        )

    counted = booking.counted_usd(Entry.objects.earliest("id").month)
    assert counted >= any_aws.usd()
    assert len(any_aws.bill) <= 2
    if fault is None and any_aws.ways.usage != "missing":
        assert counted == any_aws.usd()
