"""An update of the program changes the prompt while questions wait: they are asked, paid and kept as what they are."""

from pathlib import Path
from typing import Any

import pytest

from bedrock import catalogue
from bedrock.models import Entry
from files.models import File
from nova.batch import lifecycle, pool, sending
from nova.models import AnalysisResult, NovaJob, Question, RawReply
from nova.questions import preparing, prompts, rekeying
from nova.tasks import request_analysis
from tests.nova.batches import ask, ask_for, assert_settled, go_through, lower_minimum, send, states
from tests.nova.clips import leave_of_the_cap, make_clip, work_off
from tests.nova.test_paid_once import LITE
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def media(aws: World, settings: Any, folders: Path, tmp_path: Path) -> Path:
    lower_minimum(aws, settings)
    return tmp_path / "media"


def update(patched: pytest.MonkeyPatch) -> None:
    """The next version of the program, with other words in its prompt."""
    patched.setattr(prompts, "PROMPT_VERSION", "nova-2")
    patched.setattr(prompts, "SYSTEM", f"Look well. {prompts.SYSTEM}")


def clips_of(nova_jobs: list[NovaJob]) -> list[File]:
    return list(File.objects.filter(nova_jobs__in=nova_jobs).order_by("pk"))


def keys_of_now(nova_jobs: list[NovaJob]) -> set[str]:
    """The keys that new questions about the same files would have."""
    return {question.key for one in ask(*clips_of(nova_jobs)) for question in one.questions.all()}


def test_what_waits_in_the_pool_is_asked_paid_and_kept_under_the_key_of_now(
    aws: World, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova_jobs = ask_for(media, 4)
    before = set(Question.objects.values_list("key", flat=True))
    update(monkeypatch)

    send()
    go_through(aws)

    asked = set(Entry.objects.filter(state="settled").values_list("question", flat=True))
    assert set(states(nova_jobs)) == {"completed"}
    assert asked == set(RawReply.objects.values_list("key", flat=True)) == keys_of_now(nova_jobs)
    assert not asked & before
    assert set(RawReply.objects.values_list("prompt_version", flat=True)) == {"nova-2"}
    assert len(aws.bill) == 4
    assert_settled(aws)


def test_what_was_answered_in_todays_words_meanwhile_is_not_paid_again(
    aws: World, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova_jobs = ask_for(media, 5)
    update(monkeypatch)
    request_analysis(clips_of(nova_jobs)[0], LITE)
    work_off()

    send()
    go_through(aws)

    assert states(nova_jobs) == ["completed"] * 5
    assert len(aws.bill) == 5
    assert_settled(aws)


def test_two_that_ask_the_same_now_are_one_question(aws: World, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nova_jobs = ask_for(media, 5)
    NovaJob.objects.filter(pk=nova_jobs[0].pk).update(options={"summary_depth": "standard"})
    update(monkeypatch)
    again = ask(clips_of(nova_jobs)[0])
    assert again[0].pk != nova_jobs[0].pk

    send()
    go_through(aws)
    lifecycle.tick()
    work_off()

    assert states([*nova_jobs, *again]) == ["completed"] * 6
    assert len(aws.bill) == 5
    assert_settled(aws)


def test_what_a_crash_left_reserved_in_the_words_of_before_is_given_back(
    aws: World, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    nova_jobs = ask_for(media, 4)
    with monkeypatch.context() as patched:
        patched.setattr("nova.batch.sending.Preparation.stage", die)
        (batch,) = pool.send("lite")
        with pytest.raises(SystemExit):
            work_off()
    assert Entry.objects.filter(state="reserved").count() == 4
    update(monkeypatch)

    sending.send_batch(batch)
    go_through(aws)

    assert set(states(nova_jobs)) == {"completed"}
    assert sorted(Entry.objects.values_list("state", flat=True)) == ["released"] * 4 + ["settled"] * 4
    assert_settled(aws)


def test_what_was_sent_before_an_update_is_kept_as_what_was_sent(
    aws: World, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nova_jobs = ask_for(media, 4)
    send()
    update(monkeypatch)

    go_through(aws)

    assert set(states(nova_jobs)) == {"completed"}
    assert set(RawReply.objects.values_list("prompt_version", flat=True)) == {"nova-1"}
    assert set(AnalysisResult.objects.values_list("version", flat=True)) == {"nova-1"}
    assert not keys_of_now(nova_jobs) & set(RawReply.objects.values_list("key", flat=True))


def test_what_waits_for_the_cap_goes_by_the_name_of_now(
    aws: World, media: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = leave_of_the_cap(settings, "0.000001")
    nova_job = ask_for(media, 1, mode="flex")[0]
    assert nova_job.status == "submitted"
    update(monkeypatch)
    settings.NOVA_MONTHLY_BUDGET_USD = ""
    spent.delete()

    lifecycle.tick()
    work_off()

    assert states([nova_job]) == ["completed"]
    assert RawReply.objects.get().key == preparing.question_key(*_named(nova_job))
    assert request_analysis(clips_of([nova_job])[0], LITE)[0].pk != nova_job.pk
    work_off()
    assert len(aws.bill) == 1
    assert_settled(aws)


def _named(nova_job: NovaJob) -> tuple[str, dict[str, str]]:
    question = nova_job.questions.get()
    return question.content_key, question.types


def test_pieces_of_a_long_video_keep_their_names_where_nothing_has_changed(aws: World, media: Path) -> None:
    (nova_job,) = ask(make_clip(media, "long.mp4", duration_s=2000.0))
    questions = list(nova_job.questions.all())
    Question.objects.filter(pk=questions[1].pk).update(start_s=667.5)  # a key frame, where it is cut

    assert len(questions) == 3
    assert all(rekeying.rekey(question, catalogue.model("lite")) is question for question in nova_job.questions.all())
