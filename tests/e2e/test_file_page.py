"""The page of a file in a real browser: the strip under the player, and removing it from the library."""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from files.importing.directories import import_directory
from files.media.proxying import make_proxy
from files.models import File
from tests.e2e.conftest import Visit
from tests.media import make_clip

CLIP_S = 8.0


@pytest.fixture
def clip(folders: Path) -> File:
    """A clip with its proxy and sprite: a cell each second."""
    path = make_clip(folders / "videos" / "clip.mp4", seconds=CLIP_S, size="320x180")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    import_directory(path.parent)
    file = File.objects.get()
    make_proxy(file)
    return file


def point_at(visit: Visit, share: float) -> None:
    box = visit.page.get_by_role("slider").bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def current_time(visit: Visit) -> float:
    return float(visit.page.evaluate("document.querySelector('[data-media]').currentTime"))


def test_pointing_shows_the_picture_of_that_second_and_dragging_goes_there(visit: Visit, ada: User, clip: File) -> None:
    visit.log_in()
    visit.open(f"/files/{clip.pk}/")
    page, picture = visit.page, visit.page.locator("[data-peek] svg")

    point_at(visit, 0.70)  # second 5.6: the sixth cell of 160 × 90
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("viewBox", "800 0 160 90")
    expect(page.locator("[data-peek]")).to_have_text("0:05")
    page.mouse.down()
    point_at(visit, 0.26)
    expect(picture).to_have_attribute("viewBox", "320 0 160 90")
    page.mouse.up()
    assert current_time(visit) == pytest.approx(2, abs=0.6)
    page.mouse.move(5, 5)

    expect(picture).to_be_hidden()
    assert visit.said == []


def test_the_keys_go_on_working_on_the_strip(visit: Visit, ada: User, clip: File) -> None:
    visit.log_in()
    visit.open(f"/files/{clip.pk}/")
    page, slider = visit.page, visit.page.get_by_role("slider")
    slider.focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "0:02 of 0:08")
    at = current_time(visit)
    page.keyboard.press("Space")
    paused = page.evaluate("document.querySelector('[data-media]').paused")
    page.keyboard.press("?")

    assert at == pytest.approx(2, abs=0.3)
    assert not paused
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert visit.said == []


def test_removing_asks_in_a_dialog_first(visit: Visit, ada: User, clip: File) -> None:
    visit.log_in()
    visit.open(f"/files/{clip.pk}/")
    page, dialog = visit.page, visit.page.get_by_role("dialog", name="Remove “clip.mp4”")

    page.get_by_role("link", name="Remove from library").click()
    expect(dialog).to_contain_text("The original stays where it is")
    page.keyboard.press("Enter")  # what has the focus does nothing
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Remove from library").click()
    dialog.get_by_role("button", name="Remove from library").click()
    page.wait_for_url("**/library/")

    expect(page.get_by_text("was removed from the library")).to_be_visible()
    assert clip.local_path.exists()
    assert visit.said == []
