"""The everyday tasks of somebody with a library and no shell, each in a browser, with the number of its clicks.

A click is a press of the mouse; what is typed, and a key that ends it, is none. The numbers are printed as a table.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import opentimelineio
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from curation.models import FileTag, Moment
from files.import_tasks import import_now
from files.models import File, Root
from jobs.execution.running import run_until_idle
from tests.e2e.conftest import Visit
from tests.e2e.library import LINES, ready_file
from tests.files.factories import make_file, make_root
from tests.media import make_clip
from tests.standin.world import World
from transcription.models import Segment, Transcript
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript


class Hand:
    """A person's hand at the mouse, which counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks += 1

    def link(self, name: str, within: Any = None) -> None:
        self.click((within or self.page).get_by_role("link", name=name).first)

    def button(self, name: str, within: Any = None) -> None:
        self.click((within or self.page).get_by_role("button", name=name).first)


@pytest.fixture
def hand(visit: Visit, ada: User, folders: Path) -> Hand:
    """Somebody who is logged in, at the home page."""
    visit.log_in()
    return Hand(visit.page)


@pytest.fixture
def task(hand: Hand, visit: Visit, request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Says what was done and in how many clicks; more or fewer than these is a failure, as is a complaint."""

    def done(name: str, clicks: int) -> None:
        request.node.user_properties.append(("everyday", (name, hand.clicks)))
        assert hand.clicks == clicks
        assert visit.said == []

    return done


def clips(folder: Path, *names: str, seconds: float = 1.0) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_clip(folder / name, seconds=seconds, size="160x90")
    return folder


def test_the_first_and_the_second_folder(hand: Hand, folders: Path, task: Any, settings: Any) -> None:
    settings.IMPORT_ROOTS = []
    first, second = clips(folders / "first", "pond.mp4"), clips(folders / "second", "dam.mp4")
    page = hand.page

    page.reload()
    page.get_by_label("Folder on this machine").fill(str(first))
    hand.button("Import folder")
    run_until_idle()
    hand.link("Folders")
    hand.link("Add a folder")
    page.get_by_label("Folder on this machine").fill(str(second))
    hand.button("Add folder")
    run_until_idle()

    assert sorted(File.objects.values_list("name", flat=True)) == ["dam.mp4", "pond.mp4"]
    task("First and second folder", 4)


def test_a_drive_that_was_moved_is_followed(hand: Hand, folders: Path, task: Any) -> None:
    before, now = clips(folders / "drive", "pond.mp4", "dam.mp4"), folders / "new-drive"
    import_now(before)
    kept = set(File.objects.values_list("pk", flat=True))
    before.rename(now)
    page = hand.page

    hand.link("Folders")
    hand.link("drive")
    page.get_by_label("New place").fill(str(now))
    hand.button("Check first")
    expect(page.get_by_role("status").first).to_contain_text("same")
    hand.button("Follow it there")
    run_until_idle()

    assert Root.objects.get().path == str(now)
    assert set(File.objects.values_list("pk", flat=True)) == kept
    task("A moved drive", 4)


def test_a_file_is_removed_and_put_back(hand: Hand, folders: Path, task: Any) -> None:
    file = ready_file(folders / "videos")
    page = hand.page
    page.reload()

    hand.link(file.name)
    hand.link("Remove from library")
    hand.button("Remove from library", page.get_by_role("dialog"))
    expect(page.get_by_text("was removed from the library")).to_be_visible()
    gone = File.objects.count()
    hand.button("Undo")
    expect(page.get_by_text("is in the library again")).to_be_visible()

    assert (gone, File.objects.count()) == (0, 1)
    task("A file removed and back", 4)


def test_duplicates_are_found(hand: Hand, folders: Path, task: Any) -> None:
    folder = clips(folders / "videos", "pond.mp4")
    (folder / "copy").mkdir()
    (folder / "copy" / "pond again.mp4").write_bytes((folder / "pond.mp4").read_bytes())
    import_now(folder)
    run_until_idle()
    page = hand.page

    hand.link("Folders")
    hand.link("Duplicates")
    hand.button("Find duplicates")
    run_until_idle()
    page.reload()
    expect(page.get_by_role("heading", name="Same bytes")).to_be_visible()
    expect(page.get_by_role("link", name="pond again.mp4")).to_be_visible()

    task("Duplicates", 3)


def test_the_clips_of_a_folder_without_a_transcript(hand: Hand, folders: Path, task: Any) -> None:
    root = make_root(folders / "Films")
    said, silent, elsewhere = (make_file(root, path) for path in ("2026/a.mp4", "2026/b.mp4", "2027/c.mp4"))
    save_transcript(said, NewTranscript(provider="sidecar", segments=[SpokenSegment(start_s=0, end_s=1, text="Hi")]))
    page = hand.page

    hand.link("Library")
    hand.click(page.locator("summary", has_text="Folders").first)
    hand.click(page.get_by_label("Folders in Films"))
    hand.link("2026")
    page.get_by_label("Transcript").select_option("false")
    hand.button("Apply")
    shown = page.get_by_role("heading", level=3)
    expect(shown).to_have_text([silent.name])

    assert elsewhere.name != silent.name
    task("All clips of a folder without a transcript", 5)


def test_the_price_of_a_nights_batch_is_told_before(
    hand: Hand, aws: World, folders: Path, task: Any, settings: Any
) -> None:
    settings.IMPORT_STEPS = []
    for number in range(3):
        make_file(make_root(folders / str(number)), f"pump {number}.mp4", duration_s=600.0)
    page = hand.page

    hand.link("Library")
    hand.click(page.get_by_label("Everything that matches"))
    hand.button("Analyse…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Model").select_option("lite")
    hand.click(dialog.get_by_label("Batch"))
    expect(dialog.get_by_role("button", name="Analyse: 3 files for about $")).to_be_visible()

    assert aws.bill == []
    task("The price of a night's batch", 4)


def test_two_hundred_clips_are_tagged_and_found_again(hand: Hand, folders: Path, task: Any) -> None:
    root = make_root(folders / "videos")
    for number in range(200):
        make_file(root, f"pond {number:03}.mp4")
    make_file(root, "dam.mp4")
    page = hand.page

    hand.link("Library")
    page.get_by_label("Name or folder").fill("pond")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("200 files match")
    hand.click(page.get_by_label("Everything that matches"))
    hand.button("Tag…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Add tags").fill("Koi")
    page.keyboard.press("Tab")
    hand.button("Tag: 200 files", dialog)
    expect(page.get_by_text("Tag 200 files: done.")).to_be_visible()
    hand.link("Clear all")
    page.get_by_label("Tag").first.fill("Koi")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("200 files match")

    assert FileTag.objects.count() == 200
    task("200 clips tagged and found again", 5)


def test_a_moment_is_named_and_found(hand: Hand, folders: Path, task: Any) -> None:
    file = ready_file(folders / "videos")
    page = hand.page
    page.reload()

    hand.link(file.name)
    media = page.locator("[data-media]")
    media.evaluate("media => { media.pause(); media.currentTime = 4; }")
    page.keyboard.press("i")
    media.evaluate("media => { media.currentTime = 6; }")
    page.keyboard.press("o")
    page.locator("[data-mark-form]").get_by_label("Name").fill("The leap of the koi")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Marked “The leap of the koi”")).to_be_visible()
    page.get_by_role("searchbox", name="Find a moment").fill("leap")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The leap of the koi").first).to_be_visible()

    moment = Moment.objects.get()
    assert (moment.start_s, moment.end_s) == pytest.approx((4, 6), abs=0.2)
    task("A moment named and found", 1)


def test_a_collection_goes_to_an_editing_program(hand: Hand, folders: Path, task: Any) -> None:
    root = make_root(folders / "videos")
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        make_file(root, name)
    page = hand.page

    hand.link("Library")
    hand.click(page.get_by_label("Everything that matches"))
    hand.button("Add to a collection…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Or a new one").fill("Trailer")
    page.keyboard.press("Tab")
    hand.button("Add to a collection: 3 files", dialog)
    hand.link("Collections")
    hand.link("Trailer")
    with page.expect_download() as download:
        hand.link("OTIO")

    timeline = opentimelineio.adapters.read_from_string(Path(download.value.path()).read_text(), "otio_json")
    names = [clip.name for clip in timeline.video_tracks()[0]]
    assert download.value.suggested_filename == "Trailer.otio"
    assert sorted(names) == ["a.mp4", "b.mp4", "c.mp4"]
    task("A collection exported to an editor", 7)


def test_a_speaker_is_named(hand: Hand, folders: Path, task: Any) -> None:
    file = ready_file(folders / "videos")
    Segment.objects.filter(transcript__file=file).update(speaker="speaker_1")
    page = hand.page
    page.reload()

    hand.link(file.name)
    page.get_by_label("Name of speaker_1").fill("Ada Byron")
    hand.button("Save names")
    expect(page.get_by_role("group", name="Lines of the transcript").get_by_text("Ada Byron").first).to_be_visible()
    page.get_by_role("searchbox", name="Find a moment").fill("Ada Byron")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=file.name).first).to_be_visible()

    task("A speaker named", 2)


def test_a_word_is_corrected_and_the_correction_undone(hand: Hand, folders: Path, task: Any) -> None:
    file = ready_file(folders / "videos")
    page = hand.page
    page.reload()

    hand.link(file.name)
    hand.link("Correct")
    page.get_by_label("Words at 0:07").fill("We patch it with a gasket.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved")).to_be_visible()
    corrected = Transcript.objects.get().segments.get(index=2).text
    hand.button("Undo")
    expect(page.get_by_text("Undone")).to_be_visible()

    assert corrected == "We patch it with a gasket."
    assert Transcript.objects.get().segments.get(index=2).text == LINES[2][2]
    task("A word corrected and the correction undone", 3)


def test_what_came_in_since_yesterday(hand: Hand, folders: Path, task: Any) -> None:
    root, quiet = make_root(folders / "camera"), make_root(folders / "archive")
    make_file(quiet, "old.mp4", imported_at=timezone.now() - timedelta(days=3))
    for name in ("new 1.mp4", "new 2.mp4"):
        make_file(root, name)
    page = hand.page
    page.reload()

    arrived = page.get_by_role("region", name="Came in since yesterday")
    expect(arrived).to_contain_text("camera")
    expect(arrived).not_to_contain_text("archive")
    hand.link("2 files", arrived)
    expect(page.get_by_role("heading", level=3)).to_have_text(["new 2.mp4", "new 1.mp4"])

    task("What came in since yesterday", 1)
