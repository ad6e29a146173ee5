"""Admin actions that ask first."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.test import Client
from rest_framework import serializers

from jobs import control, queue
from jobs.errors import WorkError
from jobs.execution import claims, running
from jobs.models import Job
from jobs.web.admin_base import BaseAdmin, DialogAction, PlanLine, PlanText, form_from_serializer, plan_text

pytestmark = pytest.mark.django_db

LIST = "/admin/jobs/job/"


class Options(serializers.Serializer[Any]):
    depth = serializers.IntegerField(min_value=1, max_value=9, default=3, help_text="How deep.")
    mode = serializers.ChoiceField(choices=[("quick", "Quick"), ("slow", "Slow")], default="quick")
    parts = serializers.ListField(child=serializers.ChoiceField(choices=["head", "tail"]), default=["head"])
    force = serializers.BooleanField(default=False)
    language = serializers.CharField(required=False, allow_blank=True, max_length=5)
    rate = serializers.FloatField(required=False)
    anything = serializers.DictField(required=False)
    kinds = serializers.MultipleChoiceField(choices=["ewe", "ram", "lamb"], default={"lamb", "ewe"})
    tone = serializers.ChoiceField(choices=["high", "low"], default=lambda: "low")
    who = serializers.HiddenField(default=serializers.CurrentUserDefault())
    share = serializers.DecimalField(max_digits=4, decimal_places=2, required=False)
    word = serializers.ChoiceField(choices=["baa"], allow_blank=True, required=False)


class Counting:
    """A dialog action that remembers what it was asked."""

    def __init__(self) -> None:
        self.submitted: list[tuple[int, dict[str, Any], str]] = []

    def plan(self, jobs: QuerySet[Any], options: dict[str, Any]) -> PlanText:
        if options.get("depth") == 9:
            raise WorkError("Too deep.", remedy="Choose less.")
        number = jobs.count()
        refusals = ["Slow is closed."] if options.get("mode") == "slow" else []
        lines = [PlanLine(text=f"{number} sheep to depth {options['depth']}", amount="free")]
        return PlanText(lines=lines, button=f"Count {number}", todo=number, refusals=refusals)

    def submit(self, jobs: QuerySet[Any], options: dict[str, Any], request: HttpRequest) -> str:
        if options.get("depth") == 8:
            raise WorkError("Somebody was quicker.")
        self.submitted.append((jobs.count(), options, request.user.get_username()))
        return "/batches/5/"


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """The dialog, on the list of jobs."""
    counting = Counting()
    dialog = DialogAction(
        name="count",
        label="Count sheep",
        permission="jobs.change_job",
        form=form_from_serializer(Options),
        plan=counting.plan,
        submit=counting.submit,
    )
    monkeypatch.setattr(admin.site.get_model_admin(Job), "dialog_actions", (dialog,))
    return counting


@pytest.fixture
def rows(kind: str) -> list[Job]:
    return [queue.enqueue(kind, subject) for subject in range(60)]


@pytest.fixture
def site(boss: User, client: Client) -> Client:
    client.force_login(boss)
    return client


def ask(site: Client, jobs: list[Job], step: str = "", url: str = LIST, fragment: bool = False, **data: Any) -> Any:
    sent = {"action": "dialog_count", "index": 0, "_selected_action": [job.pk for job in jobs]} | data
    if step:
        sent["dialog_step"] = step
    return site.post(url, sent, headers={"X-Action-Dialog": "1"} if fragment else None)


def test_the_page_asks_with_the_defaults_and_says_what_will_happen(
    site: Client, counting: Counting, rows: list[Job]
) -> None:
    page = ask(site, rows[:3]).content.decode()

    assert "<html" in page
    assert "3 sheep to depth 3" in page
    assert "Count 3</button>" in page
    assert 'name="depth" value="3"' in page
    assert "How deep." in page
    assert page.count('name="_selected_action"') == 3
    assert 'name="anything"' not in page
    assert not counting.submitted


def test_the_script_gets_the_form_alone(site: Client, counting: Counting, rows: list[Job]) -> None:
    part = ask(site, rows[:1], fragment=True).content.decode()

    assert part.startswith("<form")
    assert "<html" not in part
    assert " style=" not in part
    assert "<script" not in part


def test_go_does_it_and_leads_to_the_progress(site: Client, counting: Counting, rows: list[Job]) -> None:
    answer = ask(
        site, rows[:2], "go", depth=4, mode="quick", parts=["head", "tail"], force="on", language="", tone="low"
    )

    assert (answer.status_code, answer["Location"]) == (302, "/batches/5/")
    number, options, who = counting.submitted[0]
    assert (number, who) == (2, "boss")
    assert options == {
        "depth": 4,
        "mode": "quick",
        "parts": ["head", "tail"],
        "force": True,
        "kinds": [],
        "tone": "low",
    }


def test_all_rows_that_match_the_filter_are_meant_when_chosen_so(
    site: Client, counting: Counting, rows: list[Job]
) -> None:
    for job in rows[:5]:
        control.cancel(job)
    url = f"{LIST}?state__exact=queued"

    page = ask(site, rows[10:60], url=url, select_across=1).content.decode()
    assert "55 sheep" in page
    assert page.count('name="_selected_action"') == 1
    assert 'name="select_across" value="1"' in page
    assert 'action="/admin/jobs/job/?state__exact=queued"' in page

    ask(site, rows[10:11], "go", url=url, select_across=1, depth=3, mode="quick", tone="low")
    assert counting.submitted[0][0] == 55


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": 99, "mode": "quick", "tone": "low"}, "less than or equal to 9"),
        ({"depth": 3, "mode": "slow", "tone": "low"}, "Slow is closed."),
        ({"depth": 9, "mode": "quick", "tone": "low"}, "Too deep. Choose less."),
        ({"depth": 8, "mode": "quick", "tone": "low"}, "Somebody was quicker."),
    ],
)
def test_what_cannot_be_done_is_said_and_not_done(
    options: dict[str, Any], words: str, site: Client, counting: Counting, rows: list[Job]
) -> None:
    page = ask(site, rows[:2], "go", **options).content.decode()

    assert words in page
    assert not counting.submitted


def test_a_change_of_options_works_the_plan_out_again(site: Client, counting: Counting, rows: list[Job]) -> None:
    part = ask(site, rows[:2], "plan", fragment=True, depth=7, mode="quick", tone="low").content.decode()

    assert "2 sheep to depth 7" in part
    assert not counting.submitted


def test_who_may_not_is_not_offered_it_and_cannot(
    client: Client, viewer: User, counting: Counting, rows: list[Job]
) -> None:
    client.force_login(viewer)

    assert "dialog_count" not in client.get(LIST).content.decode()
    ask(client, rows[:2], "go", depth=3, mode="quick", tone="low")
    assert not counting.submitted


def test_the_list_offers_it_with_its_script_and_no_bulk_delete(
    site: Client, counting: Counting, rows: list[Job]
) -> None:
    page = site.get(LIST).content.decode()

    assert '<option value="dialog_count">Count sheep</option>' in page
    assert "jobs/action_dialog.js" in page
    assert "delete_selected" not in page


def test_a_form_has_the_defaults_of_the_serializer() -> None:
    form = form_from_serializer(Options).with_defaults()

    assert form.is_valid(), form.errors
    assert form.options() == {
        "depth": 3,
        "mode": "quick",
        "parts": ["head"],
        "force": False,
        "kinds": ["ewe", "lamb"],
        "tone": "low",
    }
    assert "who" not in form.fields
    assert "as set up" in str(form["word"])


def test_a_plan_in_numbers_becomes_words() -> None:
    plan = SimpleNamespace(
        total=1284,
        todo=37,
        already_done=1200,
        usd_low=Decimal("0.871"),
        usd_high=Decimal("1.05"),
        is_unpriced=False,
        refusals=[],
        warnings=["63 short of a batch."],
    )

    text = plan_text(plan, label="Analyse")

    assert [(line.text, line.amount) for line in text.lines] == [
        ("1,284 files selected", ""),
        ("1,200 files done already: nothing is done again", "free"),
        ("47 files cannot be done and are left out", ""),
        ("37 files will be done", "$0.87–1.05"),
    ]
    assert text.button == "Analyse: 37 files for $0.87–1.05"
    assert text.may_go
    assert text.warnings == ["63 short of a batch."]


@pytest.mark.parametrize(
    ("low", "high", "words"), [("0", "0", ""), ("0.001", "0.002", " for $0.01"), ("0", "0.5", " for $0.00–0.50")]
)
def test_a_price_is_never_rounded_to_nothing(low: str, high: str, words: str) -> None:
    plan = SimpleNamespace(
        total=1,
        todo=1,
        already_done=0,
        usd_low=Decimal(low),
        usd_high=Decimal(high),
        is_unpriced=False,
        refusals=[],
        warnings=[],
    )

    assert plan_text(plan, label="Go").button == f"Go: 1 file{words}"


def test_nothing_to_do_is_said_and_the_button_is_off() -> None:
    done = SimpleNamespace(
        total=2,
        todo=0,
        already_done=2,
        usd_low=Decimal(0),
        usd_high=Decimal(0),
        is_unpriced=False,
        refusals=[],
        warnings=[],
    )

    text = plan_text(done, label="Make proxies")

    assert (text.button, text.may_go) == ("Nothing to do", False)


def test_every_model_of_jobs_is_in_the_admin_and_its_pages_open(site: Client, rows: list[Job]) -> None:
    queue.create_batch("b", "count")
    control.pause("fast")
    for name in ("job", "batch", "queuestate", "cluster", "notice"):
        assert site.get(f"/admin/jobs/{name}/").status_code == 200, name
    assert site.get(f"/admin/jobs/job/{rows[0].pk}/change/").status_code == 200
    assert site.get("/admin/jobs/job/?kind=count_sheep&q=broke").status_code == 200


def test_the_list_of_jobs_cancels_and_retries(site: Client, viewer: User, rows: list[Job]) -> None:
    def press(action: str) -> str:
        chosen = [job.pk for job in rows[:2]]
        sent = {"action": action, "index": 0, "_selected_action": chosen}
        return site.post(LIST, sent, follow=True).content.decode()

    assert "2 cancelled." in press("cancel_selected")
    assert "0 cancelled." in press("cancel_selected")
    assert "2 queued again." in press("retry_selected")
    site.force_login(viewer)
    page = press("cancel_selected")
    assert "0 cancelled." in page
    assert "2 unchanged" in page


def test_the_admin_pauses_and_resumes_queues(site: Client, viewer: User) -> None:
    def press(action: str) -> bool:
        site.post("/admin/jobs/queuestate/", {"action": action, "_selected_action": ["long"]}, follow=True)
        return claims.is_paused("long")

    page = site.get("/admin/jobs/queuestate/").content.decode()
    assert "fast" in page
    assert press("pause_selected")
    assert not press("resume_selected")
    site.force_login(viewer)
    assert not press("pause_selected")


def test_the_admin_cancels_batches_and_retries_what_failed(site: Client, viewer: User, broken: str) -> None:
    batch = queue.create_batch("Shear", "")
    queue.enqueue_many(broken, range(3), batch=batch)
    running.run_until_idle()

    def press(action: str) -> str:
        sent = {"action": action, "_selected_action": [batch.pk]}
        return site.post("/admin/jobs/batch/", sent, follow=True).content.decode()

    assert "3 jobs queued again." in press("retry_failed_selected")
    assert "3 jobs cancelled." in press("cancel_selected")
    site.force_login(viewer)
    assert "0 jobs queued again." in press("retry_failed_selected")


def test_the_base_is_quick_with_many_rows() -> None:
    assert BaseAdmin.list_per_page == 50
    assert BaseAdmin.show_full_result_count is False
