"""Pictures of the pages for README and user guide, with the demonstration clips. `make pictures` writes docs/images."""

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from bedrock.ledger import booking
from bedrock.models import Entry
from bedrock.pricing import Usage
from files import conf
from files.import_tasks import import_now
from files.models import File
from jobs.execution.running import run_until_idle
from jobs.models import Cluster, Job
from jobs.queue import create_batch, enqueue
from novaproject.setup.demonstration import make_clips
from tests.bedrock.test_ledger import ask
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


#: The player shows its waiting sign until it has painted a frame that was played, so each plays one and goes back.
PAINT = """async () => {
  for (const video of document.querySelectorAll("video[data-media]")) {
    const painted = () => Promise.race([
      new Promise((done) => video.requestVideoFrameCallback(done)),
      new Promise((_, fail) => setTimeout(() => fail(new Error(`no frame of ${video.currentSrc}`)), 20000)),
    ]);
    const at = video.currentTime;
    video.muted = true;
    let frame = painted();
    await video.play();
    await frame;
    video.pause();
    frame = painted();
    video.currentTime = at;
    await frame;
    video.muted = false;
  }
}"""


def take(visit: Visit, name: str) -> None:
    visit.page.wait_for_load_state("networkidle")
    visit.page.evaluate(PAINT)
    visit.page.wait_for_timeout(1000)  # the player's own signs fade away
    with Image.open(io.BytesIO(visit.page.screenshot())) as shot:
        small = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(Path(FOLDER) / f"{name}.png", optimize=True)


def a_past(file: File) -> None:
    """Two weeks of spending, a day of jobs, and one that runs, so that the plots have something to show."""
    now = timezone.now()
    for day in range(14):
        entry = booking.reserve(ask(f"q{day}", analysis_type="summary", file_id=file.pk, file_name=file.name))
        booking.settle(entry, usage=Usage(input_tokens=9_000 * (day * day % 7 + 1)))
        Entry.objects.filter(pk=entry.pk).update(created_at=now - timedelta(days=day))
    for number, job in enumerate(Job.objects.order_by("pk")):
        ended = now - timedelta(hours=number % 5)
        moments = {"created_at": ended - timedelta(hours=2), "started_at": ended - timedelta(seconds=40 + number)}
        Job.objects.filter(pk=job.pk).update(**moments, finished_at=ended)
    Cluster.objects.create(queue="long", owner="a worker", workers=4, seen_at=now + timedelta(hours=1))
    batch = create_batch("Make smaller proxies of 3 files", "proxy")
    jobs = [enqueue("make_proxy", one.pk, {"profile": "360p10"}, batch=batch) for one in File.objects.order_by("name")]
    running = {"state": Job.State.RUNNING, "progress": 0.4, "started_at": now - timedelta(seconds=20)}
    held = {"lease_owner": "a worker", "lease_expires_at": now + timedelta(hours=1)}
    Job.objects.filter(pk=jobs[0].pk).update(**running, **held, message="Encoding")


def test_pictures_of_every_page(browser: Browser, live_server: LiveServer, ada: User, folders: Path) -> None:
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    import_now(make_clips(conf.folders().demonstration))
    run_until_idle()
    file = File.objects.order_by("-duration_s")[0]
    a_past(file)
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
                if name == "action":
                    visit.page.get_by_label("Model").select_option("lite")
                    visit.page.get_by_role("button", name="for $").wait_for()
                take(visit, f"{name}{ending}")
        context.close()
        assert visit.said == []
