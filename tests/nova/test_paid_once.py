"""Rare ways to lose an answer that was paid, or to pay for a question twice."""

from pathlib import Path
from typing import Any

import pytest

from bedrock import staging
from bedrock.errors import AccessError
from bedrock.models import Entry
from files.models import File
from jobs.models import Job, Notice
from nova import batching
from nova.models import BedrockBatch, NovaJob
from nova.options import Wanted
from nova.tasks import request
from tests.nova.batches import ask_for, go_through, lower_minimum, send, states
from tests.nova.clips import cancelled_while_another_calls, make_clip, work_off
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)
LITE = Wanted(model="lite", types=("summary",))


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


@pytest.fixture
def clip(media: Path) -> File:
    return make_clip(media)


def entries() -> list[str]:
    return sorted(Entry.objects.values_list("state", flat=True))


class TestAtOnce:
    @pytest.mark.parametrize("was_sent", [True, False])
    def test_what_a_dead_worker_reserved_never_blocks_the_question(
        self, aws: World, clip: File, monkeypatch: pytest.MonkeyPatch, was_sent: bool
    ) -> None:
        """Its job was given up after the crash, so nobody takes the reservation up again."""

        def die(*_: Any, **__: Any) -> None:
            raise SystemExit

        nova_job, job = request(clip, LITE)
        with monkeypatch.context() as patched:
            patched.setattr("nova.answers.keep_reply" if was_sent else "bedrock.ledger.sent", die)
            with pytest.raises(SystemExit):
                work_off()
        assert job is not None
        Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED)
        NovaJob.objects.filter(pk=nova_job.pk).update(status=NovaJob.Status.FAILED)

        second = request(clip, LITE)[0]
        work_off()

        assert states([second]) == ["completed"]
        assert entries() == ["possibly_paid" if was_sent else "released", "settled"]

    def test_an_answer_outlives_a_staged_copy_that_may_not_be_deleted(
        self, aws: World, clip: File, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: Any) -> int:
            raise AccessError("s3:DeleteObject is not allowed.", remedy="Allow it.")

        monkeypatch.setattr("bedrock.converse.INLINE_MAX_BYTES", 10)
        with monkeypatch.context() as patched:
            patched.setattr("bedrock.staging.delete", refuse)
            nova_job = request(clip, LITE)[0]
            work_off()
        assert states([nova_job]) == ["completed"]
        assert "s3:DeleteObject" in Notice.objects.get().text

        request(clip, LITE, force=True)
        work_off()
        assert not Notice.objects.exists()

    def test_a_second_click_on_force_pays_nothing(self, aws: World, clip: File) -> None:
        request(clip, LITE)
        work_off()

        first, second = request(clip, LITE, force=True)[0], request(clip, LITE, force=True)[0]
        other = request(clip, Wanted(model="lite", types=("chapters",)), force=True)[0]
        work_off()
        later = request(clip, LITE, force=True)[0]

        assert first == second
        assert len({first.pk, other.pk, later.pk}) == 3
        assert len(aws.bill) == 3

    def test_a_cancel_is_heard_while_it_waits_for_its_turn(self, aws: World, clip: File, settings: Any) -> None:
        settings.NOVA_CONCURRENT_CALLS = 1
        nova_job, job = request(clip, LITE)
        assert job is not None

        cancelled_while_another_calls(job)

        assert states([nova_job]) == ["cancelled"]
        assert (aws.bill, entries()) == ([], [])


class TestInABatch:
    def test_output_that_is_gone_is_not_asked_and_paid_again_by_itself(self, aws: World, media: Path) -> None:
        """Deleted by a rule of the bucket, or taken in before a backup came back."""
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        aws.clock.advance(minutes=40)
        batching.tend_all(force=True)
        staging.delete_folder("nova-batch/out")
        work_off()
        go_through(aws)
        batching.tick()
        work_off()

        batch.refresh_from_db()
        assert "nothing of it is in s3://" in batch.error
        assert states(nova_jobs) == ["submitted"] * 4
        assert entries() == ["reserved"] * 4

        batching.cancel_batch(batch)
        work_off()
        assert states(nova_jobs) == ["cancelled"] * 4
        assert entries() == ["possibly_paid"] * 4
        assert len(aws.bill) == 4
        assert BedrockBatch.objects.get().cleared_at is not None
