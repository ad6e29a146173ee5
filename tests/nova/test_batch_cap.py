"""A batch whose worst case is over what the month's cap has left: what fits is sent, the rest waits and is told why."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bedrock import catalogue
from bedrock.ledger.booking import counted_usd
from bedrock.models import Entry, month_of
from nova.batch import lifecycle, sending
from nova.models import Question
from nova.questions import ledger_calls, preparing
from tests.nova.batches import ask_for, assert_settled, go_through, lower_minimum, send, states
from tests.nova.clips import work_off
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


def most_usd() -> Decimal:
    """What is reserved for each of these questions."""
    question = Question.objects.filter(state="waiting").select_related("nova_job__file").first()
    assert question is not None
    ask = ledger_calls.payment(question, preparing.prompt_of(question), question.nova_job, catalogue.model("lite"))
    assert ask.usd is not None
    return ask.usd


def test_what_fits_is_sent_the_first_asked_for_first_and_the_rest_waits(
    aws: World, media: Path, settings: Any, client: Client
) -> None:
    nova_jobs = ask_for(media, 10)
    settings.NOVA_MONTHLY_BUDGET_USD = str(6 * most_usd() + most_usd() / 2)
    (batch,) = send()

    assert batch.records_total == 6
    assert states(nova_jobs) == ["submitted"] * 6 + ["waiting"] * 4
    assert "room for the 6 records that were asked for first, not for 4 more" in nova_jobs[6].error
    assert "begins on 20" in nova_jobs[6].error
    client.force_login(User.objects.create_superuser("ada"))
    assert "not for 4 more" in client.get(reverse("nova")).content.decode()

    (rest,) = send()
    assert "no room for a batch: 4 records need up to $" in rest.error
    assert "first" not in rest.error
    assert send() == []
    go_through(aws)
    settings.NOVA_MONTHLY_BUDGET_USD = "10"
    lifecycle.tick()
    work_off()
    go_through(aws)

    assert set(states(nova_jobs)) == {"completed"}
    assert len(aws.bill) == 10
    assert_settled(aws)


def test_fewer_than_a_batch_needs_go_when_the_cap_has_room_for_these(aws: World, media: Path, settings: Any) -> None:
    """Not only when it has room for all."""
    nova_jobs = ask_for(media, 10)
    usd = most_usd()
    settings.NOVA_MONTHLY_BUDGET_USD = str(3 * usd + usd / 2)
    (batch,) = send()
    assert batch.needs_usd == 4 * usd
    assert "the first 4 (a batch takes no fewer) $" in batch.error
    assert "no month has room for it" in batch.error
    assert Entry.objects.filter(state="reserved").count() == 0
    assert send() == []

    (enough,) = re.findall(r"BUDGET_USD to (\S+) or more", batch.error)
    settings.NOVA_MONTHLY_BUDGET_USD = enough
    send()

    assert states(nova_jobs)[:4] == ["submitted"] * 4
    assert counted_usd(month_of(timezone.now())) <= Decimal(settings.NOVA_MONTHLY_BUDGET_USD)


def test_an_analysis_is_sent_whole_or_not_at_all(
    aws: World, media: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova_jobs = ask_for(media, 6)
    Question.objects.filter(nova_job=nova_jobs[5]).update(nova_job=nova_jobs[4], index=1, key="another")
    settings.NOVA_MONTHLY_BUDGET_USD = str(5 * most_usd() + most_usd() / 2)
    monkeypatch.setattr("nova.questions.rekeying.rekey", lambda question, _: question)
    monkeypatch.setattr(sending, "CHUNK", 5)  # the pieces come in two parts
    (batch,) = send()

    assert batch.records_total == 4
    assert states(nova_jobs[:5]) == ["submitted"] * 4 + ["waiting"]
    assert Entry.objects.filter(state="reserved").count() == 4
