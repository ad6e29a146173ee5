"""What is seen, in a real browser: a hit with its still, the player at its second, by frame and by picture, a class of
one's own with one key, and files that show the same.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from curation.models import FileTag, Tag, TagRefusal
from embeddings.indexing import pictures
from embeddings.searching import seen
from embeddings.stores import bit_matrix
from files.models import File
from tests.e2e.conftest import Visit
from tests.embeddings.tiny_clip import SCENES, THINGS, view, write_tiny_clip
from tests.files.factories import make_root
from tests.vision.videos import add_picture, add_video
from vision.duplicates.finding import find_duplicates
from vision.frames.choosing import choose_frames

SHOTS = [("apple", "snow"), ("lemon", "night"), ("whale", "desert")]


@pytest.fixture
def model(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.PICTURE_MODEL_DIR, settings.PICTURE_MODEL, settings.PICTURE_PROVIDER = tmp_path, "tiny", "local"
    write_tiny_clip(tmp_path / "tiny")
    seen.forget()
    bit_matrix.forget()
    yield
    seen.forget()
    bit_matrix.forget()


@pytest.fixture
def clip(ada: User, model: None, folders: Path) -> File:
    """Three seconds an apple in the snow, three a lemon at night, three a whale in the desert, and other clips."""
    root = make_root(folders / "media")
    shown = [SHOTS, [("plum", "meadow"), ("lemon", "sea")], [("frog", "sunset"), ("bear", "blossom")]]
    files = [
        add_video(folders / "media", [(3.0, view(*one)) for one in shots], name=f"clip-{number}.mp4", root=root)
        for number, shots in enumerate(shown)
    ]
    for file in files:
        pictures.see_file(file)
    return files[0]


def test_a_seen_hit_has_its_still_and_opens_the_player_at_that_second(visit: Visit, clip: File) -> None:
    page = visit.page
    visit.log_in()
    visit.open("/search/?q=a+lemon+at+night")

    first = page.locator("li.moment").first
    expect(first).to_contain_text("Seen")
    still = first.locator("img")
    expect(still).to_have_attribute("src", f"/api/files/{clip.pk}/frames/1")
    page.wait_for_function("() => document.querySelector('li.moment img').naturalWidth > 0")
    first.get_by_role("link", name="Open file").click()

    page.wait_for_url(re.compile(r"/files/\d+/\?t=3"))
    page.wait_for_function(
        "() => { const v = document.querySelector('video[data-media]'); return v && v.readyState > 0; }"
    )
    assert 2.9 < page.evaluate("() => document.querySelector('video[data-media]').currentTime") < 3.6
    assert visit.said == []


def test_a_frame_of_the_player_and_a_picture_of_ones_own_find_what_looks_alike(
    visit: Visit, clip: File, tmp_path: Path
) -> None:
    page = visit.page
    visit.log_in()
    visit.open(f"/files/{clip.pk}/?t=4")
    page.wait_for_function(
        "() => { const v = document.querySelector('video[data-media]'); return v && v.readyState > 0; }"
    )
    page.get_by_role("link", name="More like this frame").click()

    page.wait_for_url(re.compile(r"/search/\?.*like_frame="))
    expect(page.locator("li.moment").first).to_contain_text("clip-1.mp4")
    expect(page.locator("li.moment", has_text="clip-0.mp4")).to_have_count(0)

    view("bear", "blossom").save(tmp_path / "bear.png")
    visit.open("/search/")
    page.get_by_text("Look for a picture of your own").click()
    page.get_by_label("Picture", exact=True).set_input_files(tmp_path / "bear.png")
    page.get_by_role("button", name="Look for it").click()

    page.wait_for_url("**/search/picture/")
    expect(page.locator("li.moment").first).to_contain_text("clip-2.mp4")
    expect(page.get_by_role("status").filter(has_text="Like your picture")).to_be_visible()
    assert visit.said == []


def test_a_class_is_suggested_accepted_and_refused_with_one_key(
    visit: Visit, ada: User, model: None, folders: Path
) -> None:
    root, scenes = make_root(folders / "media"), [scene for scene in SCENES if scene != "sea"]
    things = ["whale"] * 3 + [thing for thing in THINGS if thing != "whale"] * 3
    for number, thing in enumerate(things):
        picture = view(thing, scenes[number % len(scenes)])
        pictures.see_file(add_picture(folders / "media", picture, name=f"{thing}-{number}.jpg", root=root))
    tag = Tag.objects.create(name="whale")
    page = visit.page
    visit.log_in()
    visit.open("/collections/")
    page.get_by_role("link", name="what else could be it").click()

    rows = page.locator("[data-suggestion]:visible")
    expect(rows.first).to_contain_text("whale-")
    expect(rows.first).to_contain_text("looks like “whale”")
    count = rows.count()
    names = rows.locator("[data-key-item]").all_inner_texts()
    page.keyboard.press("a")
    expect(page.locator("[data-said]")).to_contain_text(f"Accepted {names[0]}")
    page.keyboard.press("r")
    expect(page.locator("[data-said]")).to_contain_text(f"Refused {names[1]}")
    expect(rows).to_have_count(count - 2)

    assert list(FileTag.objects.values_list("file__name", "tag")) == [(names[0], tag.pk)]
    assert list(TagRefusal.objects.values_list("file__name", flat=True)) == [names[1]]
    page.keyboard.press("u")
    expect(page.locator("[data-said]")).to_contain_text(f"{names[1]} is as before")
    assert not TagRefusal.objects.exists()
    assert visit.said == []


def test_files_that_show_the_same_stand_together(visit: Visit, ada: User, folders: Path) -> None:
    root = make_root(folders / "media")
    shots = [(3.0, view(*one)) for one in SHOTS]
    for name, size in (("original.mp4", (320, 180)), ("smaller.mp4", (160, 90))):
        pictures_of_size = [(length, picture.resize(size)) for length, picture in shots]
        choose_frames(add_video(folders / "media", pictures_of_size, name=name, root=root))
    choose_frames(add_video(folders / "media", [(4.0, view("frog", "sunset"))], name="other.mp4", root=root))
    find_duplicates()
    visit.log_in()
    visit.open("/duplicates/")

    group = visit.page.locator("section.panel").first
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("1 group")
    expect(group).to_contain_text("original.mp4")
    expect(group).to_contain_text("smaller.mp4")
    expect(group).not_to_contain_text("other.mp4")
    assert visit.said == []
