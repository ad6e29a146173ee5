"""The library in the admin, as a browser without JavaScript sees it."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from files import removal_tasks
from files.importing import roots
from files.models import File, Problem, Proxy, RemovedFile
from files.upkeep import removing
from jobs import queue
from jobs.execution import running
from jobs.execution.running import run_until_idle
from jobs.models import Batch, Job
from tests.files.factories import make_derived, make_file, make_problem, make_proxy_row, make_root

pytestmark = pytest.mark.django_db
FILES = "/admin/files/file/"


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def shown(client: Client, query: str) -> set[str]:
    answer = client.get(f"{FILES}?{query}")
    assert answer.status_code == 200, answer
    return {file.path for file in answer.context["cl"].result_list}


def test_the_list_shows_what_there_is_and_how_much(admin_client: Client, folders: Path) -> None:
    root = make_root("/drive/a")
    file = make_file(root, "trip/alpha.mp4", size_bytes=1_500_000_000, duration_s=3723)
    make_proxy_row(file)
    make_derived(file, poster=b"jpeg")
    other = make_file(root, "b.mp4", size_bytes=500_000_000)

    page = text(admin_client, FILES)

    assert "2 files · 2.0 GB" in page
    assert f"/api/files/{file.pk}/thumbnail" in page
    assert f"/api/files/{other.pk}/thumbnail" not in page
    assert f'href="/files/{file.pk}/"' in page
    assert "/drive/a/trip" in page
    assert "1:02:03" in page
    assert "1920×1080" in page
    assert f"/files/{file.pk}/#proxies" in page
    assert "style=" not in page.split('id="changelist-form"')[1].split("</table>")[0]


def test_a_page_takes_the_same_queries_however_many_files(
    admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    root = make_root()
    make_proxy_row(make_file(root))
    text(admin_client, FILES)
    # Session, user, roots of the filter, page, its facets, and the jobs for the header; count and size are kept.
    with django_assert_num_queries(6):
        text(admin_client, FILES)
    for _ in range(60):
        make_proxy_row(make_file(root))
    # Of more than one page, the ids are asked for first.
    with django_assert_num_queries(8):
        text(admin_client, f"{FILES}?has_proxy=true&q=clip&o=-4")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=alpha", {"trip/alpha.mp4"}),
        ("media_type=audio", {"c.wav"}),
        ("state=offline", {"c.wav"}),
        ("has_proxy=true", {"trip/alpha.mp4"}),
        ("has_proxy=false", {"c.wav", "d.mp4"}),
        ("directory=/drive/a/trip", {"trip/alpha.mp4"}),
        ("size=small", {"trip/alpha.mp4", "c.wav"}),
        ("size=huge", {"d.mp4"}),
        ("duration=hours", {"d.mp4"}),
        ("imported=week", {"trip/alpha.mp4", "c.wav"}),
        ("created=year", {"trip/alpha.mp4", "c.wav", "d.mp4"}),
        ("has_duplicates=true", {"trip/alpha.mp4", "c.wav"}),
        ("has_duplicates=false", {"d.mp4"}),
        ("size=nonsense", {"trip/alpha.mp4", "c.wav", "d.mp4"}),
    ],
)
def test_filters(admin_client: Client, query: str, found: set[str]) -> None:
    root = make_root("/drive/a")
    make_proxy_row(make_file(root, "trip/alpha.mp4", size_bytes=10, full_hash="same"))
    make_file(root, "c.wav", media_type="audio", state="offline", size_bytes=20, full_hash="same")
    make_file(root, "d.mp4", size_bytes=10**11, duration_s=9999, imported_at="2020-01-01T00:00:00Z")

    assert shown(admin_client, query) == found
    assert shown(admin_client, f"root={root.pk}") == {"trip/alpha.mp4", "c.wav", "d.mp4"}


def ask(client: Client, action: str, *files: File, url: str = FILES, **fields: str) -> str:
    answer = client.post(
        url, {"action": f"dialog_{action}", "_selected_action": [file.pk for file in files], **fields}, follow=False
    )
    return answer.headers.get("Location", "") or answer.content.decode()


def test_make_proxies_asks_first_and_leads_to_the_batch(admin_client: Client) -> None:
    done, waiting = make_file(), make_file()
    make_proxy_row(done)

    page = ask(admin_client, "proxy", done, waiting)
    assert "2 files selected" in page
    assert "1 file will be done" in page
    assert not Job.objects.exists()

    refused = ask(admin_client, "proxy", done, waiting, dialog_step="go", profile="huge")
    assert "no proxy profile" in refused
    assert not Batch.objects.exists()

    where = ask(admin_client, "proxy", done, waiting, dialog_step="go", profile="480p5")
    batch = Batch.objects.get()
    assert where == f"/batches/{batch.pk}/"
    assert batch.jobs.count() == 2


def test_an_action_over_everything_that_a_filter_matches(admin_client: Client) -> None:
    root = make_root()
    for number in range(60):
        make_file(root, f"trip/{number}.mp4")
    other = make_file(root, "other.mp4")
    first = File.objects.under("trip")[0]

    ask(admin_client, "proxy", first, url=f"{FILES}?directory=trip", select_across="1", dialog_step="go", profile="")

    assert Job.objects.count() == 60
    assert not Job.objects.filter(subject_kind="file", subject_id=other.pk).exists()


def test_removing_says_what_happens_to_the_bytes(admin_client: Client, folders: Path) -> None:
    place = folders / "library"
    place.mkdir()
    (place / "a.mp4").write_bytes(b"original")
    file = make_file(make_root(place), "a.mp4")

    page = ask(admin_client, "remove", file)
    assert "1 file: the original stays where it is" in page
    assert File.objects.exists()

    ask(admin_client, "remove", file, dialog_step="go")
    run_until_idle()
    assert not File.objects.exists()
    assert (place / "a.mp4").read_bytes() == b"original"


def test_nothing_can_be_added_changed_or_deleted_by_hand(admin_client: Client) -> None:
    file = make_file()
    root = file.root

    for kind, pk in (("file", file.pk), ("root", root.pk), ("proxy", make_proxy_row(file).pk)):
        assert admin_client.get(f"/admin/files/{kind}/add/").status_code == 403
        assert admin_client.post(f"/admin/files/{kind}/{pk}/delete/", {"post": "yes"}).status_code == 403
        page = text(admin_client, f"/admin/files/{kind}/{pk}/change/")
        assert 'name="_save"' not in page


def test_actions_need_their_permissions() -> None:
    user = User.objects.create_user("eve", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_file", "view_problem"]))
    client = Client()
    client.force_login(user)
    file = make_file()

    assert "dialog_" not in text(client, FILES)
    ask(client, "remove", file, dialog_step="go")
    assert File.objects.exists()


# --- trash ---


def upload_row(folders: Path, name: str = "a.mp4") -> File:
    (folders / "uploads" / name).write_bytes(b"uploaded")
    return make_file(roots.uploads_root(), name)


def test_uploads_go_to_the_trash_and_come_back(admin_client: Client, folders: Path) -> None:
    file = upload_row(folders)
    removing.remove_file(file)
    assert not (folders / "uploads" / "a.mp4").exists()
    assert [path.read_bytes() for path in (folders / "data" / "trash").iterdir()] == [b"uploaded"]

    assert "a.mp4" in text(admin_client, "/admin/files/removedfile/")
    admin_client.post("/admin/files/removedfile/", {"action": "restore", "_selected_action": [file.pk]})

    assert (folders / "uploads" / "a.mp4").read_bytes() == b"uploaded"
    restored = File.objects.get()
    assert (restored.pk, restored.state, restored.trash_name) == (file.pk, "available", "")


def test_a_file_whose_place_is_taken_stays_in_the_trash(admin_client: Client) -> None:
    root = make_root()
    removed = make_file(root, "a.mp4", removed_at=timezone.now())
    make_file(root, "a.mp4")

    answer = admin_client.post(
        "/admin/files/removedfile/", {"action": "restore", "_selected_action": [removed.pk]}, follow=True
    )

    assert "There is another file at a.mp4" in answer.content.decode()
    assert RemovedFile.objects.count() == 1


def test_emptying_deletes_uploads_and_leaves_imports_alone(admin_client: Client, folders: Path) -> None:
    place = folders / "library"
    place.mkdir()
    (place / "b.mp4").write_bytes(b"original")
    upload, imported = upload_row(folders), make_file(make_root(place), "b.mp4")
    for file in (upload, imported):
        removing.remove_file(file)

    page = ask(admin_client, "empty_trash", upload, imported, url="/admin/files/removedfile/")
    assert "To be deleted for good: 1 upload, " in page
    ask(admin_client, "empty_trash", upload, imported, url="/admin/files/removedfile/", dialog_step="go")

    assert list(File.everything.all()) == [imported]
    assert (place / "b.mp4").exists()
    assert list((folders / "data" / "trash").iterdir()) == []


def test_a_restored_import_is_offline_while_its_drive_is_away(folders: Path) -> None:
    file = make_file(removed_at=timezone.now())

    removing.restore_file(file)

    assert File.objects.get().state == "offline"


# --- roots and problems ---


def test_roots_show_their_counts_and_are_scanned(
    admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    root = make_root()
    make_file(root)
    make_problem(root)
    make_root()

    page = text(admin_client, "/admin/files/root/")
    assert f"/admin/files/file/?root={root.pk}" in page

    admin_client.post("/admin/files/root/", {"action": "scan", "_selected_action": [root.pk]})
    assert list(Job.objects.values_list("kind", "subject_id")) == [("scan_root", root.pk)]


def test_problems_can_be_tried_again(admin_client: Client) -> None:
    problem = make_problem(make_root(), mtime_ns=5)

    assert problem.reason in text(admin_client, f"/admin/files/problem/?root__id__exact={problem.root_id}")
    admin_client.post("/admin/files/problem/", {"action": "try_again", "_selected_action": [problem.pk]})

    assert Problem.objects.get().mtime_ns == -1
    assert Job.objects.get().kind == "scan_root"


def test_who_may_only_look_neither_scans_nor_tries_again_nor_restores(client: Client) -> None:
    user = User.objects.create_user("eve", is_staff=True)
    looks = ("view_root", "view_problem", "view_removedfile", "view_file")
    user.user_permissions.set(Permission.objects.filter(codename__in=looks))
    client.force_login(user)
    problem = make_problem(make_root(), mtime_ns=5)
    removed = make_file(removed_at=timezone.now())

    for name, action, pk in (
        ("root", "scan", problem.root_id),
        ("problem", "try_again", problem.pk),
        ("removedfile", "restore", removed.pk),
    ):
        page = client.post(f"/admin/files/{name}/", {"action": action, "_selected_action": [pk]}, follow=True)
        assert page.status_code == 200
        assert f'value="{action}"' not in page.content.decode()

    assert not Job.objects.exists()
    assert Problem.objects.get().mtime_ns == 5
    assert RemovedFile.objects.count() == 1


def test_proxies_of_an_old_profile_make_room(admin_client: Client, folders: Path) -> None:
    file = make_file()
    old, new = (make_proxy_row(file, spec) for spec in ("1080p30", "720p15"))
    only = make_proxy_row(make_file(state="offline"), "1080p30")
    for proxy in (old, new, only):
        (folders / "proxy_video" / proxy.path).write_bytes(b"x")
    url = "/admin/files/proxy/?proxy_spec=1080p30"
    chosen = {"action": "dialog_delete_proxies", "_selected_action": [old.pk, only.pk]}

    asked = admin_client.post(url, chosen).content.decode()
    assert "1 proxy (100 kB) will be deleted; originals stay untouched" in asked
    assert "1 cannot be made again now" in asked
    admin_client.post(url, {**chosen, "dialog_step": "go"})

    assert set(Proxy.objects.all()) == {new, only}
    assert {path.name for path in (folders / "proxy_video").iterdir()} == {new.path, only.path}


def test_many_files_leave_and_come_back_in_the_background(
    admin_client: Client, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal_tasks, "AT_ONCE", 1)
    root = make_root(folders / "away")
    files = [make_file(root, name, state="offline") for name in ("a.mp4", "b.mp4")]
    waiting = queue.enqueue("make_proxy", files[0].pk)

    location = ask(admin_client, "remove", *files, dialog_step="go")

    batch = Batch.objects.get()
    assert location == batch.get_absolute_url()
    assert batch.label == "Remove 2 files from the library"
    assert File.objects.count() == 2
    for job in batch.jobs.all():
        assert running.run_now(job).state == "succeeded"
    assert Job.objects.get(pk=waiting.pk).state == "cancelled"
    assert not File.objects.exists()

    ids = [file.pk for file in files]
    page = admin_client.post("/admin/files/removedfile/", {"action": "restore", "_selected_action": ids})

    back = Batch.objects.latest("pk")
    assert page["Location"] == back.get_absolute_url()
    for job in back.jobs.filter(kind="restore_file"):
        running.run_now(job)
    assert File.objects.count() == 2
    assert back.jobs.filter(kind="make_proxy").count() == 2
    assert Batch.objects.count() == 2


def test_many_uploads_are_deleted_in_the_background_but_none_that_came_back(
    admin_client: Client, client: Client, admin_user: User, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal_tasks, "AT_ONCE", 1)
    gone, back = upload_row(folders), upload_row(folders, "b.mp4")
    for file in (gone, back):
        removing.remove_file(file)

    location = ask(admin_client, "empty_trash", gone, back, url="/admin/files/removedfile/", dialog_step="go")

    batch = Batch.objects.get()
    assert (location, batch.label) == (batch.get_absolute_url(), "Delete 2 files for good")
    client.force_login(admin_user)
    answer = client.post("/api/trash/empty")
    assert (answer.status_code, answer.json()["queued"]) == (202, 2)
    assert Job.objects.filter(kind="delete_upload").count() == 2, "the same work is not asked for twice"
    removing.restore_file(File.everything.get(pk=back.pk))
    said = {job.subject_id: running.run_now(job).message for job in batch.jobs.all()}
    assert said == {gone.pk: "Deleted for good.", back.pk: "It is in the library again, and stays."}
    assert [file.pk for file in File.everything.all()] == [back.pk]
    assert [path.name for path in (folders / "uploads").glob("*.mp4")] == ["b.mp4"]
    assert list((folders / "data" / "trash").iterdir()) == []


def test_the_proxies_of_a_file(admin_client: Client) -> None:
    file = make_file()
    make_proxy_row(file)
    make_proxy_row(make_file())

    answer = admin_client.get(f"/admin/files/proxy/?file_id={file.pk}")

    assert [proxy.file for proxy in answer.context["cl"].result_list] == [file]
