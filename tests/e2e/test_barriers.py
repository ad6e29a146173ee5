"""axe on every page, light and dark, wide and narrow: no barrier, a silent console, nothing wider than the page."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.contrib.auth.models import User
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from files.models import File
from jobs.models import Job
from jobs.notices import notify
from nova.models import NovaJob
from nova.results import keep
from tests.e2e.conftest import NARROW, WIDE, Visit, listen
from tests.e2e.library import HOSTILE, ready_file

FOREIGN = ("/admin/", "/api/")
#: What the stock admin has and we do not touch.
ADMIN_MAY = {
    "page-has-heading-one",
    "region",
    "landmark-unique",
    "heading-order",
    "empty-table-header",
    "label-title-only",
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def analysed(folder: Path) -> File:
    """A file that has everything its page can show."""
    file = ready_file(folder, HOSTILE)
    nova_job = NovaJob.objects.create(file=file, model="local", analysis_types=["summary"], mode="realtime")
    chapter = {"title": "All of it", "start_s": 0, "end_s": 9, "summary": "Dye at 0:04.", "key_points": ["One"]}
    pump = {"name": "Pump", "time_ranges": [{"start_s": 1, "end_s": 3}], "confidence": "low"}
    results: dict[str, dict[str, Any]] = {
        "summary": {"text": "Dye at 0:04."},
        "chapters": {"chapters": [chapter]},
        "elements": {"equipment": [pump]},
    }
    keep(nova_job, results, version="1", notes=["A time was clamped."])
    notify("weights", "Waiting for weights.", remedy="Run `make run`.", url="/setup/")
    Job.objects.create(
        kind="make_proxy",
        queue="fast",
        subject_kind="file",
        subject_id=file.pk,
        fingerprint="f",
        state="failed",
        error="No.",
    )
    Job.objects.create(
        kind="make_proxy", queue="fast", subject_kind="file", subject_id=file.pk, fingerprint="g", state="running"
    )
    return file


def pages(file: File) -> list[str]:
    return [
        "/",
        "/library/",
        "/library/?view=list&q=img",
        "/library/?q=nothing-is-called-so",
        f"/library/do/proxy/?file={file.pk}",
        f"/files/{file.pk}/?t=2",
        f"/files/{file.pk}/?edit=1",
        "/search/",
        "/search/?q=liner",
        "/jobs/",
        "/spend/",
        "/nova/",
        "/admin/files/file/",
        "/api/files?format=api",
        "/api/docs",
        "/import/",
        "/upload/",
        "/setup/",
        "/nowhere/",
        "/admin/",
        "/admin/auth/user/",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_no_page_has_a_barrier(
    browser: Browser, live_server: LiveServer, ada: User, folders: Path, scheme: str, width: str
) -> None:
    file = analysed(folders / "videos")
    context = browser.new_context(viewport=WIDE if width == "wide" else NARROW, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(page=context.new_page(), base=live_server.url)
    listen(visit)
    visit.log_in()
    found = []

    for path in pages(file):
        visit.page.goto(f"{visit.base}{path}")
        if not path.startswith("/api/"):  # the framework's own pages: silent console, strict policy, and no more
            found += [f"{path}: {line}" for line in barriers(visit, path)]
        too_wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if too_wide > 0 and not path.startswith(FOREIGN):
            found.append(f"{path}: {too_wide} px wider than the page")

    context.close()
    assert found == []
    assert [said for said in visit.said if "/nowhere/" not in said] == []


def test_the_login_and_the_empty_library_have_no_barrier(visit: Visit, ada: User) -> None:
    visit.open("/login/")
    found = barriers(visit, "/login/")
    visit.log_in()

    assert found + barriers(visit, "/") == []
    assert visit.said == []


def barriers(visit: Visit, path: str) -> list[str]:
    results = Axe().run(visit.page, options=RULES)
    allowed = ADMIN_MAY if path.startswith("/admin/") else set()
    return [
        f"{one['id']} ({one['help']}): {[node['html'][:140] for node in one['nodes'][:3]]}"
        for one in results.response["violations"]
        if one["id"] not in allowed
    ]
