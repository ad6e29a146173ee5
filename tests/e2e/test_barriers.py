"""Every page, with a file whose name means harm: no barrier in any colours at any width, a silent console, no alert."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from bedrock.models import Entry, month_of
from curation.annotating import annotate_file
from curation.collecting import add_item
from curation.marking import mark_moment
from curation.models import Collection, Tag
from curation.tagging import set_tags
from embeddings.indexing.index import index_text
from embeddings.models import Chunk, SavedQuery
from files.models import File
from jobs.models import Job
from jobs.notices import notify
from jobs.queue import create_batch
from nova.models import NovaJob
from nova.questions.results import keep
from tests.e2e.conftest import NARROW, WIDE, Visit
from tests.e2e.library import HOSTILE, ready_file
from tests.files.factories import make_file, make_problem, make_root
from transcription.models import Segment

#: What the stock admin has and we do not touch.
ADMIN_MAY = {
    "page-has-heading-one",
    "region",
    "landmark-unique",
    "heading-order",
    "empty-table-header",
    "label-title-only",
}
#: What is in order is not told in full: that took a third of the processor time.
ONLY = {"resultTypes": ["violations"]}
RULES: dict[str, Any] = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], **ONLY}
#: All that other colours can break.
COLOUR_RULES: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}, **ONLY}
#: Pages of the admin on which axe looks; the console is listened to on all.
ADMIN_SEEN = ("admin:index", "admin:files_file_changelist", "admin:auth_user_changelist", "admin:jobs_job_changelist")
#: So many tests share the pages: one alone takes minutes, in which the others wait for it.
PARTS = 3
#: Answers to POST, and what is for programs.
NO_PAGES = {
    "metrics",
    "setup-weights",
    "job-action",
    "queue-action",
    "batch-action",
    "jobs-retry-failed",
    "logout",
    "segment-correct",
    "segment-undo",
    "nova-look",
    "nova-waiting",
    "nova-cancel",
    "accept-estimate",
    "choose-profile",
    "listen-again",
    "setup-picture-model",
    "setup-text-model",
    "search-save",
    "search-open",
    "search-forget",
    "search-by-picture",
    "space-add",
    "space-build",
    "space-use",
    "space-delete",
    "spaces-compare",
    "file-restore",
    "folder-add",
    "folder-scan",
    "folder-rules",
    "folder-relocate",
    "folder-restore",
    "duplicates-find",
    "trash-change",
    "batch-undo",
    "file-annotate",
    "file-collect",
    "file-speakers",
    "moment-mark",
    "moment-change",
    "moment-remove",
    "collection-add",
    "collection-change",
    "collection-delete",
    "collection-export",
    "tag-change",
    "tag-suggestion",
}


@pytest.fixture
def hostile(folders: Path, ada: User) -> File:
    """A file that has everything its page can show, and stands on every other page too."""
    file = ready_file(folders / "videos", HOSTILE)
    nova_job = NovaJob.objects.create(file=file, model="local", analysis_types=["summary"], mode="realtime")
    chapter = {"title": HOSTILE, "start_s": 0, "end_s": 9, "summary": "Dye at 0:04.", "key_points": ["One"]}
    pump = {"name": HOSTILE, "time_ranges": [{"start_s": 1, "end_s": 3}], "confidence": "low"}
    results: dict[str, dict[str, Any]] = {
        "summary": {"text": f"{HOSTILE} Dye at 0:04."},
        "chapters": {"chapters": [chapter]},
        "elements": {"equipment": [pump]},
    }
    keep(nova_job, results, version="1", notes=["A time was clamped."])
    NovaJob.objects.create(
        file=file, model="lite", analysis_types=["summary"], mode="flex", status="failed", error="No"
    )
    Segment.objects.filter(transcript__file=file).update(speaker=HOSTILE)
    index_text(file)
    moment = mark_moment(file, start_s=1, end_s=2, name=HOSTILE, note=HOSTILE, tags=["Koi"])
    set_tags(file, ["Koi", "<b>pond"])
    Tag.objects.filter(name="Koi").update(colour="#aa3300")
    annotate_file(file, rating=4, favourite=True, note=HOSTILE)
    collection = Collection.objects.create(name=HOSTILE, note=HOSTILE)
    for subject in (file, moment):
        add_item(collection, subject)
    SavedQuery.objects.create(name=HOSTILE, text=HOSTILE, opened_at=timezone.now())
    make_problem(file.root, HOSTILE)
    make_root(name=HOSTILE, removed_at=timezone.now())
    make_file(file.root, f"gone/{HOSTILE}", removed_at=timezone.now())
    notify("weights", f"Waiting for weights for {HOSTILE}.", remedy="Run `make run`.", url="/setup/")
    money: dict[str, Any] = {"estimated_usd": Decimal("0.02"), "actual_usd": Decimal("0.01")}
    Entry.objects.create(
        question="q",
        purpose="analysis",
        model_key="lite",
        mode="flex",
        state="settled",
        file_id=file.pk,
        file_name=HOSTILE,
        month=month_of(file.imported_at),
        counted_usd=Decimal("0.01"),
        **money,
    )
    batch = create_batch(HOSTILE, "proxy", created_by=ada)
    for state, error in (("failed", f"No {HOSTILE}."), ("running", ""), ("queued", ""), ("succeeded", "")):
        about = {"kind": "make_proxy", "queue": "fast", "subject_kind": "file", "subject_id": file.pk}
        ended_at = timezone.now() if state in ("failed", "succeeded") else None
        batch.jobs.add(Job.objects.create(**about, fingerprint=state, state=state, error=error, finished_at=ended_at))
    return file


def own_pages(file: File) -> dict[str, list[str]]:
    """Every page of ours by the name of its address."""
    page = reverse("file-page", args=[file.pk])
    action = reverse("action", args=["proxy"])
    moment = Chunk.objects.filter(file=file).values_list("pk", flat=True)[0]
    return {
        "login": ["/login/"],
        "home": ["/"],
        "home-running": ["/running/"],
        "library": [
            "/library/",
            f"/library/?directory={file.root.path}",
            "/library/?view=list&q=img",
            "/library/?q=nothing-is-called-so",
        ],
        "library-tree": [f"/library/tree/?directory={file.root.path}"],
        "action": [f"{action}?file={file.pk}", f"{reverse('action', args=['nova'])}?all=1&q=onerror"],
        "action-plan": [f"{action}plan/?file={file.pk}"],
        "file-page": [f"{page}?t=2", f"{page}?edit=1"],
        "file-player": [f"{page}player/?t=2"],
        "file-remove": [f"{page}remove/"],
        "search": ["/search/", "/search/?q=liner&mode=keyword", "/search/?q=onerror&mode=keyword"],
        "search-new": [reverse("search-new", args=[SavedQuery.objects.get().pk])],
        "search-moment": [f"/search/moment/{moment}/"],
        "jobs": ["/jobs/"],
        "batch-page": [reverse("batch-page", args=[Job.objects.filter(batches__isnull=False)[0].batches.get().pk])],
        "spend": ["/spend/", "/spend/?by=file"],
        "nova": ["/nova/"],
        "import": ["/import/"],
        "upload": ["/upload/"],
        "setup": ["/setup/"],
        "spaces": ["/spaces/"],
        "collections": ["/collections/"],
        "folders": ["/folders/"],
        "folder": [reverse("folder", args=[file.root_id])],
        "folder-browse": [
            "/folders/browse/",
            f"/folders/browse/?path={file.root.path}",
            "/folders/browse/?path=/nowhere",
        ],
        "folder-remove": [reverse("folder-remove", args=[file.root_id])],
        "problems": ["/problems/"],
        "trash": ["/trash/"],
        "duplicates": ["/duplicates/"],
        "tag-suggestions": [reverse("tag-suggestions", args=[Tag.objects.get(name="Koi").pk])],
        "collection": [reverse("collection", args=[Collection.objects.get().pk])],
    }


def page_names(resolver: URLResolver | None = None) -> set[str]:
    """The names of all our pages, the admin's and the API's left out."""
    names: set[str] = set()
    for url_pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(url_pattern, URLPattern):
            names |= {url_pattern.name} if url_pattern.name else set()
        elif not str(url_pattern.pattern).startswith(("admin", "api")):
            names |= page_names(url_pattern)
    return names


def admin_pages(file: File) -> list[str]:
    lists = [f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry]
    return ["/admin/", reverse("admin:files_file_change", args=[file.pk]), *map(reverse, lists)]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_has_a_barrier_and_none_runs_a_name(visit: Visit, hostile: File, part: int) -> None:
    visit.log_in()
    pages, found = own_pages(hostile), []
    assert page_names() - pages.keys() - NO_PAGES == set(), "pages that this test does not look at"

    fragments = [
        path
        for name in ("home-running", "library-tree", "action-plan", "file-player", "search-new", "search-moment")
        for path in pages[name]
    ]
    own = [path for paths in pages.values() for path in paths if path not in fragments]
    looked_at = [*own, *map(reverse, ADMIN_SEEN), "/api/?format=api", "/api/tags?format=api", "/nowhere/"]
    for path in looked_at[part::PARTS]:
        visit.page.goto(f"{visit.base}{path}")
        found += [f"{path}: {line}" for line in barriers(visit, path)]
    for path in [*admin_pages(hostile), "/api/docs"][part::PARTS]:
        visit.open(path)
    for path in fragments:
        assert HOSTILE not in visit.page.request.get(f"{visit.base}{path}").text(), path

    assert found == []
    assert [said for said in visit.said if "/nowhere/" not in said] == []


def test_the_login_and_the_empty_library_have_no_barrier(visit: Visit, ada: User) -> None:
    visit.open("/login/")
    found = barriers(visit, "/login/")
    visit.log_in()
    for path in ("/", "/library/", "/search/"):
        visit.open(path)
        found += barriers(visit, path)

    assert found == []
    assert visit.said == []


def barriers(visit: Visit, path: str) -> list[str]:
    """What axe finds on this page wide and narrow, light and dark; and what is wider than the page."""
    page, found = visit.page, []
    for scheme, size, rules in (
        ("light", WIDE, RULES),
        ("dark", WIDE, COLOUR_RULES),
        ("dark", NARROW, COLOUR_RULES),
        ("light", NARROW, RULES),
    ):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate("for (const one of document.getAnimations()) one.finish()")  # the admin's links fade over
        if page.evaluate("typeof axe === 'undefined'"):
            response = Axe().run(page, options=rules).response
        else:
            response = page.evaluate("rules => axe.run(document, rules)", rules)
        found += [f"{scheme}, {size['width']}: {line}" for line in _violations(response, path)]
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if too_wide > 0 and not path.startswith("/admin/"):
        found.append(f"{too_wide} px wider than the page")
    return found


def _violations(response: dict[str, Any], path: str) -> list[str]:
    allowed = ADMIN_MAY if path.startswith("/admin/") else set()
    return [
        f"{one['id']} ({one['help']}): {[node['html'][:140] for node in one['nodes'][:3]]}"
        for one in response["violations"]
        if one["id"] not in allowed
    ]
