"""Batch mode from pool to result, over HTTP against the strict stand-in."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from bedrock import catalogue, staging
from bedrock.errors import BusyError, NotConfiguredError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from bedrock.models import CatalogueModel, Entry
from bedrock.pricing import Usage
from jobs.control import cancel, cancel_for_subject
from jobs.errors import Cancelled
from jobs.models import Job, Notice
from jobs.progress import NO_PROGRESS
from nova.batch import collecting, lifecycle, pool, sending
from nova.kinds import ASK_NOVA, BATCH_RECORD
from nova.models import AnalysisResult, BedrockBatch, NovaJob, Question, RawReply
from tests.media import make_clip as make_video
from tests.nova.batches import ask, ask_for, assert_settled, go_through, lower_minimum, send, states
from tests.nova.clips import make_clip, work_off
from tests.standin import world as at
from tests.standin.world import BatchPlan, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


def proxy_file(nova_job: NovaJob) -> Path:
    assert nova_job.file is not None
    return Path(django_settings.PROXY_DIR / nova_job.file.proxies.get().path)


class TestTheLine:
    @pytest.mark.usage_told
    def test_what_waits_is_sent_answered_and_paid_once(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 6)
        assert set(states(nova_jobs)) == {"waiting"}

        (batch,) = send()
        assert (set(states(nova_jobs)), batch.remote_status, batch.records_total) == ({"submitted"}, "Submitted", 6)
        go_through(aws)

        assert set(states(nova_jobs)) == {"completed"}
        assert AnalysisResult.objects.filter(is_current=True, type="summary").count() == 6
        assert set(Job.objects.filter(kind=BATCH_RECORD).values_list("state", flat=True)) == {"succeeded"}
        batch.refresh_from_db()
        assert (batch.remote_status, batch.records_done) == ("Completed", 6 if aws.ways.tells_counts else None)
        assert batch.collected_at
        assert batch.cleared_at
        assert sum(nova_job.cost_usd for nova_job in nova_jobs) == aws.usd()
        assert_settled(aws)

    def test_bedrocks_own_words_and_progress_are_shown_on_the_way(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = send()

        aws.clock.advance(minutes=3)
        lifecycle.tend(batch, force=True)
        assert batch.remote_status == "Scheduled"
        aws.clock.advance(minutes=10)
        lifecycle.tend(batch, force=True)

        assert batch.remote_status == "InProgress"
        assert set(states(nova_jobs)) == {"in_progress"}
        assert "InProgress" in Job.objects.filter(kind=BATCH_RECORD)[0].message

    def test_no_more_batches_are_at_aws_than_it_takes_at_a_time(self, aws: World, media: Path, settings: Any) -> None:
        settings.NOVA_BATCH_MAX_RECORDS = 4
        CatalogueModel.objects.filter(key="lite").update(account_quotas={"max_jobs": 1})
        nova_jobs = ask_for(media, 9)

        (first,) = send()
        assert send() == []
        words = pool.waiting("lite").words
        assert words.endswith("AWS has one batch of this model, as many as it takes at a time: it goes on by itself "
                              "when one of them ends.")  # fmt: skip
        with pytest.raises(BusyError, match="as many as it takes at a time"):
            send(by_hand=True)

        go_through(aws)
        (second,) = send()
        assert second.pk != first.pk
        go_through(aws)
        assert sorted(states(nova_jobs)) == ["completed"] * 8 + ["waiting"]
        assert aws.paid_twice() == []

    def test_a_file_of_records_is_no_larger_than_the_quota(self, aws: World, media: Path) -> None:
        CatalogueModel.objects.filter(key="lite").update(account_quotas={"max_file_bytes": 8000})
        aws.max_file_bytes = 8000
        nova_jobs = ask_for(media, 6)

        (batch,) = pool.send("lite")
        work = sending.Preparation(batch, *_parts())
        work.reserve()
        work.stage()
        work.write_records()
        files = [item for item in staging.listed(work.folder.prefix) if item.key.endswith(".jsonl")]
        assert len(files) > 1
        assert max(item.size_bytes for item in files) <= 7600

        work_off()
        go_through(aws)
        assert set(states(nova_jobs)) == {"completed"}

    def test_errors_missing_and_duplicate_records_are_asked_again_alone(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 12)
        aws.plan = BatchPlan(errors=2, missing=2, duplicates=3, strangers=2)
        send()
        go_through(aws)

        assert sorted(states(nova_jobs)) == ["completed"] * 8 + ["waiting"] * 4
        assert any("internal server error" in nova_job.error for nova_job in nova_jobs)
        aws.plan = BatchPlan()
        (second,) = send()
        assert second.questions.count() == 4
        go_through(aws)

        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_a_record_that_bedrock_refuses_fails_alone_with_its_words(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 5)
        proxy = proxy_file(nova_jobs[0])
        proxy.write_bytes(b"x" * proxy.stat().st_size)
        send()
        go_through(aws)

        assert states(nova_jobs) == ["failed", *["completed"] * 4]
        assert "corrupt" in nova_jobs[0].error
        assert Job.objects.get(subject_kind="nova_job", subject_id=nova_jobs[0].pk).state == "failed"
        assert_settled(aws)

    def test_after_three_batches_a_record_without_an_answer_fails(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        aws.plan = BatchPlan(missing=4)
        for _ in range(3):
            assert len(send()) == 1
            go_through(aws)

        assert set(states(nova_jobs)) == {"failed"}
        assert "After 3 batches" in nova_jobs[0].error
        assert_settled(aws)

    @pytest.mark.parametrize(("outcome", "done"), [("PartiallyCompleted", 3), ("Expired", 0)])
    def test_a_job_that_ends_early_gives_what_it_has(self, aws: World, media: Path, outcome: str, done: int) -> None:
        nova_jobs = ask_for(media, 6)
        aws.plan = BatchPlan(outcome=outcome, fraction=0.5)
        send()
        go_through(aws)
        assert states(nova_jobs).count("completed") == done

        aws.plan = BatchPlan()
        ask_for(media, 4, first=6)
        send()
        go_through(aws)

        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_a_failed_job_is_not_sent_again_by_itself(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        aws.min_records = 100  # AWS says no only when it looks into the files
        send()
        go_through(aws)

        assert set(states(nova_jobs)) == {"waiting"}
        assert "required minimum of 100" in nova_jobs[0].error
        assert send() == []
        assert "required minimum" in Notice.objects.get(key="nova-batch-lite").text
        aws.min_records = 4
        assert len(send(by_hand=True)) == 1
        go_through(aws)
        assert set(states(nova_jobs)) == {"completed"}
        assert not Notice.objects.filter(key="nova-batch-lite").exists()
        assert_settled(aws)


class TestThePool:
    def test_too_few_wait_and_are_told_what_now_would_cost(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 3)
        assert send() == []

        said = pool.waiting("lite")
        assert (said.records, said.short) == (3, 1)
        assert said.words.startswith("3 records wait, 1 short of a batch: wait, add files, or run them now for")
        assert "the same price as batch" in said.words
        assert said.words in Notice.objects.get(key="nova-batch-waits-lite").text
        assert said.words in Job.objects.get(subject_kind="nova_job", subject_id=nova_jobs[0].pk).message

    def test_run_now_asks_in_flex_at_once_and_pays_once(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 2)
        lifecycle.tick()
        assert Notice.objects.filter(key="nova-batch-waits-lite").exists()

        assert pool.run_now(nova_jobs, "flex") == 2
        assert pool.run_now(nova_jobs, "flex") == 0
        work_off()

        assert set(states(nova_jobs)) == {"completed"}
        assert {charge.tier for charge in aws.bill} == {"flex"}
        assert Job.objects.filter(kind=ASK_NOVA, state="succeeded").count() == 2
        lifecycle.tick()
        assert not Notice.objects.filter(key__startswith="nova-batch").exists()
        assert_settled(aws)

    def test_the_same_question_goes_once_and_answers_all_who_ask(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        copy = make_clip(media, "copy.mp4", seed="clip-000.mp4", root=nova_jobs[0].file.root)  # type: ignore[union-attr]
        nova_jobs += ask(copy)

        (batch,) = send()
        assert batch.questions.count() == 4
        go_through(aws)

        assert set(states(nova_jobs)) == {"completed"}
        assert nova_jobs[4].cost_usd == 0
        assert len(aws.bill) == 4
        assert ask(make_clip(media, "third.mp4", seed="clip-000.mp4", root=copy.root))[0].status == "completed"
        assert_settled(aws)

    def test_nothing_is_sent_while_more_is_being_prepared_but_by_hand(self, aws: World, media: Path) -> None:
        ask_for(media, 4)
        Job.objects.filter(kind=BATCH_RECORD).update(is_parked=False)

        assert pool.send("lite") == []
        assert len(pool.send("lite", by_hand=True)) == 1

    def test_what_is_asked_or_was_paid_elsewhere_meanwhile_leaves_the_batch(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 6)
        pool.send("lite")
        first, second, *_ = Question.objects.order_by("pk")
        facts: dict[str, Any] = {"purpose": "analysis", "model_key": "lite", "mode": "flex", "usd": None, "price": None}
        booking.reserve(ReservationRequest(question=first.key, holder="somebody else", **facts))
        paid = booking.reserve(ReservationRequest(question=second.key, holder="somebody else", **facts))
        booking.settle(paid, usage=Usage(input_tokens=0))
        work_off()
        go_through(aws)

        assert states(nova_jobs) == ["waiting", "failed", *["completed"] * 4]
        assert "paid for before" in nova_jobs[1].error
        assert send() == []
        assert_settled(aws)

    def test_two_who_send_at_once_make_one_batch(self, aws: World, media: Path) -> None:
        ask_for(media, 4)

        assert [len(pool.send("lite")) for _ in range(2)] == [1, 0]

    def test_a_giant_fails_with_the_reason(self, aws: World, media: Path, settings: Any) -> None:
        settings.NOVA_BATCH_MAX_BYTES = 100
        nova_jobs = ask_for(media, 1)
        send()

        assert states(nova_jobs) == ["failed"]
        assert "a batch job takes" in nova_jobs[0].error

    def test_long_videos_go_in_pieces_that_are_cut_where_they_are_sent(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        Question.objects.all().delete()
        for nova_job in nova_jobs:
            assert nova_job.file is not None
            proxy = proxy_file(nova_job)
            make_video(proxy, seconds=6, size="160x120", audio=False, extra=("-g", "25"))
            nova_job.file.proxies.update(size_bytes=proxy.stat().st_size)
            for index in range(2):
                nova_job.questions.create(
                    index=index,
                    start_s=index * 3.0,
                    end_s=index * 3.0 + 3,
                    key=f"{nova_job.pk}-{index}",
                    content_key=f"{nova_job.pk}-{index}",
                    types={"summary": "x"},
                )
        (batch,) = send()
        go_through(aws)

        assert batch.error == ""
        assert batch.questions.count() == 8
        assert set(states(nova_jobs)) == {"completed"}
        starts = Question.objects.filter(index=1).values_list("start_s", flat=True)
        assert all(0 < start < 6 for start in starts)
        assert not list((django_settings.DATA_DIR / "derived").rglob("pieces-*"))
        assert_settled(aws)


class TestCancelling:
    def test_an_analysis_that_waits_just_leaves(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 5)
        cancel(Job.objects.get(kind=BATCH_RECORD, subject_id=nova_jobs[0].pk))

        (batch,) = send()

        assert batch.questions.count() == 4
        assert states(nova_jobs)[0] == "cancelled"

    def test_an_analysis_that_was_sent_is_paid_for_and_its_answer_kept(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        send()
        cancel_for_subject("nova_job", nova_jobs[0].pk)
        go_through(aws)

        assert states(nova_jobs) == ["cancelled", *["completed"] * 3]
        assert RawReply.objects.count() == 4
        assert nova_jobs[0].file is not None
        assert ask(nova_jobs[0].file)[0].status == "completed"
        assert len(aws.bill) == 4
        assert_settled(aws)

    def test_leaving_while_it_is_staged_gives_the_reservation_back(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 5)
        (batch,) = pool.send("lite")
        sending.Preparation(batch, *_parts()).reserve()
        pool.cancel_question(nova_jobs[0].pk)
        work_off()
        go_through(aws)

        assert states(nova_jobs) == ["cancelled", *["completed"] * 4]
        assert Entry.objects.filter(state="released").count() == 1
        assert_settled(aws)

    def test_leaving_while_the_records_are_written_writes_them_again(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 5)
        (batch,) = pool.send("lite")
        work = sending.Preparation(batch, *_parts())
        work.reserve()
        work.stage()
        written = work.write_records()
        pool.cancel_question(nova_jobs[0].pk)

        assert work.seal(written) is False
        work_off()
        go_through(aws)

        assert states(nova_jobs) == ["cancelled", *["completed"] * 4]
        assert len(aws.bill) == 4
        assert_settled(aws)

    def test_a_cancelled_sending_waits_for_a_person(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        pool.send("lite")
        cancel(Job.objects.get(kind="send_batch"))

        assert set(states(nova_jobs)) == {"waiting"}
        assert "Sending it was cancelled. Send it again by hand." in nova_jobs[0].error
        assert send() == []
        (batch,) = pool.send("lite", by_hand=True)
        with pytest.raises(Cancelled):
            sending.send_batch(batch, progress=Impatient())
        assert send() == []
        assert set(Entry.objects.values_list("state", flat=True)) == {"released"}
        assert_settled(aws)

    @pytest.mark.as_the_pages_say
    def test_a_batch_is_stopped_and_keeps_what_was_done(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 10)
        (batch,) = send()
        aws.clock.advance(minutes=4)
        lifecycle.tend_all(force=True)
        aws.clock.advance(minutes=10)
        lifecycle.tend_all(force=True)
        lifecycle.cancel_batch(batch)
        work_off()

        found = states(nova_jobs)
        assert 0 < found.count("completed") < 10
        assert found.count("completed") + found.count("cancelled") == 10
        assert Job.objects.filter(kind=BATCH_RECORD, state="cancelled").count() == found.count("cancelled")
        assert_settled(aws)
        assert send() == []

    def test_a_batch_that_is_cancelled_just_before_the_call_is_not_made(
        self, aws: World, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = pool.send("lite")
        seal = sending.Preparation.seal

        def cancelled_then(work: sending.Preparation, written: set[str]) -> bool:
            is_sealed = seal(work, written)
            lifecycle.cancel_batch(BedrockBatch.objects.get(pk=batch.pk))
            return is_sealed

        monkeypatch.setattr("nova.batch.sending.Preparation.seal", cancelled_then)
        work_off()
        go_through(aws)

        assert states(nova_jobs) == ["cancelled"] * 4
        assert aws.jobs == {}
        assert_settled(aws)

    def test_a_batch_that_was_not_sent_yet_is_cancelled_at_once(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = pool.send("lite")
        lifecycle.cancel_batch(batch)
        work_off()

        assert set(states(nova_jobs)) == {"cancelled"}
        assert aws.jobs == {}
        assert_settled(aws)


class TestCrashes:
    def test_a_job_whose_arn_was_lost_is_adopted_and_not_made_twice(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        BedrockBatch.objects.update(arn="", submitted_at=None, remote_status="")
        Question.objects.update(attempts=0)

        assert lifecycle.adopt() == 1
        assert lifecycle.adopt() == 0
        go_through(aws)

        assert len(aws.jobs) == 1
        batch.refresh_from_db()
        assert batch.arn in aws.jobs
        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_sending_again_after_a_crash_takes_the_job_up(self, aws: World, media: Path) -> None:
        ask_for(media, 4)
        (batch,) = send()
        BedrockBatch.objects.update(arn="")
        batch.refresh_from_db()

        assert "4 records" in sending.send_batch(batch)
        assert len(aws.jobs) == 1

    def test_while_it_cannot_be_told_whether_bedrock_has_it_nothing_is_asked_again(
        self, aws: World, media: Path
    ) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        BedrockBatch.objects.update(arn="")
        aws.break_next("ListModelInvocationJobs", at.EXPIRED)
        batch.refresh_from_db()

        with pytest.raises(BusyError, match="expired"):
            sending.send_batch(batch)

        assert not Question.objects.poolable().exists()
        assert lifecycle.adopt() == 1
        go_through(aws)
        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_what_is_staged_already_is_not_uploaded_again(self, aws: World, media: Path) -> None:
        ask_for(media, 4)
        (batch,) = pool.send("lite")
        work = sending.Preparation(batch, *_parts())
        work.reserve()
        work.stage()
        for nova_job in NovaJob.objects.all():
            proxy_file(nova_job).unlink()

        work_off()
        go_through(aws)

        assert set(NovaJob.objects.values_list("status", flat=True)) == {"completed"}
        assert Entry.objects.count() == 4
        assert_settled(aws)

    def test_two_collectors_are_harmless(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        aws.clock.advance(minutes=40)
        collecting.poll(batch, force=True)
        twin = BedrockBatch.objects.get()

        assert collecting.take_output(batch, _parts()[1]) == 4
        assert collecting.collect(twin) == 0
        assert collecting.collect(batch) == 0
        lifecycle.look(nova_jobs[0])

        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_a_job_that_bedrock_forgot_is_an_error_until_it_is_given_up(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        (batch,) = send()
        aws.jobs.clear()
        lifecycle.tend_all(force=True)
        batch.refresh_from_db()
        assert "Was AWS_REGION or the account changed?" in batch.error
        assert set(states(nova_jobs)) == {"submitted"}

        lifecycle.cancel_batch(batch)
        work_off()

        assert set(states(nova_jobs)) == {"cancelled"}
        assert set(Entry.objects.values_list("state", flat=True)) == {"possibly_paid"}

    def test_an_analysis_whose_answer_came_while_it_was_parked_is_ended(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        send()
        go_through(aws)
        NovaJob.objects.filter(pk=nova_jobs[0].pk).update(status="waiting")

        pool.tidy("lite")

        assert states(nova_jobs)[0] == "completed"


class TestRefusals:
    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (at.NO_PASS_ROLE, "iam:PassRole"),
            (at.NOT_FOR_BATCH, "create a support case"),
            (at.EXPIRED, "sign in again"),
        ],
    )
    def test_aws_is_quoted_all_is_undone_and_nothing_is_tried_again_by_itself(
        self, aws: World, media: Path, fault: at.Fault, words: str
    ) -> None:
        nova_jobs = ask_for(media, 4)
        aws.break_next("CreateModelInvocationJob", fault)
        (batch,) = send()

        assert words in batch.error
        assert fault.message in batch.error
        assert set(states(nova_jobs)) == {"waiting"}
        assert words in nova_jobs[0].error
        assert set(Entry.objects.values_list("state", flat=True)) == {"released"}
        assert_settled(aws)
        calls = aws.calls["CreateModelInvocationJob"]
        lifecycle.tick()
        work_off()
        assert aws.calls["CreateModelInvocationJob"] == calls

        assert len(send(by_hand=True)) == 1
        go_through(aws)
        assert set(states(nova_jobs)) == {"completed"}

    def test_a_changed_setting_sends_again(self, aws: World, media: Path, settings: Any) -> None:
        nova_jobs = ask_for(media, 4)
        wrong, settings.BEDROCK_BATCH_ROLE_ARN = settings.BEDROCK_BATCH_ROLE_ARN, f"arn:aws:iam::{at.ACCOUNT}:role/gone"
        (batch,) = send()
        assert "Could not assume provided IAM role" in batch.error
        assert send() == []

        settings.BEDROCK_BATCH_ROLE_ARN = wrong
        send()
        go_through(aws)

        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    @pytest.mark.parametrize("name", ["BEDROCK_BATCH_ROLE_ARN", "S3_BUCKET_NAME"])
    def test_settings_that_went_missing_are_named(self, aws: World, media: Path, settings: Any, name: str) -> None:
        nova_jobs = ask_for(media, 4)
        setattr(settings, name, "")

        lifecycle.tick()

        assert set(states(nova_jobs)) == {"waiting"}
        assert f"{name} is not set" in nova_jobs[0].error
        with pytest.raises(NotConfiguredError):
            pool.send("lite", by_hand=True)

    def test_no_bucket_is_said_in_awss_words(self, aws: World, media: Path, settings: Any) -> None:
        nova_jobs = ask_for(media, 4)
        settings.S3_BUCKET_NAME = "no-such-bucket"
        (batch,) = send()

        assert "NoSuchBucket" in batch.error
        assert set(states(nova_jobs)) == {"waiting"}
        assert "NoSuchBucket" in nova_jobs[0].error
        assert set(Entry.objects.values_list("state", flat=True)) == {"released"}

    def test_a_model_past_its_end_is_refused_with_the_reason(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        CatalogueModel.objects.filter(key="lite").update(status="end_of_life")

        assert send() == []

        assert set(states(nova_jobs)) == {"waiting"}
        assert "AWS ended" in nova_jobs[0].error

    def test_a_bare_id_is_refused_with_the_remedy(self, aws: World, media: Path) -> None:
        ask_for(media, 4)
        (batch,) = pool.send("lite")
        BedrockBatch.objects.update(runtime_id="amazon.nova-2-lite-v1:0")
        work_off()

        batch.refresh_from_db()
        assert "on-demand throughput isn" in batch.error
        assert "inference profile" in batch.error

    def test_an_answer_that_is_lost_four_times_makes_no_second_job(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        aws.break_next("CreateModelInvocationJob", at.DROP_AFTER, times=4)  # as often as the client tries by itself
        send()
        go_through(aws)

        assert len(aws.jobs) == 1
        assert Job.objects.get(kind="send_batch").failures == 1
        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_a_name_that_is_in_use_is_that_of_the_job_that_was_made(self, aws: World, media: Path) -> None:
        """The first answer was lost, and the client's second try is told of a conflict: nothing is asked elsewhere."""
        nova_jobs = ask_for(media, 4)
        aws.break_next("CreateModelInvocationJob", at.DROP_AFTER)
        conflict = at.Fault(code="ConflictException", message="The provided job name is currently in use.")
        aws.break_next("CreateModelInvocationJob", conflict)
        send()
        go_through(aws)

        assert len(aws.jobs) == 1
        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_an_unpriced_model_under_a_cap_waits_for_its_price(self, aws: World, media: Path, settings: Any) -> None:
        nova_jobs = ask_for(media, 4)
        prices = CatalogueModel.objects.get(key="lite").prices
        CatalogueModel.objects.filter(key="lite").update(prices={})
        settings.NOVA_MONTHLY_BUDGET_USD = "10"
        (batch,) = send()
        assert "price" in batch.error
        assert send() == []

        CatalogueModel.objects.filter(key="lite").update(prices=prices)
        assert len(send()) == 1
        go_through(aws)
        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)

    def test_a_file_that_cannot_be_staged_fails_alone(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 6)
        proxy_file(nova_jobs[0]).unlink()
        send()
        go_through(aws)

        assert states(nova_jobs) == ["failed", *["completed"] * 5]
        assert "no proxy to send" in nova_jobs[0].error
        assert_settled(aws)

    def test_below_the_minimum_the_rest_waits_again(self, aws: World, media: Path) -> None:
        nova_jobs = ask_for(media, 4)
        proxy_file(nova_jobs[0]).unlink()
        (batch,) = send()

        assert states(nova_jobs) == ["failed", *["waiting"] * 3]
        assert "3 records were left" in batch.error
        assert Question.objects.poolable().count() == 3
        ask_for(media, 1, first=4)
        assert len(send()) == 1
        go_through(aws)
        assert states(nova_jobs) == ["failed", *["completed"] * 3]
        assert_settled(aws)


