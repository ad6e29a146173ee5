"""Nova at once and in flex, over HTTP against the strict stand-in: every answer kept, none paid twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone

from bedrock import clients
from bedrock.errors import ModelRefusedError, NotConfiguredError
from bedrock.models import CatalogueModel, Entry
from files.models import File
from jobs.control import retry
from jobs.execution.running import run_now
from jobs.models import Job, Notice
from nova.budget import go_on
from nova.errors import NotAnalysableError, UnknownTypeError
from nova.kinds import ASK_NOVA
from nova.models import NovaJob, Question, RawReply
from nova.options import AnalysisRequest
from nova.questions.preparing import proxy_of
from nova.questions.reparsing import ReparseRequest, reparse, reread
from nova.questions.results import current_for
from nova.quoting import quote
from nova.retention import forget_replies
from nova.tasks import request_analysis
from nova.types.registry import add_version
from tests.files.factories import make_file
from tests.nova.clips import leave_of_the_cap, make_clip, work_off
from tests.standin import world as at
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)
ALL = ("summary", "chapters", "elements")


@pytest.fixture
def clip(folders: Path, tmp_path: Path) -> File:
    return make_clip(tmp_path / "media")


@pytest.fixture(autouse=True)
def nothing_by_itself(settings: Any) -> None:
    settings.IMPORT_STEPS = []


def last_job() -> Job:
    return Job.objects.filter(kind=ASK_NOVA).latest("pk")


def ask(file: File, *types: str, **facts: Any) -> NovaJob:
    force = facts.pop("force", False)
    nova_job, _ = request_analysis(file, AnalysisRequest(model="lite", types=types or ALL, **facts), force=force)
    work_off()
    nova_job.refresh_from_db()
    return nova_job


@pytest.mark.usage_told
def test_one_call_answers_all_types_and_every_cent_is_booked(aws: World, clip: File) -> None:
    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert set(current_for(clip)) == set(ALL)
    assert aws.calls["Converse"] == 1
    assert nova_job.cost_usd == aws.usd() == Entry.objects.get().actual_usd
    assert (nova_job.tokens_input, nova_job.tokens_output) == (aws.bill[0].input_tokens, aws.bill[0].output_tokens)
    assert nova_job.estimated_usd is not None
    assert RawReply.objects.get().message["stopReason"] == "tool_use"


@pytest.mark.usage_told
def test_flex_costs_half(aws: World, clip: File) -> None:
    ask(clip, mode="flex")

    assert aws.bill[0].tier == "flex"
    assert aws.usd() == Entry.objects.get().actual_usd


@pytest.mark.parametrize("change", ["again", "renamed", "copied", "other mode", "part of it", "imported anew"])
def test_the_same_question_is_never_paid_twice(aws: World, clip: File, tmp_path: Path, change: str) -> None:
    ask(clip)
    if change == "renamed":
        clip.local_path.rename(clip.local_path.with_name("b.mp4"))
        File.objects.filter(pk=clip.pk).update(name="b.mp4", path="b.mp4")
    elif change == "copied":
        clip = make_clip(tmp_path / "media", "copy.mp4", root=clip.root, seed="a clip.mp4")
    elif change == "imported anew":
        clip.delete()
        clip = make_clip(tmp_path / "other", seed="a clip.mp4")

    second = ask(
        File.objects.get(pk=clip.pk), *(["chapters"] if change == "part of it" else ALL),
        mode="flex" if change == "other mode" else "realtime",
    )  # fmt: skip

    assert second.status == NovaJob.Status.COMPLETED, second.error
    assert aws.calls["Converse"] == 1
    assert second.cost_usd == 0
    assert last_job().message == "Answered before: nothing was paid"


def test_only_the_types_that_lack_an_answer_are_asked(aws: World, clip: File) -> None:
    ask(clip, "summary")
    ask(clip, "summary", "chapters")

    assert [sorted(reply.types) for reply in RawReply.objects.order_by("pk")] == [["summary"], ["chapters"]]
    assert not aws.paid_twice()


def test_by_force_it_is_asked_and_paid_again(aws: World, clip: File) -> None:
    ask(clip)
    again = ask(clip, force=True)

    assert again.status == NovaJob.Status.COMPLETED
    assert aws.calls["Converse"] == 2


def test_old_replies_are_forgotten_only_if_asked_to_and_then_cost_anew(aws: World, clip: File, settings: Any) -> None:
    first = ask(clip, "summary")
    RawReply.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert forget_replies() == 0

    settings.NOVA_KEEP_RAW_DAYS = 30
    Question.objects.update(nova_job=NovaJob.objects.create(file=clip, model="lite", status=NovaJob.Status.FAILED))
    kept = forget_replies()
    Question.objects.update(nova_job=first)
    told = (kept, forget_replies(), RawReply.objects.count(), "summary" in current_for(clip))
    passed_over = reparse(ReparseRequest(), on_reading=lambda reading: None)
    price = quote(File.objects.all(), AnalysisRequest(model="lite", types=("summary",))).usd_low
    again = ask(clip, "summary")

    assert told == (0, 1, 0, True)
    assert passed_over.read == 0
    assert [reading.is_incomplete for reading in reread([first])] == [True]
    assert price
    assert again.status == NovaJob.Status.COMPLETED
    assert again.pk != first.pk
    assert Entry.objects.filter(state=Entry.State.SETTLED).count() == 2


def test_a_type_of_ones_own_and_its_new_version_are_new_questions(aws: World, clip: File) -> None:
    schema = {"type": "object", "properties": {"helmets": {"type": "boolean"}}, "required": ["helmets"]}
    add_version("safety", prompt="Does everybody wear a helmet?", schema=schema)
    ask(clip, "safety")
    add_version("safety", prompt="Does everybody wear a helmet and gloves?", schema=schema)
    ask(clip, "safety")

    assert set(current_for(clip)["safety"].result) == {"helmets"}
    assert aws.calls["Converse"] == 2


def test_a_large_proxy_goes_by_way_of_s3_and_is_gone_afterwards(
    aws: World, clip: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedrock.converse.INLINE_MAX_BYTES", 10)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert "Contents" not in aws.s3.list_objects_v2(Bucket="standin-staging")


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [at.THROTTLED, at.SERVER_ERROR, at.NOT_READY, at.UNAVAILABLE], ids=lambda f: f.code)
@pytest.mark.usage_told
def test_what_passes_by_is_tried_again_and_paid_once(aws: World, clip: File, fault: at.Fault) -> None:
    aws.break_next("Converse", fault, times=5)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert aws.calls["Converse"] == 6
    assert len(aws.bill) == 1
    assert nova_job.cost_usd == aws.usd()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (at.MODEL_TIMEOUT, "shorter video"),
        (at.EXPIRED, "aws sso login"),
        (at.NO_MODEL_ACCESS, "without a page to ask for it"),
    ],
    ids=["408", "expired credentials", "no access"],
)
def test_what_does_not_pass_by_fails_once_in_plain_words(aws: World, clip: File, fault: at.Fault, words: str) -> None:
    aws.break_next("Converse", fault)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.FAILED
    assert fault.message in nova_job.error
    assert words in nova_job.error
    assert aws.calls["Converse"] == 1
    assert last_job().state == Job.State.FAILED


@pytest.mark.parametrize("fault", [at.MODEL_ERROR, at.MALFORMED])
def test_a_malformed_answer_is_asked_for_once_more_in_words(aws: World, clip: File, fault: at.Fault) -> None:
    aws.break_next("Converse", fault)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert aws.calls["Converse"] == 2
    assert sorted(Entry.objects.values_list("state", flat=True)) == ["possibly_paid", "settled"]


def test_an_answer_that_is_malformed_in_words_too_fails_in_plain_words(aws: World, clip: File) -> None:
    aws.break_next("Converse", at.MODEL_ERROR, times=2)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.FAILED
    assert "run it once more" in nova_job.error
    assert list(Entry.objects.values_list("state", flat=True)) == ["possibly_paid"] * 2


@pytest.mark.as_the_pages_say
def test_a_retry_by_hand_asks_again_what_failed(aws: World, clip: File) -> None:
    aws.break_next("Converse", at.MODEL_TIMEOUT)
    nova_job = ask(clip)

    retry(last_job())
    work_off()

    nova_job.refresh_from_db()
    assert nova_job.status == NovaJob.Status.COMPLETED
    assert nova_job.cost_usd == aws.usd()


def test_a_connection_lost_before_the_answer_is_asked_again_once(aws: World, clip: File) -> None:
    aws.break_next("Converse", at.DROP_BEFORE)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert aws.calls["Converse"] == 2
    states = sorted(Entry.objects.values_list("state", flat=True))
    assert states == [Entry.State.POSSIBLY_PAID, Entry.State.SETTLED]


def test_an_answer_lost_twice_is_booked_shown_and_not_asked_a_third_time(aws: World, clip: File) -> None:
    aws.break_next("Converse", at.DROP_AFTER, times=2)

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.FAILED
    assert len(aws.bill) == 2
    assert set(Entry.objects.values_list("state", flat=True)) == {Entry.State.POSSIBLY_PAID}
    assert Entry.objects.all().counted_usd() >= aws.usd()
    assert "possibly" in nova_job.error or "may have been charged" in nova_job.error
    assert ask(clip).status == NovaJob.Status.FAILED
    assert aws.calls["Converse"] == 2


def test_an_answer_slower_than_the_read_timeout_is_possibly_paid(aws: World, clip: File, settings: Any) -> None:
    settings.NOVA_READ_TIMEOUT_SECONDS = 1
    clients._cached_client.cache_clear()
    aws.break_next("Converse", at.Fault(delay_s=2.5))

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert Entry.objects.filter(state=Entry.State.POSSIBLY_PAID).count() == 1


def test_a_reply_that_was_cut_is_kept_and_says_so(aws: World, clip: File) -> None:
    aws.break_next("Converse", at.CUT)

    nova_job = ask(clip)

    assert RawReply.objects.get().stop_reason == "max_tokens"
    if nova_job.status == NovaJob.Status.COMPLETED:
        assert any("token limit" in note for row in nova_job.results.all() for note in row.notes)
    else:
        assert nova_job.error


def test_an_unreadable_reply_is_kept_and_a_retry_pays_nothing(aws: World, clip: File) -> None:
    aws.fixed_answer = "I am sorry, I cannot do that."

    assert ask(clip).status == NovaJob.Status.FAILED
    assert ask(clip).status == NovaJob.Status.FAILED
    assert aws.calls["Converse"] == 1
    assert RawReply.objects.count() == 1


# --- refusals and money ---------------------------------------------------------------------------------------------


def test_each_refusal_comes_before_anything_is_made(aws: World, clip: File, settings: Any) -> None:
    picture = make_file(clip.root, "a.jpg", media_type=File.MediaType.IMAGE, duration_s=None)
    sound = make_file(clip.root, "a.mp3", media_type=File.MediaType.AUDIO)
    settings.BEDROCK_BATCH_ROLE_ARN = ""

    with pytest.raises(ModelRefusedError, match="ended Nova Premier"):
        request_analysis(clip, AnalysisRequest(model="premier", types=ALL))
    with pytest.raises(NotConfiguredError, match="BEDROCK_BATCH_ROLE_ARN"):
        request_analysis(clip, AnalysisRequest(model="lite", types=ALL, mode="batch"))
    with pytest.raises(UnknownTypeError, match="'horoscope'"):
        request_analysis(clip, AnalysisRequest(model="lite", types=("horoscope",)))
    for file, types in ((picture, ("chapters",)), (sound, ALL)):
        with pytest.raises(NotAnalysableError):
            request_analysis(file, AnalysisRequest(model="lite", types=types))
    assert not NovaJob.objects.exists()


def test_over_the_cap_it_waits_and_goes_on_when_the_cap_is_raised(aws: World, clip: File, settings: Any) -> None:
    leave_of_the_cap(settings, "0.000001")

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.SUBMITTED
    assert "of this month's" in nova_job.error
    assert last_job().is_parked
    assert "Analyses wait" in Notice.objects.get(key="nova-budget").text
    assert aws.calls["Converse"] == 0

    settings.NOVA_MONTHLY_BUDGET_USD = "10"

    assert go_on() == 1
    work_off()
    nova_job.refresh_from_db()
    assert nova_job.status == NovaJob.Status.COMPLETED
    assert not Notice.objects.filter(key="nova-budget").exists()


def test_a_daily_quota_parks_whatever_waits_and_one_an_hour_finds_out(
    aws: World, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [make_clip(tmp_path / "media" / str(number), f"{number}.mp4") for number in range(4)]
    aws.break_next("Converse", at.DAY_IS_OVER, times=2)
    for clip in clips:
        request_analysis(clip, AnalysisRequest(model="lite", types=("summary",)))
    work_off()

    assert aws.calls["Converse"] == 1  # the others were not sent, nor cut
    assert [job.is_parked for job in Job.objects.filter(kind=ASK_NOVA)] == [True] * 4
    assert list(NovaJob.objects.order_by("pk").values_list("status", flat=True)) == ["in_progress", *["submitted"] * 3]
    assert "per day" in Notice.objects.get(key="nova-budget").text
    assert list(Entry.objects.values_list("state", flat=True)) == ["released"]
    assert go_on() == 0

    for calls, gone in ((2, 1), (3, 1), (6, 3)):  # still over; answered; all the others
        later = timezone.now() + timedelta(hours=2 * calls)
        with monkeypatch.context() as patched:
            patched.setattr("bedrock.daily_quotas.timezone.now", lambda later=later: later)
            assert go_on() == gone
            work_off()
        assert aws.calls["Converse"] == calls

    assert set(NovaJob.objects.values_list("status", flat=True)) == {"completed"}
    assert go_on() == 0
    assert not Notice.objects.filter(key="nova-budget").exists()


def test_a_call_that_no_month_has_room_for_is_refused_and_not_parked(aws: World, clip: File, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "0.000001"

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.FAILED
    assert "could never be made" in nova_job.error
    assert last_job().state == Job.State.FAILED
    assert aws.calls["Converse"] == 0


def test_a_status_never_runs_backwards(aws: World, clip: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while it is prepared, nor when a call has to be made again."""
    seen: list[str] = []
    save = NovaJob.save

    def watched(self: NovaJob, *args: Any, **kwargs: Any) -> None:
        save(self, *args, **kwargs)
        seen.append(self.status)

    monkeypatch.setattr(NovaJob, "save", watched)
    aws.break_next("Converse", at.THROTTLED, times=3)

    nova_job = ask(clip)

    order = ["submitted", "in_progress", "completed"]
    assert nova_job.status == NovaJob.Status.COMPLETED, nova_job.error
    assert list(dict.fromkeys(seen)) == order
    assert [order.index(status) for status in seen] == sorted(order.index(status) for status in seen)


