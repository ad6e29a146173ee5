"""Every address, as nobody, as somebody without permissions, and by a GET where a POST belongs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

from jobs.models import Job
from jobs.queue import enqueue
from tests.files.factories import make_file

pytestmark = pytest.mark.django_db

#: Open to everybody: signing in, and whether the server lives.
OPEN = {"/login/", "/api/health"}
#: For everybody who is logged in; they show nothing of the library.
HARMLESS = {
    "/api",
    "/api/",
    "/admin/logout/",
    "/admin/login/",
    "/admin/jsi18n/",
    "/api/docs",
    "/api/schema",
    "/api/health",
    "/login/",
    "/logout/",
}
CHANGE = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
#: The session of the visit, and the two queues' rows, which are made where they are first listed.
OWN_ROWS = ("django_session", "job_queues")
EXAMPLES = {"int": "1", "slug": "proxy", "str": "x", "path": "x", "uuid": "0" * 8}


def addresses(patterns: list[Any] | None = None, before: str = "/") -> Iterator[str]:
    """One example of every address."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        here = before + example(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, here)
        elif isinstance(entry, URLPattern):
            yield here


def example(pattern: Any) -> str:
    """A pattern with something in its places."""
    if isinstance(pattern, RoutePattern):
        text = str(pattern)
        for name, converter in pattern.converters.items():
            kind = next(kind for kind in EXAMPLES if type(converter).__name__.lower().startswith(kind))
            text = text.replace(f"<{kind}:{name}>", EXAMPLES[kind]).replace(f"<{name}>", EXAMPLES[kind])
        return text
    assert isinstance(pattern, RegexPattern)
    known = {
        r"(?P<pk>\d+)": "1",
        r"(?P<name>\w+)": "fast",
        r"(?P<key>[-\w]+)": "lite",
        r"(?P<profile>global|nearest)": "global",
        r"(?P<app_label>": "",
        r"(?P<url>.*)$": "nowhere",
    }
    text = str(pattern).removeprefix("^")
    for part, word in known.items():
        text = text.replace(part, word)
    if "(?P<action>" in text:
        text = text[: text.index("(?P<action>")] + text[text.index("(?P<action>") + 11 :].split("|")[0].rstrip(")$")
    return text.split("|")[0].rstrip(")$").lstrip("(")


EVERY = sorted(set(addresses()))


def test_the_walk_finds_the_addresses() -> None:
    for known in ("/", "/library/", "/files/1/", "/api/files", "/jobs/1/cancel", "/queues/fast/pause", "/admin/"):
        assert known in EVERY
    assert len(EVERY) > 100


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_sees_anything_without_a_login(client: Client, method: str) -> None:
    make_file()
    answers = {path: getattr(client, method)(path) for path in EVERY if path not in OPEN}

    open_doors = {
        path: answer.status_code
        for path, answer in answers.items()
        if answer.status_code not in (401, 403) and not (answer.status_code == 302 and "/login/" in answer["Location"])
    }
    assert open_doors == {}


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_login_without_permissions_opens_nothing(client: Client, method: str) -> None:
    job = enqueue("make_proxy", make_file(pk=1).pk)
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED)
    client.force_login(User.objects.create_user("bea"))

    answers = {path: getattr(client, method)(path) for path in EVERY if path not in HARMLESS}

    open_doors = {
        path: answer.status_code
        for path, answer in answers.items()
        if answer.status_code not in (401, 403, 404, 405)
        and not (answer.status_code == 302 and "/login/" in answer["Location"])
    }
    assert open_doors == {}


def test_a_get_changes_nothing_where_a_post_belongs(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    doing = [
        path for path in EVERY if path.rsplit("/", 1)[-1] in ("cancel", "retry", "pause", "resume", "retry-failed")
    ]

    answers = {path: client.get(path).status_code for path in [*doing, "/segments/1/", "/logout/"]}

    assert len(doing) > 5
    assert set(answers.values()) == {405}


def test_an_api_address_that_is_for_doing_refuses_to_be_read(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    paths = client.get("/api/schema?format=json").json()["paths"]
    doing = [path for path, operations in paths.items() if "get" not in operations]

    answers = {path: client.get(re.sub(r"{\w+}", "1", path)).status_code for path in doing}

    assert len(doing) > 20
    assert {path: status for path, status in answers.items() if status != 405} == {}


def test_no_get_changes_a_row(client: Client, folders: Path) -> None:
    make_file(pk=1)
    client.force_login(User.objects.create_superuser("ada"))
    written: dict[str, list[str]] = {}

    for path in EVERY:
        if path not in ("/logout/", "/admin/logout/"):
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            changes = [
                sql for query in queries if CHANGE.match(sql := query["sql"]) and not any(t in sql for t in OWN_ROWS)
            ]
            if changes:
                written[path] = changes

    assert written == {}, "\n".join(f"{path}: {sql[:3]}" for path, sql in written.items())


def test_the_api_says_where_to_log_in(client: Client) -> None:
    answer = client.get("/api/files", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert b'href="/login/?next=/api/files"' in answer.content
    assert b"<style" not in answer.content
    assert b' style="' not in answer.content


@pytest.mark.parametrize("path", ["/api/files", "/api/jobs", "/api/files/1", "/api/batch/proxy", "/api/search?q=a"])
def test_a_browser_reads_the_api_as_a_page_of_ours(client: Client, path: str) -> None:
    make_file(pk=1, name="<b>.mp4")
    client.force_login(User.objects.create_superuser("ada"))

    page = client.get(path, headers={"Accept": "text/html"}).content.decode()

    assert 'aria-label="Main"' in page
    assert f"GET {path}" in page
    assert "<b>.mp4" not in page
    assert ' style="' not in page
    assert "<style" not in page
    assert client.get(path).headers["Content-Type"] == "application/json"


def test_the_description_of_the_api_leads_people_to_the_login(client: Client) -> None:
    answer = client.get("/api/docs")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/?next=/api/docs")
    client.force_login(User.objects.create_user("bea"))
    assert "swagger" in client.get("/api/docs").content.decode().lower()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/files/99", 404, "not_found"),
        ("put", "/api/files/1", 405, "method_not_allowed"),
        ("get", "/api/search", 400, "search"),
        ("get", "/api/nowhere", 404, "not_found"),
    ],
)
def test_an_error_says_it_in_words_and_by_a_code(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    anonymous = client.get("/api/files")
    client.force_login(User.objects.create_superuser("ada"))

    answer = getattr(client, method)(path)

    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "not_authenticated")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]
