"""A model whose quota of a day is used up waits, and is found to answer again by one call an hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from bedrock import converse, daily_quotas, faults
from bedrock.errors import BusyError, DailyQuotaError
from bedrock.ledger import booking, paying
from bedrock.ledger.paying import PaidReply
from bedrock.models import CatalogueModel, Entry
from bedrock.speech import sonic_sdk
from tests.bedrock.test_ledger import ask
from tests.standin import world as at
from tests.standin.world import World

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_clock(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    set_clock(NOW)
    return set_clock


def call() -> PaidReply[Any]:
    reply = converse.converse(converse.ConverseRequest(runtime_id="us.amazon.nova-2-lite-v1:0", text="What?"))
    return PaidReply(reply, reply.usage)


def pay() -> object:
    return paying.paid(ask(), call, keep=lambda entry, reply: None)


def test_what_asks_it_is_refused_for_an_hour_without_a_call(aws: World, clock: Any) -> None:
    aws.break_next("Converse", at.DAY_IS_OVER)

    with pytest.raises(DailyQuotaError, match="Too many tokens per day"):
        pay()
    with pytest.raises(DailyQuotaError, match="Too many tokens per day"):
        booking.require_room(ask("other"))
    booking.require_room(ask("other", model_key="pro"))

    assert [entry.state for entry in Entry.objects.all()] == ["released"]
    clock(NOW + timedelta(hours=1))
    booking.require_room(ask("other"))


def test_one_call_finds_out_and_an_answer_lets_all_go_on(aws: World, clock: Any) -> None:
    assert daily_quotas.may_ask("lite") is None
    daily_quotas.close("lite", "enough")
    assert daily_quotas.may_ask("lite") == 0

    clock(NOW + timedelta(hours=1))
    assert daily_quotas.may_ask("lite") == 1
    pay()

    assert daily_quotas.may_ask("lite") is None
    assert CatalogueModel.objects.get(key="lite").closed_reason == ""


def test_a_model_is_named_by_its_key_or_its_id(clock: Any) -> None:
    daily_quotas.close("amazon.nova-2-sonic-v1:0", "enough")

    assert daily_quotas.may_ask("sonic_2") == 0
    daily_quotas.reopen("sonic_2")
    assert daily_quotas.may_ask("amazon.nova-2-sonic-v1:0") is None
    assert daily_quotas.may_ask("a model that nobody knows") is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Too many tokens per day, please wait before trying again.", DailyQuotaError),
        ("Too many tokens, please wait before trying again.", BusyError),
        ("Too many requests, please wait before trying again.", BusyError),
    ],
)
def test_a_quota_of_a_day_is_told_from_one_of_a_minute(message: str, expected: type[Exception]) -> None:
    from botocore.exceptions import ClientError

    error = ClientError({"Error": {"Code": "ThrottlingException", "Message": message}}, "Converse")

    assert type(faults.of_answer(error, "Asking")) is expected
    assert type(sonic_sdk.told(type("ThrottlingException", (Exception,), {})(message))) is expected