@pytest.mark.usage_told
def test_sixteen_workers_never_pass_a_cap_for_ten_calls(
    aws: World, folders: Path, tmp_path: Path, settings: Any
) -> None:

    settings.NOVA_CONCURRENT_CALLS = 16
    clips = [make_clip(tmp_path / "media" / str(number), f"{number}.mp4") for number in range(16)]
    first = ask(clips[0], "summary")
    worst = Entry.objects.get().reserved_usd or Decimal(0)
    assert first.status == NovaJob.Status.COMPLETED
    Entry.objects.all().delete()
    settings.NOVA_MONTHLY_BUDGET_USD = str(worst * 10 + worst / 2)
    for clip in clips:
        request_analysis(clip, AnalysisRequest(model="lite", types=("summary",)), force=True)

    def work(job: Job) -> None:
        try:
            run_now(job)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, Job.objects.queued()))

    cap = worst * 10 + worst / 2
    assert Entry.objects.all().counted_usd() <= cap
    assert aws.usd() <= cap
    assert 10 <= aws.calls["Converse"] - 1 <= 16
    waiting = NovaJob.objects.filter(status=NovaJob.Status.SUBMITTED)
    done = NovaJob.objects.filter(status=NovaJob.Status.COMPLETED)
    assert waiting.count() + done.count() - 1 == 16
    assert all("left" in nova_job.error for nova_job in waiting)


