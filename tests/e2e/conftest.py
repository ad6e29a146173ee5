"""A real headless Chromium against a real server. Skipped, with the reason, where there is no browser."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

# Playwright's loop lives in the test's own thread, which Django otherwise takes for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
WIDE, NARROW = ViewportSize(width=1400, height=900), ViewportSize(width=360, height=740)


def find_chromium() -> str | None:
    """`CHROMIUM_PATH`, else the first of the usual names in PATH."""
    named = os.environ.get("CHROMIUM_PATH")
    if named:
        return named if Path(named).is_file() else None
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for path in map(shutil.which, names) if path), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = find_chromium() is None
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(240))
            if missing:
                item.add_marker(pytest.mark.skip(reason="no Chromium: install `chromium`, or name it in CHROMIUM_PATH"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A person at a browser: a page that knows its server, and what the console said."""

    page: Page
    base: str
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        try:  # None: the browser was on its way there already, and took it for the same page.
            answer = self.page.goto(f"{self.base}{path}") or self.page.reload()
        except Error:  # what was open loaded itself anew at this very moment
            answer = self.page.goto(f"{self.base}{path}")
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"

    def log_in(self, name: str = "ada", password: str = "lovelace-1843") -> None:
        self.open("/login/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.base}/")


def listen(visit: Visit) -> None:
    """Keep what the console and the page complain about; a broken policy shows here too."""

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "preload" not in message.text:
            visit.said.append(f"{visit.page.url}: {message.text}")

    def asked(dialog: Dialog) -> None:
        visit.said.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.said.append(f"{visit.page.url}: {error}"))
    visit.page.on("dialog", asked)


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Iterator[Visit]:
    context = browser.new_context(viewport=WIDE, locale="en-US")
    visit = Visit(page=context.new_page(), base=live_server.url)
    listen(visit)
    yield visit
    context.close()


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_superuser("ada", password="lovelace-1843")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The everyday tasks and their clicks, as a table."""
    rows = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "everyday" and report.when == "teardown"
    ]
    if rows:
        terminalreporter.section("Everyday tasks, and the clicks that each takes")
        for name, clicks in sorted(dict(rows).items()):
            terminalreporter.write_line(f"{name:<46}{clicks:>3}")
