"""Analyses in every way that AWS's pages leave open: each is answered, and the ledger holds at least the bill."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from bedrock import staging
from bedrock.ledger.booking import counted_usd
from bedrock.models import Entry, month_of
from nova.batch import lifecycle
from nova.models import NovaJob
from nova.options import AnalysisRequest
from nova.questions.results import current_for
from nova.tasks import request_analysis
from tests.nova.batches import MINIMUM, ask_for, go_through, lower_minimum, send, states
from tests.nova.clips import make_clip, work_off
from tests.standin import batch as standin_batch
from tests.standin import world as at
from tests.standin.world import BatchPlan, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def media(any_aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(any_aws, settings)
    return tmp_path / "media"


def assert_the_ledger_holds_the_bill(aws: World) -> None:
    counted = counted_usd(month_of(timezone.now()))
    assert counted >= aws.usd()
    if aws.ways.usage != "missing":
        assert sum(entry.actual_usd or 0 for entry in Entry.objects.filter(state="settled")) <= aws.usd()


def test_an_analysis_at_once_is_answered_after_a_malformed_answer(any_aws: World, media: Path) -> None:
    clip = make_clip(media)
    any_aws.break_next("Converse", at.MODEL_ERROR)

    nova_job, _ = request_analysis(clip, AnalysisRequest(model="lite", types=("summary", "chapters")))
    work_off()

    nova_job.refresh_from_db()
    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert set(current_for(clip)) == {"summary", "chapters"}
    assert any_aws.calls["Converse"] == 2
    assert_the_ledger_holds_the_bill(any_aws)


def test_a_batch_is_taken_in_and_what_is_missing_is_sent_again(any_aws: World, media: Path, settings: Any) -> None:
    any_aws.plan = BatchPlan(errors=1, missing=1, duplicates=1, strangers=1)
    nova_jobs = ask_for(media, MINIMUM)
    (batch,) = send()
    go_through(any_aws)

    batch.refresh_from_db()
    assert batch.remote_status == "Completed", batch.error
    any_aws.plan = BatchPlan()
    lower_minimum(any_aws, settings, 1)
    send(by_hand=True)
    go_through(any_aws)

    assert states(nova_jobs) == ["completed"] * MINIMUM
    assert any_aws.paid_twice() == []
    assert_the_ledger_holds_the_bill(any_aws)
    assert [staged.key for prefix in staging.our_prefixes() for staged in staging.listed(prefix)] == []


def test_a_batch_that_was_stopped_halfway_loses_and_pays_nothing_twice(any_aws: World, media: Path) -> None:
    nova_jobs = ask_for(media, MINIMUM)
    send()
    any_aws.clock.advance(minutes=17)
    lifecycle.tend_all(force=True)
    (remote,) = any_aws.jobs.values()
    standin_batch.stop(any_aws, remote.arn)
    go_through(any_aws)
    send(by_hand=True)
    go_through(any_aws)

    assert set(states(nova_jobs)) <= {"completed", "waiting"}
    assert_the_ledger_holds_the_bill(any_aws)
