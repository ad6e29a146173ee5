"""The search page in a real browser: typing, Enter, the player beside the list, keys, and a link to share."""

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
