"""Pictures of the pages for README and user guide, with the demonstration clips. `make pictures` writes docs/images."""

import io
import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from PIL import Image
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from files import conf
from files.import_tasks import import_now
from files.models import File
from jobs.queue import run_until_idle
from novaproject.demonstration import make_clips
from tests.e2e.conftest import NARROW, WIDE, Visit, listen

FOLDER = os.environ.get("TEST_PICTURES", "")
SEARCH = "the drums begin"
#: Few enough for a picture of some 60 KB, and still what the page looks like.
COLOURS = 64
#: Shown dark and on a telephone, too.
ALSO = {"home", "library", "file", "search"}
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not FOLDER, reason="pictures are made by `make pictures`"),
]


def take(visit: Visit, name: str) -> None:
    # Posters, and the frame that the player stands at without its waiting sign.
    visit.page.evaluate("for (const one of document.querySelectorAll('video')) one.preload = 'auto'")
    for _ in range(30):
        visit.page.wait_for_timeout(100)
        if visit.page.evaluate("[...document.querySelectorAll('video')].every((one) => one.readyState === 4)"):
            break
    visit.page.wait_for_timeout(500)
    with Image.open(io.BytesIO(visit.page.screenshot())) as shot:
        small = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(Path(FOLDER) / f"{name}.png", optimize=True)


def test_pictures_of_every_page(browser: Browser, live_server: LiveServer, ada: User, folders: Path) -> None:
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    import_now(make_clips(conf.folders().demonstration))
    run_until_idle()
    file = File.objects.order_by("-duration_s")[0]
    pages = {  # none that shows a path of the machine
        "home": "/",
        "library": "/library/",
        "list": "/library/?view=list",
        "file": f"/files/{file.pk}/?t=9",
        "search": f"/search/?q={SEARCH}",
        "action": f"/library/do/nova/?file={file.pk}",
        "jobs": "/jobs/",
        "spend": "/spend/",
    }

    for scheme, viewport, ending in (("light", WIDE, ""), ("dark", WIDE, "-dark"), ("light", NARROW, "-narrow")):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        visit = Visit(page=context.new_page(), base=live_server.url)
        listen(visit)
        visit.log_in()
        for name, path in pages.items():
            if not ending or name in ALSO:
                visit.open(path)
                take(visit, f"{name}{ending}")
        context.close()
        assert visit.said == []
