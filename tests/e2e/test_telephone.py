"""The pages on a telephone: what matters stands in the first screen, and a tap leads on."""

from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import expect

from embeddings.indexing.index import index_text
from tests.e2e.conftest import NARROW, WIDE, Visit
from tests.e2e.library import ready_file


def test_posters_come_before_the_filters_and_a_moment_opens_its_file(visit: Visit, ada: User, folders: Path) -> None:
    file = ready_file(folders / "videos")
    index_text(file)
    page = visit.page
    page.set_viewport_size(NARROW)
    visit.log_in()

    visit.open("/library/?media_type=video")
    card = page.locator(".file-card").first.bounding_box()
    assert card is not None
    assert card["y"] < NARROW["height"] / 2 + 60
    expect(page.get_by_label("Type")).to_be_hidden()
    page.get_by_text("Filter and sort: 1 set").click()
    expect(page.get_by_label("Type")).to_be_visible()
    page.set_viewport_size(WIDE)
    visit.open("/library/")
    expect(page.get_by_label("Type")).to_be_visible()

    page.set_viewport_size(NARROW)
    visit.open("/spend/")
    current = page.locator(".site-nav [aria-current]").bounding_box()
    assert current is not None
    assert current["x"] + current["width"] <= NARROW["width"]
    visit.open("/search/?q=liner&mode=keyword")
    page.locator("[data-moment]").first.click()
    page.wait_for_url(f"**/files/{file.pk}/?t=4*")
    assert visit.said == []


def test_what_is_ticked_by_keys_is_a_key_away_from_what_can_be_done(visit: Visit, ada: User, folders: Path) -> None:
    ready_file(folders / "videos")
    visit.log_in()
    visit.open("/library/")

    for key in ("a", "j", "x", "a"):  # the first has nothing to go to
        visit.page.keyboard.press(key)
    expect(visit.page.get_by_role("button", name="Make proxies…")).to_be_focused()
    visit.page.keyboard.press("Enter")

    expect(visit.page.get_by_role("dialog", name="Make proxies: 1 file")).to_be_visible()
    assert visit.said == []
