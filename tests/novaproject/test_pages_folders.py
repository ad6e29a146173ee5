"""Folders, problems and the trash as pages: everything that took a shell before."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from bedrock.errors import FolderNeverSentError
from bedrock.ledger import booking
from bedrock.ledger.booking import ReservationRequest
from files.import_tasks import scan_by_themselves
from files.models import File, Problem, Root
from files.upkeep.removing import remove_file
from jobs.execution.running import run_until_idle
from jobs.models import Job
from tests.files.factories import make_file, make_problem, make_root
from tests.media import make_clip, make_image
from tests.pages import as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def videos(folders: Path, settings: Any) -> Path:
    settings.IMPORT_STEPS, settings.IMPORT_SETTLE_S = [], 0
    place = folders / "videos"
    make_clip(place / "pond.mp4", seconds=0.5)
    return place


def _person(client: Client, *codenames: str) -> User:
    person = User.objects.create_user("bert")
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(person)
    return person


def test_an_administrator_browses_to_any_folder_checks_and_adds_it(ada: Client, videos: Path) -> None:
    level = as_read(ada.get("/folders/browse/", {"path": str(videos.parent)}))
    told = as_read(ada.post("/folders/add/", {"path": str(videos), "look": "1"}, follow=True))
    ada.post("/folders/add/", {"path": str(videos)})
    run_until_idle()
    page = as_read(ada.get("/folders/"))

    assert ">videos</a>" in level
    assert "holds 1 media file" in told
    assert "<h1>1 folder</h1>" in page
    assert "1 file</a>" in page
    assert Root.objects.get().scanned_at is not None


def test_others_stay_inside_the_import_roots(client: Client, videos: Path, settings: Any) -> None:
    settings.IMPORT_ROOTS = [videos]
    _person(client, "view_file", "add_file", "view_root")

    inside = as_read(client.get("/folders/browse/", {"path": str(videos)}))
    outside = as_read(client.get("/folders/browse/", {"path": str(videos.parent)}))
    refused = as_read(client.post("/folders/add/", {"path": str(videos.parent)}, follow=True))

    assert "One level up" not in inside
    assert "is not in a folder that may be imported" in outside
    assert "is not in a folder that may be imported" in refused
    assert not Root.objects.exists()


def test_the_rules_of_a_folder_are_saved_and_a_wrong_one_is_told(ada: Client) -> None:
    root = make_root()
    page = f"/folders/{root.pk}/"

    ada.post(
        f"{page}rules/",
        {
            "never_send": "on", "own_steps": "on", "steps": ["proxy", "transcribe"], "languages": "de, en",
            "vocabulary": "Koi\nLiner", "audio_track": "1", "scan_minutes": "5",
        },
    )  # fmt: skip
    root.refresh_from_db()
    wrong = as_read(ada.post(f"{page}rules/", {"audio_track": "loud"}, follow=True))

    assert (root.never_send, root.steps, root.languages) == (True, ["proxy", "transcribe"], ["de", "en"])
    assert (root.vocabulary, root.audio_track, root.scan_minutes) == (["Koi", "Liner"], 1, 5)
    assert "The rules were not saved" in wrong


def test_a_moved_folder_is_followed_after_a_check(ada: Client, videos: Path) -> None:
    ada.post("/folders/add/", {"path": str(videos)})
    run_until_idle()
    root = Root.objects.get()
    moved = videos.rename(videos.parent / "elsewhere")
    page = f"/folders/{root.pk}/"

    checked = as_read(ada.post(f"{page}relocate/", {"path": str(moved), "check": "1"}, follow=True))
    before = Root.objects.get().path
    ada.post(f"{page}relocate/", {"path": str(moved), "go": "1"})
    run_until_idle()

    assert "1 of 1 files that were compared are the same there" in checked
    assert before == str(videos)
    assert Root.objects.get().path == str(moved)
    assert File.objects.get().state == "available"


def test_a_removed_folder_comes_back_with_what_left_with_it(ada: Client, videos: Path) -> None:
    make_clip(videos / "gone-before.mp4", seconds=0.5, tone_hz=900)
    ada.post("/folders/add/", {"path": str(videos)})
    run_until_idle()
    root = Root.objects.get()
    remove_file(File.objects.get(name="gone-before.mp4"))

    told = as_read(ada.post(f"/folders/{root.pk}/remove/", follow=True))
    run_until_idle()
    left = File.objects.count()
    ada.post(f"/folders/{root.pk}/restore/")
    run_until_idle()

    assert "Undo</button>" in told
    assert left == 0
    assert [file.name for file in File.objects.all()] == ["pond.mp4"]
    assert (videos / "pond.mp4").is_file()


def test_a_removed_folder_is_not_looked_through_and_an_import_brings_it_back(ada: Client, videos: Path) -> None:
    ada.post("/folders/add/", {"path": str(videos)})
    run_until_idle()
    ada.post(f"/folders/{Root.objects.get().pk}/remove/")
    run_until_idle()

    asked = scan_by_themselves(timezone.now() + timedelta(days=9))
    ada.post("/folders/add/", {"path": str(videos)})
    run_until_idle()

    assert asked == 0
    assert Root.objects.get().removed_at is None
    assert File.objects.count() == 1


@pytest.mark.parametrize(("own", "ago", "scans"), [(None, 61, 1), (None, 59, 0), (5, 6, 1), (0, 9999, 0), (600, 61, 0)])
def test_folders_are_looked_through_as_often_as_they_should(
    settings: Any, own: int | None, ago: int, scans: int
) -> None:
    settings.SCAN_MINUTES = 60
    now = timezone.now()
    make_root(scan_minutes=own, scanned_at=now - timedelta(minutes=ago))

    assert scan_by_themselves(now) == scans
    assert Job.objects.filter(kind="scan_root").count() == scans


def test_no_folder_is_looked_through_by_itself_where_that_is_off(settings: Any) -> None:
    settings.SCAN_MINUTES = 0
    make_root()

    assert scan_by_themselves() == 0


def test_problems_are_shown_with_their_remedy_and_retried(ada: Client) -> None:
    problem = make_problem(make_root(), "broken.mp4", reason="It is cut short.", remedy="Copy it again.")

    page = as_read(ada.get("/problems/"))
    ada.post(f"/folders/{problem.root_id}/scan/", {"retry_problems": "1", "next": "/problems/"})

    assert "It is cut short. Copy it again." in page
    assert Job.objects.get().options == {"retry_problems": True}
    assert Problem.objects.exists()


def test_the_trash_puts_files_back_and_empties_uploads(ada: Client, folders: Path) -> None:
    kept = make_file(make_root(folders / "media"))
    uploads = make_root(folders / "uploads", is_uploads=True)
    make_image(folders / "uploads" / "koi.png")
    upload = make_file(uploads, "koi.png")
    for file in (kept, upload):
        remove_file(file)

    page = as_read(ada.get("/trash/"))
    ada.post("/trash/change/", {"file": [kept.pk]})
    run_until_idle()
    ada.post("/trash/change/", {"empty": "1"})

    assert "2 files in the trash" in page
    assert File.objects.filter(pk=kept.pk).exists()
    assert not File.everything.filter(pk=upload.pk).exists()


def _reservation(file: File) -> ReservationRequest:
    asked: dict[str, Any] = {"question": f"q{file.pk}", "purpose": "analysis", "model_key": "lite", "mode": "flex"}
    return ReservationRequest(**asked, usd=None, price=None, file_id=file.pk)


def test_nothing_of_a_folder_that_is_never_sent_is_ever_reserved() -> None:
    kept, free = make_file(make_root(never_send=True)), make_file(make_root())

    with pytest.raises(FolderNeverSentError, match="nothing of that folder is sent"):
        booking.reserve_many([_reservation(free), _reservation(kept)])
    refused = booking.refusals([_reservation(free), _reservation(kept)])

    assert list(refused) == [f"q{kept.pk}"]


def test_an_action_that_sends_passes_over_such_folders_and_says_how_many(settings: Any) -> None:
    api = APIClient()
    api.force_authenticate(User.objects.create_superuser("ada"))
    kept, free = make_file(make_root(never_send=True)), make_file(make_root())
    options = {"model": "lite", "analysis_types": ["summary"], "mode": "flex"}

    plan = api.post("/api/estimate", {"action": "nova", "filter": {}, "options": options}).json()
    local = api.post("/api/estimate", {"action": "nova", "filter": {}, "options": {"model": "local"}}).json()
    refused = api.post("/api/batch/nova", {"file_ids": [kept.pk], "options": options})

    assert (plan["total"], plan["left_out"]) == (1, [{"reason": "never_send", "count": 1}])
    assert (local["total"], local["left_out"]) == (2, [])
    assert (refused.status_code, refused.json()["code"]) == (409, "never_send")
    assert free.pk


def test_the_api_has_the_rules_the_removal_and_the_move_of_a_folder(folders: Path, settings: Any) -> None:
    api = APIClient()
    api.force_authenticate(User.objects.create_superuser("ada"))
    root = make_root(folders / "a")
    settings.IMPORT_ROOTS = [folders]
    (folders / "b").mkdir()

    changed = api.patch(f"/api/roots/{root.pk}", {"never_send": True, "languages": ["de"]})
    unknown = api.patch(f"/api/roots/{root.pk}", {"never_sent": True})
    would = api.post(f"/api/roots/{root.pk}/relocate", {"path": str(folders / "b"), "dry_run": True})
    gone = api.delete(f"/api/roots/{root.pk}")

    assert (changed.json()["never_send"], changed.json()["languages"]) == (True, ["de"])
    assert "never_sent" in unknown.json()
    assert (would.status_code, would.json()["checked"]) == (200, 0)
    assert gone.status_code == 204
    assert api.get("/api/roots").json()["count"] == 0
