"""From a folder to the second: import, an action, a search hit, the player, a correction, and the same by keys."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from jobs.execution.running import run_until_idle
from jobs.models import Job
from tests.e2e.conftest import Visit
from tests.e2e.library import HOSTILE, fill, ready_file, run_the_line
from transcription.models import Transcript

SEAM_S = 4.0
#: A proxy's frames lie up to half a frame of 15 a second beside the asked moment.
NEAR_S = 0.25


@pytest.fixture
def videos(folders: Path) -> Path:
    return folders / "videos"


def until(visit: Visit, wish: str) -> None:
    """Wait until this is true in the page. Playwright's own way to wait needs `eval`, which our policy forbids."""
    for _ in range(200):
        if visit.page.evaluate(wish):
            return
        visit.page.wait_for_timeout(50)
    pytest.fail(f"did not become true: {wish}")


def current_time(visit: Visit) -> float:
    """Where the player is, once it knows its length."""
    until(visit, "document.querySelector('[data-media]')?.readyState >= 1")
    return float(visit.page.evaluate("document.querySelector('[data-media]').currentTime"))


def test_a_folder_becomes_a_hit_at_the_second(visit: Visit, ada: User, videos: Path, settings: Any) -> None:
    settings.IMPORT_ROOTS = [videos]
    fill(videos)
    visit.log_in()
    page = visit.page

    page.get_by_label("Folder on this machine").fill(str(videos))
    page.get_by_role("button", name="Import folder").click()
    page.get_by_text("is being imported").wait_for()
    run_until_idle()
    visit.open("/library/")
    page.get_by_role("link", name="leak-hunt.mp4").wait_for()
    page.get_by_role("searchbox", name="Find a moment").fill("liner seam")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=*")
    with page.expect_response("**/search/moment/**"):
        page.get_by_role("link", name="leak-hunt.mp4").first.click()
    until(visit, "!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")  # else a click is lost
    page.get_by_role("link", name="Open file").last.click()
    page.wait_for_url("**/files/*/?t=*")

    assert current_time(visit) == pytest.approx(SEAM_S, abs=NEAR_S)
    assert visit.said == []


def test_a_correction_is_found(visit: Visit, ada: User, videos: Path) -> None:
    fill(videos)
    files = run_the_line(videos)
    visit.log_in()
    visit.open(f"/files/{files['leak-hunt.mp4'].pk}/?edit=1")
    line = visit.page.get_by_label("Words at 0:07")

    line.fill("We patch it with a neoprene gasket.")
    line.press("Enter")
    visit.page.get_by_text("Saved").wait_for()
    run_until_idle()
    visit.open("/search/?q=neoprene")
    expect(visit.page.get_by_text("gasket").first).to_be_visible()

    assert Transcript.objects.get(file=files["leak-hunt.mp4"]).segments.filter(is_corrected=True).count() == 1
    assert visit.said == []


def test_the_player_seeks_by_line_by_back_and_by_key(visit: Visit, ada: User, videos: Path) -> None:
    file = ready_file(videos)
    visit.log_in()
    visit.open(f"/files/{file.pk}/?t=1")
    assert current_time(visit) == pytest.approx(1, abs=NEAR_S)

    visit.page.get_by_role("link", name="The dye is drawn").click()
    clicked, address = current_time(visit), visit.page.url
    expect(visit.page.get_by_role("link", name="The dye is drawn")).to_have_attribute("aria-current", "true")
    visit.page.go_back()
    until(visit, "document.querySelector('[data-media]').currentTime < 2")
    visit.page.evaluate("document.activeElement.blur()")
    visit.page.keyboard.press(" ")
    until(visit, "!document.querySelector('[data-media]').paused")

    assert clicked == pytest.approx(SEAM_S, abs=NEAR_S)
    assert address.endswith("?t=4")
    assert visit.said == []


def test_captions_are_read_by_the_browser(visit: Visit, ada: User, videos: Path) -> None:
    file = ready_file(videos)
    visit.log_in()
    visit.open(f"/files/{file.pk}/")
    visit.page.evaluate("document.querySelector('video').textTracks[0].mode = 'showing'")

    until(visit, "document.querySelector('video').textTracks[0].cues?.length === 3")

    assert visit.said == []


def test_proxies_are_made_for_everything_that_matches(visit: Visit, ada: User, videos: Path) -> None:
    ready_file(videos)
    before = Job.objects.count()
    visit.log_in()
    visit.open("/library/?q=leak")
    page = visit.page

    page.get_by_label("Everything that matches").check()
    expect(page.get_by_text("The one file that matches is selected")).to_be_visible()
    page.get_by_role("button", name="Make proxies").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 file has it already")).to_be_visible()
    dialog.get_by_label("Profile").fill("360p10")
    dialog.get_by_label("Profile").press("Tab")
    expect(dialog.get_by_role("button", name="Make proxies: 1 file")).to_be_enabled()
    dialog.get_by_role("button", name="Make proxies: 1 file").click()
    page.wait_for_url("**/batches/*/")

    assert Job.objects.count() == before + 1
    assert visit.said == []


def test_escape_closes_the_dialog_and_nothing_is_done(visit: Visit, ada: User, videos: Path) -> None:
    ready_file(videos)
    before = Job.objects.count()
    visit.log_in()
    visit.open("/library/")

    visit.page.keyboard.press("j")
    visit.page.keyboard.press("x")
    expect(visit.page.get_by_text("1 file selected")).to_be_visible()
    visit.page.get_by_role("button", name="Make proxies").click()
    visit.page.get_by_role("dialog").get_by_text("What will happen").wait_for()
    visit.page.keyboard.press("Escape")

    expect(visit.page.get_by_role("dialog")).to_have_count(0)
    assert Job.objects.count() == before
    assert visit.said == []


def test_an_upload_shows_its_progress_and_opens(visit: Visit, ada: User, videos: Path) -> None:
    fill(videos)
    visit.log_in()
    visit.open("/upload/")
    page = visit.page

    page.get_by_label("Videos, sounds or pictures").set_input_files([videos / HOSTILE, videos / "leak-hunt.srt"])
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("in the library", exact=True).wait_for()
    expect(page.locator(".job-row .bad-text")).to_be_visible()
    visit.said = [said for said in visit.said if "400" not in said]  # the refused one, as it should be
    page.get_by_role("link", name=HOSTILE).click()

    expect(page.get_by_role("heading", name=HOSTILE, level=1)).to_be_visible()
    assert visit.said == []
