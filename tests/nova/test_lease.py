"""A worker that lost its lease leaves everything to the one that has it now: nobody asked for an end."""

from pathlib import Path
from typing import Any

import pytest

from jobs.errors import LeaseLost
from jobs.work import Work
from nova import tasks
from nova.batch import pool, sending
from nova.models import NovaJob
from nova.options import AnalysisRequest
from nova.tasks import request_analysis, request_local
from tests.nova.batches import ask_for, assert_settled, go_through, lower_minimum, states
from tests.nova.clips import make_clip, work_off
from tests.nova.test_analyze import make_two_scenes
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)


class Lost:
    """The progress of a job that somebody else does by now."""

    def update(self, fraction: float, message: str = "") -> None:
        self.check()

    def check(self) -> None:
        raise LeaseLost("Somebody else does this job, or ended it.")


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


@pytest.mark.parametrize("model", ["lite", "local"])
def test_the_analysis_goes_on_at_the_other_worker(aws: World, media: Path, settings: Any, model: str) -> None:
    clip = make_clip(media)
    if model == "lite":
        nova_job, job = request_analysis(clip, AnalysisRequest(model="lite", types=("summary",)))
        run = tasks.run_ask
    else:
        make_two_scenes(settings.PROXY_DIR / clip.proxies.get().path)
        nova_job, job = request_local(clip)
        run = tasks.run_analyze
    assert job is not None

    with pytest.raises(LeaseLost):
        run(Work(job_id=job.pk, attempt=1, subject_id=nova_job.pk, options={}, progress=Lost()))

    assert states([nova_job])[0] in NovaJob.OPEN
    work_off()
    assert states([nova_job]) == ["completed"]


def test_the_batch_is_sent_by_the_other_worker(aws: World, media: Path) -> None:
    nova_jobs = ask_for(media, 4)
    (batch,) = pool.send("lite")

    with pytest.raises(LeaseLost):
        sending.send_batch(batch, progress=Lost())

    work_off()
    batch.refresh_from_db()
    assert (batch.error, batch.ended_at, bool(batch.arn)) == ("", None, True)
    go_through(aws)
    assert states(nova_jobs) == ["completed"] * 4
    assert_settled(aws)