def test_an_unpriced_model_under_a_cap_is_refused(aws: World, clip: File, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "5"
    CatalogueModel.objects.filter(key="lite").update(prices={}, discounts={})

    nova_job = ask(clip)

    assert nova_job.status == NovaJob.Status.FAILED
    assert "price" in nova_job.error
    assert aws.calls["Converse"] == 0


# --- doors ----------------------------------------------------------------------------------------------------------


@pytest.mark.usage_told
def test_the_api_estimates_asks_and_shows_what_was_said(aws: World, clip: File, client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    wish = {"model": "lite", "analysis_types": ["combined"], "mode": "flex"}

    quoted = client.post("/api/nova/estimate", {"file_ids": [clip.pk], **wish}, "application/json").json()
    started = client.post("/api/nova/analyze", {"file_id": clip.pk, **wish}, "application/json").json()
    work_off()

    status = client.get(f"/api/nova/status/{started['nova_job_id']}").json()
    results = client.get(f"/api/nova/results/{started['nova_job_id']}").json()
    assert (quoted["records"], quoted["discount"], quoted["mode"]) == (1, 0.5, "flex")
    assert 0 < quoted["usd_low"] <= float(status["cost_usd"]) <= quoted["usd_high"]
    assert status["status"] == "completed"
    assert results["summary"]
    assert results["raw"][0]["message"]["output"]["message"]["content"]
    after = client.post("/api/nova/estimate", {"file_ids": [clip.pk], **wish}, "application/json").json()
    assert (after["records"], after["already_done"], after["usd_high"]) == (0, 1, 0)


def test_questions_are_settled_even_where_the_worker_dies_between_answer_and_results(
    aws: World, clip: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: NovaJob) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("nova.questions.reply_store.finish", die)
        ask(clip)
    assert Question.objects.get().state == Question.State.ANSWERED

    retry(last_job())
    work_off()
    assert NovaJob.objects.get().status == NovaJob.Status.COMPLETED
    assert aws.calls["Converse"] == 1


def test_results_are_exported_and_a_type_of_ones_own_seeks(aws: World, clip: File, client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    moment = {"type": "object", "properties": {"what": {"type": "string"}, "start_s": {"type": "number"}}}
    schema = {"type": "object", "properties": {"slips": {"type": "array", "items": moment}}, "required": ["slips"]}
    add_version("safety", label="Safety", prompt="Where does somebody slip?", schema=schema)
    assert client.get(f"/api/nova/export/{clip.pk}").status_code == 404
    ask(clip, *ALL, "safety")

    for kind, start in (("json", "{"), ("csv", "type,part"), ("vtt", "WEBVTT"), ("edl", "TITLE:"), ("otio", "{")):
        answer = client.get(f"/api/nova/export/{clip.pk}?format={kind}")
        assert answer.status_code == 200, kind
        assert answer.content.decode().startswith(start)
        assert f".{kind}" in answer["Content-Disposition"]
    assert client.get(f"/api/nova/export/{clip.pk}?format=doc").status_code == 400

    page = client.get(f"/files/{clip.pk}/").content.decode()
    assert "slips" in page
    assert f"/api/nova/export/{clip.pk}?format=edl" in page


def test_a_proxy_of_other_content_than_the_file_has_is_never_sent(folders: Path, tmp_path: Path) -> None:
    file = make_clip(tmp_path / "media")
    before = proxy_of(file)

    file.sampled_hash = "of the file that took its name"
    file.save(update_fields=["sampled_hash"])

    assert before == file.proxies.get()
    assert proxy_of(File.objects.get()) is None
