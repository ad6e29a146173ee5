"""Asking Nova in a browser: the price first, then the answer with times that seek; a batch that waits, run now."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from nova.models import NovaJob
from tests.e2e.conftest import NARROW, Visit
from tests.nova.clips import make_clip, work_off
from tests.standin.world import World


@pytest.fixture
def clips(aws: World, ada: User, folders: Path, settings: Any) -> None:
    settings.IMPORT_STEPS = []
    for number in range(3):
        make_clip(folders / str(number), f"pump {number}.mp4")


def test_the_price_comes_before_and_the_answer_seeks(visit: Visit, clips: None, aws: World) -> None:
    page = visit.page
    visit.log_in()
    visit.open("/library/do/nova/?all=1&media_type=video")
    page.get_by_label("Model").select_option("lite")
    page.get_by_label("Flex").check()
    go = page.get_by_role("button", name="Analyse: 3 files for about $")
    expect(go).to_be_enabled()
    assert aws.calls["Converse"] == 0
    go.click()
    page.wait_for_url("**/batches/*/")
    work_off()

    assert {charge.tier for charge in aws.bill} == {"flex"}
    visit.open("/nova/")
    expect(page.get_by_text("Completed").first).to_be_visible()
    page.get_by_role("link", name="pump 1.mp4").first.click()
    page.wait_for_url("**/files/*/")
    expect(page.get_by_role("heading", name="Chapters")).to_be_visible()
    expect(page.get_by_text("This file so far")).to_be_visible()
    expect(page.get_by_role("link", name="OTIO")).to_be_visible()

    visit.open("/library/do/nova/?all=1&media_type=video")
    page.get_by_label("Model").select_option("lite")
    expect(page.get_by_role("button", name="Nothing left to do")).to_be_visible()
    assert [one for one in visit.said if "404" not in one] == []


def test_a_batch_that_is_too_small_waits_and_can_run_now(visit: Visit, clips: None, aws: World) -> None:
    page = visit.page
    visit.log_in()
    visit.open("/library/do/nova/?all=1&media_type=video")
    page.get_by_label("Model").select_option("lite")
    page.get_by_label("Batch").check()
    expect(page.get_by_text("97 short of a batch")).to_be_visible()
    page.get_by_role("button", name="Analyse: 3 files for about $").click()
    page.wait_for_url("**/batches/*/")
    work_off()
    visit.open("/nova/")
    expect(page.get_by_text("3 records wait, 97 short of a batch")).to_be_visible()
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]

    page.get_by_role("button", name="Run now, flex").click()
    expect(page.get_by_text("3 analyses run now, in flex.")).to_be_visible()
    work_off()

    assert NovaJob.objects.filter(status=NovaJob.Status.COMPLETED).count() == 3
    assert len(aws.bill) == 3


def test_three_prices_stand_side_by_side_also_on_a_telephone(visit: Visit, clips: None, settings: Any) -> None:
    settings.BEDROCK_BATCH_ROLE_ARN = ""
    page = visit.page
    visit.log_in()
    visit.open("/library/do/nova/?all=1")
    page.get_by_label("Model").select_option("lite")
    page.set_viewport_size(NARROW)

    prices = page.get_by_role("table", name="The same in each mode")
    expect(prices.get_by_role("rowheader")).to_have_count(3)
    expect(prices.get_by_text("BEDROCK_BATCH_ROLE_ARN is not set")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
