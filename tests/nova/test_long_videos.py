"""Videos longer than the model sees second by second: cut, asked side by side, merged with times of the source."""

from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connections

from bedrock.models import CatalogueModel
from files.models import File
from jobs.control import cancel, retry
from jobs.models import Job
from nova.kinds import ASK_NOVA
from nova.models import NovaJob, Question, RawReply
from nova.options import AnalysisRequest
from nova.questions.realtime import StopSign
from nova.questions.results import current_for
from nova.tasks import request_analysis
from tests.media import run_ffmpeg
from tests.nova.clips import cancelled_while_another_calls, make_clip, work_off
from tests.standin import world as at
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clip(aws: World, folders: Path, tmp_path: Path, settings: Any) -> File:
    """Thirty seconds, for a model that sees ten: a key frame every second."""
    settings.IMPORT_STEPS = []
    CatalogueModel.objects.filter(key="lite").update(
        sampling={"tokens_per_frame": 288, "frames_low": 10, "frames_high": 10, "floor_tokens": 2400}
    )
    file = make_clip(tmp_path / "media", duration_s=30.0)
    proxy = file.proxies.get()
    path = settings.PROXY_DIR / proxy.path
    path.unlink()
    source = ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=30")
    run_ffmpeg(*source, "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", path)
    proxy.size_bytes = path.stat().st_size
    proxy.save()
    return file


def ask(file: File) -> NovaJob:
    nova_job, _ = request_analysis(file, AnalysisRequest(model="lite", types=("chapters", "elements")))
    work_off()
    nova_job.refresh_from_db()
    return nova_job


@pytest.mark.usage_told
def test_each_piece_is_asked_once_and_times_are_those_of_the_source(aws: World, clip: File) -> None:
    meeting = Barrier(2, timeout=60)  # two calls are answered only once both are there
    aws.break_next("Converse", at.Fault(on_call=meeting.wait), times=2)
    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert aws.calls["Converse"] == 3
    assert aws.busiest > 1
    assert not aws.paid_twice()
    assert nova_job.cost_usd == aws.usd()
    starts = list(RawReply.objects.order_by("start_s").values_list("start_s", flat=True))
    assert starts == pytest.approx([0, 10, 20], abs=1.1)
    chapters = current_for(clip)["chapters"].result["chapters"]
    assert chapters[0]["start_s"] == 0
    assert [chapter["index"] for chapter in chapters] == list(range(1, len(chapters) + 1))
    assert [chapter["start_s"] for chapter in chapters] == sorted(chapter["start_s"] for chapter in chapters)
    assert max(chapter["end_s"] for chapter in chapters) > 20
    assert max(chapter["end_s"] for chapter in chapters) <= 30.5


@pytest.mark.as_the_pages_say
def test_a_piece_that_fails_is_asked_again_alone(aws: World, clip: File) -> None:
    aws.break_next("Converse", at.MODEL_TIMEOUT)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.FAILED
    assert "1 of 3 pieces failed" in nova_job.error
    assert RawReply.objects.count() == 2

    retry(Job.objects.filter(kind=ASK_NOVA).latest("pk"))
    work_off()
    nova_job.refresh_from_db()
    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert aws.calls["Converse"] == 4
    assert len(aws.bill) == 3
    assert nova_job.cost_usd == aws.usd()


def test_a_cancel_keeps_what_was_paid(aws: World, clip: File, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.NOVA_CONCURRENT_CALLS = 1
    nova_job, job = request_analysis(clip, AnalysisRequest(model="lite", types=("chapters",)))
    assert job is not None
    is_heard = Event()
    raise_it = StopSign.raise_it

    def stop() -> None:
        cancel(Job.objects.get(pk=job.pk))
        connections.close_all()

    def heard(sign: StopSign) -> None:
        raise_it(sign)
        is_heard.set()

    monkeypatch.setattr("jobs.execution.heartbeat.WRITE_EVERY_S", 0)
    monkeypatch.setattr("nova.questions.realtime.StopSign.raise_it", heard)
    aws.break_next("Converse", at.Fault(on_call=stop))
    aws.break_next("Converse", at.Fault(on_call=lambda: is_heard.wait(60)))
    work_off()

    nova_job.refresh_from_db()
    assert aws.busiest == 1
    assert nova_job.status == NovaJob.Status.CANCELLED
    assert Job.objects.get(pk=job.pk).state == Job.State.CANCELLED
    assert is_heard.is_set()
    assert 1 <= len(aws.bill) < 3
    assert RawReply.objects.count() == len(aws.bill)
    assert Question.objects.filter(state=Question.State.ANSWERED).count() == len(aws.bill)


def test_pieces_that_wait_for_their_turn_are_not_asked_after_a_cancel(aws: World, clip: File, settings: Any) -> None:
    settings.NOVA_CONCURRENT_CALLS = 1
    nova_job, job = request_analysis(clip, AnalysisRequest(model="lite", types=("chapters",)))
    assert job is not None

    cancelled_while_another_calls(job)

    nova_job.refresh_from_db()
    assert nova_job.status == NovaJob.Status.CANCELLED
    assert aws.bill == []
