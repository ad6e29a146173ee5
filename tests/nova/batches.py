"""Batches of clips against the stand-in, for tests."""

from pathlib import Path
from typing import Any

from django.utils import timezone

from bedrock import staging
from bedrock.ledger.booking import counted_usd
from bedrock.models import month_of
from files.models import File, Root
from nova.batch import lifecycle, pool
from nova.models import BedrockBatch, NovaJob
from nova.options import AnalysisRequest
from nova.tasks import request_analysis
from tests.files.factories import make_root
from tests.nova.clips import make_clip, work_off
from tests.standin.world import World

#: Bedrock's minimum in these tests: what is said of 100 holds for 4.
MINIMUM = 4


def lower_minimum(aws: World, settings: Any, minimum: int = MINIMUM) -> None:
    """The stand-in takes small jobs, and we know it."""
    settings.NOVA_BATCH_MIN_RECORDS = aws.min_records = minimum
    settings.IMPORT_STEPS = []


def ask_for(folder: Path, count: int, *, first: int = 0, **facts: Any) -> list[NovaJob]:
    """New clips, and their analyses in batch mode, ready to be sent."""
    root = Root.objects.filter(path=str(folder)).first() or make_root(folder)
    clips = [make_clip(folder, f"clip-{number:03}.mp4", root=root) for number in range(first, first + count)]
    return ask(*clips, **facts)


def ask(*clips: File, **facts: Any) -> list[NovaJob]:
    defaults: dict[str, Any] = {"model": "lite", "types": ("summary",), "mode": "batch"}
    nova_jobs = [request_analysis(clip, AnalysisRequest(**{**defaults, **facts}))[0] for clip in clips]
    work_off()
    states(nova_jobs)
    return nova_jobs


def send(*, by_hand: bool = False) -> list[BedrockBatch]:
    """Make batches and have the workers send them."""
    batches = pool.send("lite", by_hand=by_hand)
    work_off()
    for batch in batches:
        batch.refresh_from_db()
    return batches


def go_through(aws: World) -> None:
    """Bedrock does its jobs, and the workers take the results in."""
    aws.clock.advance(minutes=40)
    lifecycle.tend_all(force=True)
    work_off()


def states(nova_jobs: list[NovaJob]) -> list[str]:
    for nova_job in nova_jobs:
        nova_job.refresh_from_db()
    return [nova_job.status for nova_job in nova_jobs]


def assert_settled(aws: World) -> None:
    """Nothing was paid twice, ledger and bill agree (or the worst case counts), and nothing is left in S3."""
    assert aws.paid_twice() == []
    counted = counted_usd(month_of(timezone.now()))
    assert counted > aws.usd() if aws.ways.usage == "missing" and aws.bill else counted == aws.usd()
    assert [one.key for prefix in staging.our_prefixes() for one in staging.listed(prefix)] == []
