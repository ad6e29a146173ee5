"""Rare ways to lose an answer that was paid, or to pay for a question twice."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bedrock import catalogue, clients, conf, staging
from bedrock.errors import AccessError
from bedrock.ledger import booking
from bedrock.models import Entry
from bedrock.pricing import Usage
from files.models import File
from jobs.control import cancel_for_subject, retry
from jobs.models import Job, Notice
from nova.batch import lifecycle, pool
from nova.budget import go_on
from nova.models import BedrockBatch, NovaJob, RawReply
from nova.options import AnalysisRequest
from nova.questions import ledger_calls, preparing
from nova.tasks import request_analysis
from tests.nova.batches import ask as ask_in_batch
from tests.nova.batches import ask_for, assert_settled, go_through, lower_minimum, send, states
from tests.nova.clips import cancelled_while_another_calls, leave_of_the_cap, make_clip, work_off
from tests.pages import as_read
from tests.standin.fixtures import BUCKET
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)
LITE = AnalysisRequest(model="lite", types=("summary",))


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


@pytest.fixture
def clip(media: Path) -> File:
    return make_clip(media)


def entries() -> list[str]:
    return sorted(Entry.objects.values_list("state", flat=True))


def write_anew(file: File | None) -> File:
    """As after a scan that found other content, and a new proxy of it."""
    assert file is not None
    fresh = make_clip(file.local_path.parent, "fresh.mp4", root=file.root)
    facts = {name: getattr(fresh, name) for name in ("size_bytes", "mtime_ns", "sampled_hash")}
    fresh.local_path.replace(file.local_path)
    File.objects.filter(pk=file.pk).update(**facts, full_hash="")
    file.proxies.all().delete()
    fresh.proxies.update(file=file)
    fresh.delete()
    return File.objects.get(pk=file.pk)


class TestAtOnce:
    @pytest.mark.parametrize("was_sent", [True, False])
    def test_what_a_dead_worker_reserved_never_blocks_the_question(
        self, aws: World, clip: File, monkeypatch: pytest.MonkeyPatch, was_sent: bool
    ) -> None:
        """Its job was given up after the crash, so nobody takes the reservation up again."""

        def die(*_: Any, **__: Any) -> None:
            raise SystemExit

        nova_job, job = request_analysis(clip, LITE)
        with monkeypatch.context() as patched:
            patched.setattr("nova.questions.reply_store.keep_reply" if was_sent else "bedrock.ledger.booking.sent", die)
            with pytest.raises(SystemExit):
                work_off()
        assert job is not None
        Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED)
        NovaJob.objects.filter(pk=nova_job.pk).update(status=NovaJob.Status.FAILED)

        second = request_analysis(clip, LITE)[0]
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
            nova_job = request_analysis(clip, LITE)[0]
            work_off()
        assert states([nova_job]) == ["completed"]
        assert "s3:DeleteObject" in Notice.objects.get().text

        request_analysis(clip, LITE, force=True)
        work_off()
        assert not Notice.objects.exists()

    def test_what_the_cap_has_no_room_for_is_not_staged_in_vain(
        self, aws: World, clip: File, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It waits, and is looked at every minute: a large video would go up each time."""
        leave_of_the_cap(settings, "0.0001")
        monkeypatch.setattr("bedrock.converse.INLINE_MAX_BYTES", 10)
        monkeypatch.setattr("bedrock.staging.upload", None)

        nova_job = request_analysis(clip, LITE)[0]
        work_off()

        assert states([nova_job]) == ["submitted"]
        assert "is left" in nova_job.error

    def test_a_second_click_on_force_pays_nothing(self, aws: World, clip: File) -> None:
        request_analysis(clip, LITE)
        work_off()

        first, second = request_analysis(clip, LITE, force=True)[0], request_analysis(clip, LITE, force=True)[0]
        other = request_analysis(clip, AnalysisRequest(model="lite", types=("chapters",)), force=True)[0]
        work_off()
        later = request_analysis(clip, LITE, force=True)[0]

        assert first == second
        assert len({first.pk, other.pk, later.pk}) == 3
        assert len(aws.bill) == 3

    def test_usage_that_is_not_told_counts_as_its_worst_case_and_not_as_nothing(
        self, aws: World, clip: File, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bedrock.converse.Usage.from_bedrock", lambda _: Usage())

        nova_job = request_analysis(clip, LITE)[0]
        work_off()

        entry = Entry.objects.get()
        assert (states([nova_job]), entry.state) == (["completed"], "settled")
        assert (entry.actual_usd, entry.counted_usd) == (None, entry.reserved_usd)
        assert "did not tell" in entry.note
        assert RawReply.objects.get().cost_usd is None

    @pytest.mark.parametrize("body", [b"", b"<html>a proxy's page</html>", b"{}"])
    def test_something_that_is_no_answer_is_an_answer_that_was_lost(self, aws: World, clip: File, body: bytes) -> None:
        bodies = iter([body])

        def spoil(response_dict: dict[str, Any], **_: Any) -> None:
            response_dict["body"] = next(bodies, response_dict["body"])

        clients.runtime().meta.events.register("before-parse.bedrock-runtime.Converse", spoil)
        nova_job = request_analysis(clip, LITE)[0]
        work_off()

        assert states([nova_job]) == ["completed"]
        assert entries() == ["possibly_paid", "settled"]
        assert len(aws.bill) == 2

    def test_a_cancel_is_heard_while_it_waits_for_its_turn(self, aws: World, clip: File, settings: Any) -> None:
        settings.NOVA_CONCURRENT_CALLS = 1
        nova_job, job = request_analysis(clip, LITE)
        assert job is not None

        cancelled_while_another_calls(job)

        assert states([nova_job]) == ["cancelled"]
        assert (aws.bill, entries()) == ([], [])


class TestInABatch:
    def test_output_that_is_gone_is_not_asked_and_paid_again_by_itself(
        self, aws: World, media: Path, client: Client
    ) -> None:
        """Deleted by a rule of the bucket, or taken in before a backup came back."""
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        aws.clock.advance(minutes=40)
        lifecycle.tend_all(force=True)
        staging.delete_folder("nova-batch/out")
        work_off()
        go_through(aws)
        lifecycle.tick()
        work_off()

        batch.refresh_from_db()
        assert "nothing of it is in s3://" in batch.error
        assert states(nova_jobs) == ["submitted"] * 4
        assert entries() == ["reserved"] * 4

        client.force_login(User.objects.create_superuser("ada"))
        page = as_read(client.get(reverse("nova")))
        answer = as_read(client.post(reverse("nova-cancel", args=[batch.pk]), follow=True))
        work_off()
        assert (">Give up<" in page, ">Give up<" in answer) == (True, False)
        assert "The batch is given up." in answer
        assert states(nova_jobs) == ["cancelled"] * 4
        assert entries() == ["possibly_paid"] * 4
        assert len(aws.bill) == 4
        assert BedrockBatch.objects.get().cleared_at is not None

    def test_what_is_in_a_batch_is_waited_for_however_else_it_is_asked(self, aws: World, media: Path) -> None:
        """Its answer may take a day: asking at once neither pays twice nor gives up meanwhile."""
        nova_jobs = ask_for(media, 4)
        send()
        file = nova_jobs[0].file
        assert file is not None
        at_once = request_analysis(file, LITE)[0]
        twin = ask_in_batch(make_clip(media, "copy.mp4", root=file.root, seed="clip-000.mp4"))[0]
        go_on()
        work_off()
        pool.tell_waiting("lite")

        assert states([at_once, twin]) == ["submitted", "waiting"]
        assert "on its way in a batch" in at_once.error
        assert pool.all_waiting() == []
        assert pool.run_now([twin], "flex") == 0
        assert Job.objects.get(subject_kind="nova_job", subject_id=twin.pk).message == pool.ON_ITS_WAY

        go_through(aws)

        assert states([at_once, twin, *nova_jobs]) == ["completed"] * 6
        assert at_once.cost_usd == twin.cost_usd == 0
        assert_settled(aws)

    def test_an_answer_on_its_way_outlives_other_content_of_its_file(self, aws: World, media: Path) -> None:
        """Cancelled while it was in a batch, then its file was written anew and it was asked for once more."""
        nova_job = ask_for(media, 4)[0]
        send()
        cancel_for_subject("nova_job", nova_job.pk)
        File.objects.filter(pk=write_anew(nova_job.file).pk).update(full_hash="other")
        retry(Job.objects.filter(subject_kind="nova_job", subject_id=nova_job.pk).latest("pk"))
        work_off()
        assert states([nova_job]) == ["failed"]
        assert "still being asked about in a batch" in nova_job.error

        go_through(aws)

        assert RawReply.objects.filter(nova_job=nova_job).count() == 1
        assert entries() == ["settled"] * 4
        assert_settled(aws)

    def test_names_that_bedrock_would_not_take_are_refused_before_videos_go_up(
        self, aws: World, media: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nova_jobs = ask_for(media, 4)
        settings.NOVA_BATCH_OUTPUT_PREFIX = "my results/out"
        monkeypatch.setattr("bedrock.staging.upload", None)

        (batch,) = send()

        assert "Bedrock takes no output address like" in batch.error
        assert (states(nova_jobs), entries()) == (["waiting"] * 4, [])

    def test_a_clock_that_was_put_back_stops_no_polling(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        send()
        aws.clock.advance(minutes=40)
        BedrockBatch.objects.update(polled_at=timezone.now() + timedelta(days=400))

        lifecycle.tend_all()
        work_off()

        assert states(nova_jobs) == ["completed"] * 4

    @pytest.mark.parametrize(
        "change",
        [
            {"NOVA_BATCH_INPUT_PREFIX": "else/in", "NOVA_BATCH_OUTPUT_PREFIX": "else/out"},
            {"S3_BUCKET_NAME": "another-bucket"},
            {"BEDROCK_BATCH_ROLE_ARN": "", "NOVA_BATCH_INPUT_PREFIX": ""},
            {"AWS_REGION": "eu-north-1"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_batch_stays_where_it_was_made_whatever_the_settings_say_by_now(
        self, aws: World, media: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
    ) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        for name, value in change.items():
            setattr(settings, name, value)
        made = clients._client
        regions = set()

        def note(*of: Any) -> Any:
            regions.add(conf.region())
            return made(*of)

        monkeypatch.setattr("bedrock.clients._client", note)
        go_through(aws)

        batch.refresh_from_db()
        assert (states(nova_jobs), batch.error) == (["completed"] * 4, "")
        assert "Contents" not in aws.s3.list_objects_v2(Bucket=BUCKET)
        assert regions == {"us-east-1"}

    def test_an_entry_given_back_too_early_is_booked_after_all(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        send()
        booking.forgive(list(Entry.objects.all()), note="A person was wrong.")

        go_through(aws)

        assert states(nova_jobs) == ["completed"] * 4
        assert_settled(aws)

    @pytest.mark.usage_told
    def test_an_analysis_that_was_cancelled_shows_what_its_answer_cost(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        send()
        cancel_for_subject("nova_job", nova_jobs[0].pk)

        go_through(aws)

        assert states(nova_jobs)[0] == "cancelled"
        assert sum(nova_job.cost_usd for nova_job in nova_jobs) == aws.usd()

    @pytest.mark.usage_told
    def test_the_reservation_of_a_batch_is_not_the_price_of_realtime(self, aws: World, media: Path) -> None:
        """It left the batch at the very moment at which its record was reserved."""
        nova_job = ask_for(media, 4)[0]
        (batch,) = pool.send("lite")
        question = batch.questions.get(nova_job=nova_job)
        ask = ledger_calls.payment(question, preparing.prompt_of(question), nova_job, catalogue.model("lite"))
        pool.run_now([nova_job], "realtime")
        booking.reserve(ask)

        work_off()

        assert states([nova_job]) == ["completed"]
        assert Entry.objects.get(state="settled").actual_usd == aws.usd() == nova_job.cost_usd

    def test_other_content_is_asked_about_as_what_it_is(self, aws: World, media: Path) -> None:
        """A file was written anew, and has a new proxy, while its question waited."""
        nova_job, *others = ask_for(media, 5)
        before = nova_job.content_hash
        file = write_anew(nova_job.file)

        send()
        go_through(aws)
        told = (states([nova_job]), nova_job.error, states(others))
        retry(Job.objects.filter(subject_kind="nova_job", subject_id=nova_job.pk).latest("pk"))
        work_off()
        pool.run_now([nova_job], "flex")
        work_off()

        assert told[0] == ["failed"]
        assert "other content" in told[1]
        assert told[2] == ["completed"] * 4
        assert states([nova_job]) == ["completed"]
        file.refresh_from_db()
        assert RawReply.objects.get(nova_job=nova_job).content_hash == file.full_hash != before
        assert not aws.paid_twice()
