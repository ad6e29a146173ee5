"""The jobs page and the admin's dialogs in a real browser."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers

from jobs import notices, queue
from jobs.errors import WorkError
from jobs.execution import claims, running
from jobs.models import Cluster, Job
from jobs.web.admin_base import DialogAction, PlanLine, PlanText, form_from_serializer
from jobs.work import Work
from tests.e2e.conftest import NARROW, Visit
from tests.jobs.kinds import registered

#: Where pictures of the pages go, for a person to look at.
PICTURES_ENV = "TEST_PICTURES"


def picture(visit: Visit, name: str) -> None:
    if folder := os.environ.get(PICTURES_ENV):
        visit.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


class DepthOptions(serializers.Serializer[Any]):
    depth = serializers.IntegerField(min_value=1, max_value=9, default=3, help_text="More takes longer.")
    mode = serializers.ChoiceField(choices=[("quick", "Quick"), ("slow", "Slow")], default="quick")
    force = serializers.BooleanField(default=False, help_text="Also what is done already.")


def silent(work: Work) -> None:
    raise WorkError("No sound track.", remedy="There is nothing to transcribe; trying again will not help.")


@pytest.fixture
def farm(ada: User) -> Iterator[None]:
    """A batch that is half done, with a failure, and a worker at it."""
    with (
        registered("transcribe_sheep") as kind,
        registered("shear", silent) as shear,
    ):
        batch = queue.create_batch("Transcribe 12 files with Whisper base", "transcribe", created_by=ada)
        queue.enqueue_many(kind, range(12), batch=batch)
        for job in list(Job.objects.queued()[:5]):
            running.run_now(job)
        claimed = claims.claim("fast")
        assert claimed is not None
        started = timezone.now() - timedelta(seconds=90)
        Job.objects.filter(pk=claimed.pk).update(progress=0.4, message="6:12 of 10:51", started_at=started)
        for subject in (40, 41, 42):
            running.run_now(queue.enqueue(shear, subject, batch=batch))
        Cluster.objects.create(queue="fast", workers=2)
        notices.notify("weights", "Whisper's weights are missing.", remedy="Fetch them on the set-up page.")
        yield


def test_the_jobs_page_follows_the_work_without_a_reload(visit: Visit, farm: None) -> None:
    visit.log_in()
    visit.open("/jobs/")
    visit.page.get_by_text("1 job running, 3 failed").wait_for()
    picture(visit, "jobs")

    Job.objects.running().update(message="7:30 of 10:51")

    visit.page.get_by_text("7:30 of 10:51").wait_for()
    visit.page.set_viewport_size(NARROW)
    picture(visit, "jobs-narrow")
    wide = visit.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW["width"]
    assert visit.said == []


def test_a_batch_is_cancelled_and_tried_again_from_its_page(visit: Visit, farm: None) -> None:
    visit.log_in()
    visit.open("/jobs/")
    visit.page.get_by_role("link", name="Transcribe 12 files").click()
    visit.page.get_by_role("button", name="Retry 3 failed").wait_for()
    picture(visit, "batch")

    visit.page.get_by_role("button", name="Cancel the other 7").click()

    visit.page.get_by_text("7 jobs cancelled").wait_for()
    assert Job.objects.filter(state="cancelled").count() == 6
    visit.page.get_by_role("button", name="Retry 3 failed").click()
    visit.page.get_by_text("3 jobs queued").wait_for()
    assert Job.objects.queued().count() == 3
    assert visit.said == []


def plan(jobs: QuerySet[Any], options: dict[str, Any]) -> PlanText:
    number = jobs.count()
    return PlanText(
        lines=[
            PlanLine(text=f"{number} files selected"),
            PlanLine(text="9 files done already: nothing is done again", amount="free"),
            PlanLine(text=f"{number} files to depth {options['depth']}", amount="$0.87–1.05"),
        ],
        button=f"Count {number} for $0.87–1.05",
        todo=number,
        warnings=["63 records short of a full batch."] if options["mode"] == "slow" else [],
    )


@pytest.mark.parametrize("scripted", [True, False])
def test_an_admin_action_asks_in_a_dialog_and_also_without_script(
    scripted: bool, visit: Visit, farm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[dict[str, Any]] = []

    def submit(jobs: QuerySet[Any], options: dict[str, Any], request: HttpRequest) -> str:
        done.append({"jobs": jobs.count(), **options})
        return reverse("jobs")

    dialog = DialogAction(
        name="count",
        label="Count sheep",
        permission="jobs.change_job",
        form=form_from_serializer(DepthOptions),
        plan=plan,
        submit=submit,
    )
    monkeypatch.setattr(admin.site.get_model_admin(Job), "dialog_actions", (dialog,))
    visit.log_in()
    page = visit.page
    if not scripted:
        page.route("**/action_dialog.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    visit.open("/admin/jobs/job/")
    for box in page.locator("input.action-select").all()[:2]:
        box.check()
    page.get_by_label("Action:").select_option("Count sheep")
    page.get_by_role("button", name="Go").click()

    page.get_by_text("2 files to depth 3").wait_for()
    assert page.locator("dialog[open]").count() == scripted
    picture(visit, f"dialog-{'script' if scripted else 'page'}")
    page.get_by_label("Depth").fill("5")
    if scripted:
        page.get_by_label("Depth").blur()
    else:
        page.get_by_role("button", name="Work out again").click()
    page.get_by_text("2 files to depth 5").wait_for()
    page.get_by_role("button", name="Count 2 for").click()

    page.wait_for_url("**/jobs/")
    assert done == [{"jobs": 2, "depth": 5, "mode": "quick", "force": False}]
    assert visit.said == []
