"""What AWS does, what becomes of it, and what is booked: the tables of docs/aws.md, row by row."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from bedrock.errors import BedrockError
from bedrock.ledger.booking import counted_usd
from bedrock.models import CatalogueModel, Entry, month_of
from nova.batch import pool
from nova.models import NovaJob
from nova.options import AnalysisRequest
from nova.tasks import request_analysis
from tests.nova.batches import MINIMUM, ask_for, go_through, lower_minimum, send, states
from tests.nova.clips import leave_of_the_cap, make_clip, work_off
from tests.standin import world as at
from tests.standin.world import BatchPlan, Fault, Ways, World

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "aws.md"
DENIED = "bedrock:InvokeModel"


@dataclass(frozen=True, kw_only=True)
class Meets:
    """A way in which AWS fails: what is done to the stand-in, and what must be true afterwards."""

    name: str
    row: str
    does: Callable[[World, Any], object]
    ends: str
    booked: dict[str, int]
    calls: int = 1
    words: str = ""


def faults(*faults: Fault) -> Callable[[World, Any], object]:
    def break_calls(aws: World, settings: Any) -> None:
        for fault in faults:
            aws.break_next("Converse", fault)

    return break_calls


def unpriced(aws: World, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "5"
    CatalogueModel.objects.filter(key="lite").update(prices={})


OTHER_424 = Fault(code="ModelErrorException", status=424, message="The model failed.")
LEGACY = Fault(
    code="ResourceNotFoundException",
    status=404,
    message="Access denied. This Model is marked by provider as Legacy and you have not been actively using it.",
)
SETTLED, POSSIBLY, RELEASED = "settled", "possibly_paid", "released"

AT_ONCE = [
    Meets(name=fault.code, row="too many requests", does=faults(fault), ends="completed", calls=2,
          booked={RELEASED: 1, SETTLED: 1})
    for fault in (at.THROTTLED, at.NOT_READY, at.SERVER_ERROR, at.UNAVAILABLE)
] + [
    Meets(name="a day's quota", row="too many tokens per day", does=faults(at.DAY_IS_OVER), ends="in_progress",
          booked={RELEASED: 1}, words="per day"),
    Meets(name="424 ToolUse", row="the model lost itself", does=faults(at.MODEL_ERROR), ends="completed", calls=2,
          booked={POSSIBLY: 1, SETTLED: 1}),
    Meets(name="malformed_tool_use", row="the model lost itself", does=faults(at.MALFORMED), ends="completed", calls=2,
          booked={POSSIBLY: 1, SETTLED: 1}),
    Meets(name="424", row="the model failed", does=faults(OTHER_424), ends="failed", booked={POSSIBLY: 1}),
    Meets(name="408", row="the model failed", does=faults(at.MODEL_TIMEOUT), ends="failed", booked={POSSIBLY: 1},
          words="shorter video"),
    Meets(name="broken before the answer", row="a connection that broke", does=faults(at.DROP_BEFORE),
          ends="completed", calls=2, booked={POSSIBLY: 1, SETTLED: 1}),
    Meets(name="broken after the answer", row="a connection that broke", does=faults(at.DROP_AFTER),
          ends="completed", calls=2, booked={POSSIBLY: 1, SETTLED: 1}),
    Meets(name="broken twice", row="a connection that broke", does=faults(at.DROP_AFTER, at.DROP_AFTER),
          ends="failed", calls=2, booked={POSSIBLY: 2}),
    Meets(name="cut", row="an answer that was cut", does=faults(at.CUT), ends="failed", booked={SETTLED: 1}),
    Meets(name="no usage", row="an answer without usage", ends="completed", booked={SETTLED: 1},
          does=lambda aws, settings: setattr(aws, "ways", Ways(usage="missing"))),
    Meets(name="expired", row="credentials that have run out", does=faults(at.EXPIRED), ends="failed",
          booked={RELEASED: 1}, words="aws sso login"),
    Meets(name="denied", row="credentials that have run out", does=lambda aws, settings: aws.denied.add(DENIED),
          ends="failed", booked={RELEASED: 1}, words="docs/aws.md"),
    Meets(name="not allowed", row="credentials that have run out", does=faults(at.NO_MODEL_ACCESS), ends="failed",
          booked={RELEASED: 1}, words="AWS Support"),
    Meets(name="legacy", row="credentials that have run out", does=faults(LEGACY), ends="failed",
          booked={RELEASED: 1}, words="15 days"),
    Meets(name="unpriced", row="a price that is not known", does=unpriced, ends="failed", booked={}, calls=0,
          words="price"),
    Meets(name="no room", row="a cap without room", ends="submitted", booked={SETTLED: 1}, calls=0,
          does=lambda aws, settings: leave_of_the_cap(settings, "0.001"), words="left"),
]  # fmt: skip


def rows_of(table: str) -> list[str]:
    """The first cells of the table that begins so."""
    lines = PAGE.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"| {table}"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(re.split(r"\s*\|\s*", line.strip("| "))[0])
    return rows


def booked() -> Counter[str]:
    return Counter(Entry.objects.values_list("state", flat=True))


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


@pytest.mark.parametrize("meets", AT_ONCE, ids=lambda meets: meets.name)
def test_a_call_at_once(aws: World, media: Path, settings: Any, meets: Meets) -> None:
    clip = make_clip(media)
    nova_job, _ = request_analysis(clip, AnalysisRequest(model="lite", types=("summary",)))
    meets.does(aws, settings)

    work_off()

    nova_job.refresh_from_db()
    assert nova_job.status == meets.ends, nova_job.error
    assert meets.words in nova_job.error
    assert aws.calls["Converse"] == meets.calls
    assert booked() == Counter(meets.booked)
    assert counted_usd(month_of(timezone.now())) >= aws.usd()


@pytest.mark.parametrize(
    "forbid",
    [
        lambda monkeypatch, settings: monkeypatch.setattr("nova.tasks.credentials_fault", lambda: "There are none."),
        lambda monkeypatch, settings: CatalogueModel.objects.filter(key="lite").update(status="end_of_life"),
        lambda monkeypatch, settings: CatalogueModel.objects.filter(key="lite").update(offers={"us-east-1": []}),
    ],
    ids=["no credentials", "past its end", "not in the region"],
)
def test_what_cannot_be_asked_is_refused_before(
    aws: World, media: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, forbid: Callable[[Any, Any], object]
) -> None:
    clip = make_clip(media)
    forbid(monkeypatch, settings)

    with pytest.raises(BedrockError):
        request_analysis(clip, AnalysisRequest(model="lite", types=("summary",)))

    assert (NovaJob.objects.count(), aws.calls["Converse"], booked()) == (0, 0, Counter())


@pytest.mark.parametrize("fault", [at.NO_PASS_ROLE, at.NOT_FOR_BATCH], ids=["PassRole", "not enabled"])
def test_a_batch_that_aws_will_not_make(aws: World, media: Path, fault: Fault) -> None:
    nova_jobs = ask_for(media, MINIMUM)
    aws.break_next("CreateModelInvocationJob", fault)

    send()
    pool.send("lite")

    assert set(states(nova_jobs)) == {"waiting"}
    assert aws.calls["CreateModelInvocationJob"] == 1
    assert booked() == {RELEASED: MINIMUM}


def test_as_many_jobs_as_aws_takes(aws: World, media: Path) -> None:
    CatalogueModel.objects.filter(key="lite").update(account_quotas={"max_jobs": 0})
    nova_jobs = ask_for(media, MINIMUM)

    assert send() == []

    assert set(states(nova_jobs)) == {"waiting"}
    assert booked() == {}


def test_an_answer_to_create_that_never_came(aws: World, media: Path) -> None:
    nova_jobs = ask_for(media, MINIMUM)
    aws.break_next("CreateModelInvocationJob", at.DROP_AFTER, times=4)

    send()
    assert booked() == {"reserved": MINIMUM}
    go_through(aws)

    assert (len(aws.jobs), set(states(nova_jobs))) == (1, {"completed"})
    assert booked() == {SETTLED: MINIMUM}


@pytest.mark.parametrize("ways", [Ways(), Ways(refuses_siblings=True)], ids=["failed", "files beside the records"])
def test_a_job_that_failed_as_a_whole(aws: World, media: Path, ways: Ways) -> None:
    aws.ways, aws.plan = ways, BatchPlan(outcome="Failed")
    nova_jobs = ask_for(media, MINIMUM)
    send()

    go_through(aws)
    pool.send("lite")

    assert set(states(nova_jobs)) == {"waiting"}
    assert aws.calls["CreateModelInvocationJob"] == 1
    assert booked() == {RELEASED: MINIMUM}
    assert counted_usd(month_of(timezone.now())) == 0


@pytest.mark.parametrize("outcome", ["Stopped", "PartiallyCompleted", "Expired"])
def test_a_job_that_ended_early(aws: World, media: Path, outcome: str) -> None:
    aws.plan = BatchPlan(outcome=outcome, fraction=0.5)
    nova_jobs = ask_for(media, MINIMUM)
    send()

    go_through(aws)

    done = len(aws.bill)
    assert Counter(states(nova_jobs)) == Counter({"completed": done, "waiting": MINIMUM - done})
    assert booked() == Counter({SETTLED: done, RELEASED: MINIMUM - done})
    assert counted_usd(month_of(timezone.now())) == aws.usd()


def test_records_without_an_answer_cost_nothing_and_go_again(aws: World, media: Path) -> None:
    aws.plan = BatchPlan(errors=1, missing=1)
    nova_jobs = ask_for(media, MINIMUM)
    send()

    go_through(aws)

    assert Counter(states(nova_jobs)) == {"completed": 2, "waiting": 2}
    assert booked() == {SETTLED: 2, RELEASED: 2}


def test_every_row_of_a_call_at_once_is_held_by_a_test() -> None:
    held = {meets.row for meets in AT_ONCE} | {"no credentials, a model past its end"}
    rows = rows_of("a call at once")

    assert len(rows) == 11
    assert [row for row in rows if not row.startswith(tuple(held))] == []


def test_the_table_of_batches_has_its_rows() -> None:
    assert len(rows_of("a batch meets")) == 7
