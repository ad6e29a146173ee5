"""The search page in a real browser: typing, Enter, the player beside the list, keys, and a link to share."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from embeddings.indexing import index
from embeddings.stores import bit_matrix
from tests.e2e.conftest import Visit
from tests.embeddings.conftest import add_file, say


@pytest.fixture
def pond(ada: User, settings: Any) -> None:
    settings.EMBEDDING_PROVIDERS = {"words": "tests.embeddings.fakes.WordsProvider"}
    settings.EMBEDDING_PROVIDER = "words"
    bit_matrix.forget()
    for name, start in (("pond.mp4", 12.5), ("mill.mp4", 40.0)):
        file = add_file(name)
        say(file, [(0.0, 3.0, "Good morning."), (start, start + 3, "There is a leak at the liner seam.")])
        index.index_file(file)


def test_a_person_finds_the_second_and_shares_it(visit: Visit, pond: None) -> None:
    page = visit.page
    visit.log_in()
    visit.open("/search/")

    box = page.get_by_label("What do you want to see or hear?")
    box.press_sequentially("lea", delay=20)
    expect(page.locator("mark").first).to_have_text("leak")
    assert "/search/?" not in page.url
    page.keyboard.type("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=leak*")
    moments = page.locator("[data-moment]")
    expect(moments).to_have_count(2)
    expect(page.locator("#now h2").first).to_be_visible()

    page.keyboard.press("Escape")
    expect(box).to_have_value("leak")  # an emptied box would ask again and wipe the answer
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = moments.nth(1)
    expect(second).to_have_attribute("aria-current", "true")
    name, pushed = second.inner_text(), second.get_attribute("hx-push-url") or "?"
    expect(page.locator("#now-name")).to_have_text(name)
    page.wait_for_url(lambda url: url.endswith(pushed))
    shared = page.url

    page.goto(shared)
    expect(page.locator("#now-name")).to_have_text(name)
    # The rows have no media behind them: the original is away (409). Pictures that were not made are not asked for.
    assert [line for line in visit.said if "409" not in line] == []


def test_quotes_are_exact_in_every_mode_a_person_chooses(visit: Visit, pond: None) -> None:
    page = visit.page
    visit.log_in()
    for mode in ("hybrid", "keyword", "semantic"):
        visit.open("/search/")
        page.get_by_label("Match by").select_option(mode)
        page.get_by_label("What do you want to see or hear?").fill("“liner seam”")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search/?q=*")
        expect(page.locator("[data-moment]")).to_have_count(2)

        page.get_by_label("What do you want to see or hear?").fill("“seam liner”")
        page.keyboard.press("Enter")
        page.wait_for_url("**seam*liner*")
        expect(page.get_by_role("heading", name="Nothing close")).to_be_visible()


def test_a_search_is_saved_and_says_later_what_is_new(visit: Visit, pond: None) -> None:
    page = visit.page
    visit.log_in()
    visit.open("/search/?q=leak&mode=keyword")
    page.get_by_text("Save this search").click()
    page.get_by_label("Name").fill("Leaks")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved search “Leaks”")).to_be_visible()

    file = add_file("quay.mp4")
    say(file, [(7.0, 9.0, "Another leak at the quay.")])
    index.index_file(file)
    visit.open("/search/")
    expect(page.get_by_text("1 new")).to_be_visible()
    page.get_by_role("button", name="Open Leaks").click()
    expect(page.get_by_text("1 new since")).to_be_visible()
    new = page.locator("li.moment", has=page.get_by_text("New", exact=True))
    expect(new).to_have_count(1)
    expect(new.locator("[data-moment]")).to_have_text("quay.mp4")

    visit.open("/search/")
    expect(page.get_by_role("link", name="Leaks")).to_be_visible()
    expect(page.get_by_text("1 new")).to_have_count(0)


def test_home_says_what_only_its_name_finds_and_leads_there(visit: Visit, pond: None) -> None:
    page = visit.page
    index.index_file(add_file("IMG_0001.mp4"))
    visit.log_in()
    visit.open("/")

    panel = page.get_by_role("region", name="How files are found")
    said = panel.get_by_role("listitem").filter(has_text="What is said")
    expect(said).to_contain_text(re.compile(r"67\s%"))
    only = panel.get_by_role("listitem").filter(has_text="Name only")
    only.get_by_role("link", name="Show").click()
    page.wait_for_url("**/library/?found_by=name")
    expect(page.get_by_text("IMG_0001.mp4").first).to_be_visible()
    expect(page.get_by_text("pond.mp4")).to_have_count(0)
    expect(page.locator(".badge", has_text="Name only")).to_have_count(1)