class TestTheCap:
    def test_a_batch_over_the_cap_waits_whole_and_goes_when_there_is_room(
        self, aws: World, media: Path, settings: Any
    ) -> None:
        nova_jobs = ask_for(media, 4)
        settings.NOVA_MONTHLY_BUDGET_USD = "0.001"
        (batch,) = send()

        assert set(states(nova_jobs)) == {"waiting"}
        assert "is left" in nova_jobs[0].error
        assert batch.needs_usd
        assert Entry.objects.filter(state="reserved").count() == 0
        assert "NOVA_MONTHLY_BUDGET_USD" in Notice.objects.get(key="nova-batch-lite").remedy
        assert send() == []

        settings.NOVA_MONTHLY_BUDGET_USD = "10"
        lifecycle.tick()
        work_off()
        go_through(aws)

        assert set(states(nova_jobs)) == {"completed"}
        assert_settled(aws)


class Impatient:
    """A progress that somebody cancels at once."""

    def update(self, fraction: float, message: str = "") -> None:
        self.check()

    def check(self) -> None:
        raise Cancelled("Cancelled on request.")


def _parts() -> tuple[Any, Any, str]:
    """A model, a progress and a token, for calling parts of the work."""
    return catalogue.model("lite"), NO_PROGRESS, "test"
