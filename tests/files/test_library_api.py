"""The library over HTTP."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from files.models import File
from jobs.models import Job
from tests.files.factories import make_file, make_problem, make_proxy_row, make_root
from tests.media import make_clip, make_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(admin_user: User) -> APIClient:
    client = APIClient()
    client.force_login(admin_user)  # an upload is let in by its session
    client.force_authenticate(admin_user)  # which costs no query
    return client


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_lists_files_with_the_fields_of_the_contract(client: APIClient) -> None:
    file = make_file(path="trip/a.mp4")
    make_proxy_row(file)

    answer = client.get("/api/files")

    assert answer.status_code == 200
    page = answer.json()
    assert set(page) == {"count", "next", "previous", "results"}
    [row] = page["results"]
    assert row["id"] == file.pk
    assert row["path"] == "trip/a.mp4"
    assert row["has_proxy"] is True
    assert set(row) >= {
        "id", "name", "root", "path", "media_type", "state", "size_bytes", "duration_s", "width", "height",
        "frame_rate", "video_codec", "audio_codec", "bit_rate", "created_at", "imported_at", "s3_key", "metadata",
        "has_proxy",
    }  # fmt: skip
    assert row["s3_key"] is None


def test_needs_a_login_and_the_right_to_view() -> None:
    client = APIClient()
    assert client.get("/api/files").status_code == 401

    user = User.objects.create_user("eve")
    client.force_login(user)
    assert client.get("/api/files").status_code == 403

    user.user_permissions.add(Permission.objects.get(codename="view_file"))
    client.force_login(User.objects.get(pk=user.pk))
    assert client.get("/api/files").status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=alp", {"small"}),
        ("q=ALP mp4", {"small"}),
        ("q=trip", {"small", "large"}),
        ("media_type=audio", {"sound"}),
        ("media_type=audio&media_type=image", {"sound", "picture"}),
        ("has_proxy=true", {"small"}),
        ("has_proxy=false", {"large", "sound", "picture"}),
        ("directory=trip", {"small", "large"}),
        ("directory=trip/day 2", {"large"}),
        ("directory=tri", set()),
        ("directory=/drive", {"small", "large", "sound", "picture"}),
        ("directory=/drive/a/trip/", {"small", "large"}),
        ("directory=/elsewhere", set()),
        ("state=offline", {"sound"}),
        ("min_size=500", {"large"}),
        ("max_size=100", {"small", "sound", "picture"}),
        ("min_duration=60", {"large"}),
        ("max_duration=59.5", {"small", "sound"}),
        ("created_after=2024-01-01T00:00:00Z", {"small", "large", "sound"}),
        ("created_before=2020-12-31", {"picture"}),
        ("imported_after=2100-01-01", set()),
        ("imported_before=2100-01-01", {"small", "large", "sound", "picture"}),
    ],
)
def test_filters(client: APIClient, query: str, found: set[str]) -> None:
    root = make_root("/drive/a")
    files = {
        "small": make_file(root, "trip/alpha.mp4", size_bytes=10, duration_s=5),
        "large": make_file(root, "trip/day 2/beta.mp4", size_bytes=1000, duration_s=600),
        "sound": make_file(root, "c.wav", media_type="audio", size_bytes=20, duration_s=30, state="offline"),
        "picture": make_file(
            root, "d.jpg", media_type="image", size_bytes=20, duration_s=None, created_at="2020-05-05T00:00:00Z"
        ),
    }
    make_proxy_row(files["small"])

    answer = client.get(f"/api/files?{query}")

    assert set(ids(answer)) == {files[name].pk for name in found}


@pytest.mark.parametrize(
    "query",
    ["has_proxy=maybe", "min_size=lots", "media_type=text", "state=gone", "created_after=soon", "ordering=root__path"],
)
def test_a_value_that_cannot_be_read_is_an_error(client: APIClient, query: str) -> None:
    make_file()

    answer = client.get(f"/api/files?{query}")

    assert answer.status_code == 400
    assert list(answer.json()) == [query.split("=")[0]]


def test_ordering(client: APIClient) -> None:
    small, large = make_file(size_bytes=1), make_file(size_bytes=2)

    assert ids(client.get("/api/files?ordering=size_bytes")) == [small.pk, large.pk]
    assert ids(client.get("/api/files?ordering=-size_bytes")) == [large.pk, small.pk]


def test_a_page_takes_the_same_queries_however_many_files(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    root = make_root()
    for number in range(3):
        make_proxy_row(make_file(root, f"{number}.mp4"))

    with django_assert_num_queries(12):
        client.get("/api/files")
    for number in range(3, 60):
        make_file(root, f"{number}.mp4")
    with django_assert_num_queries(12):
        client.get("/api/files?page_size=500&has_proxy=false&q=mp4&ordering=-duration_s")


def test_the_largest_page_is_500(client: APIClient) -> None:
    root = make_root()
    File.objects.bulk_create(
        File(root=root, path=f"{n}.mp4", name=f"{n}.mp4", media_type="video", size_bytes=1) for n in range(501)
    )

    page = client.get("/api/files?page_size=9999").json()

    assert (len(page["results"]), page["count"]) == (500, 501)


def test_one_file_and_none(client: APIClient) -> None:
    file = make_file()

    assert client.get(f"/api/files/{file.pk}").json()["name"] == file.name
    assert client.get("/api/files/999").status_code == 404
    assert client.get(f"/api/files/{file.pk}/").status_code == 200


def test_delete_takes_an_import_out_and_leaves_the_original(
    client: APIClient, folders: Path, django_capture_on_commit_callbacks: Any
) -> None:
    place = folders / "library"
    original = make_image(place / "a.png")
    file = make_file(make_root(place), "a.png")
    proxy = make_proxy_row(file)
    (folders / "proxy_video" / proxy.path).write_bytes(b"proxy")
    job = Job.objects.create(kind="make_proxy", subject_kind="file", subject_id=file.pk, queue="long", fingerprint="x")

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.delete(f"/api/files/{file.pk}")

    assert answer.status_code == 204
    assert original.exists()
    assert not File.objects.exists()
    assert File.everything.get().removed_at
    assert not (folders / "proxy_video" / proxy.path).exists()
    assert not file.proxies.exists()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert client.get(f"/api/files/{file.pk}").status_code == 404


def test_lists_roots_with_their_counts(client: APIClient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    root = make_root()
    make_file(root, size_bytes=5)
    make_file(root, size_bytes=6)
    make_file(root, removed_at=timezone.now())
    make_problem(root)
    make_root()

    with django_assert_num_queries(2):
        [first, second] = client.get("/api/roots").json()["results"]

    assert (first["file_count"], first["size_bytes"], first["problem_count"]) == (2, 11, 1)
    assert (second["file_count"], second["size_bytes"], second["problem_count"]) == (0, 0, 0)


def test_lists_the_proxies_of_a_file(client: APIClient) -> None:
    file, other = make_file(), make_file()
    proxy = make_proxy_row(file)
    make_proxy_row(other)
    make_proxy_row(make_file(removed_at=timezone.now()))

    assert ids(client.get(f"/api/proxies?file_id={file.pk}")) == [proxy.pk]
    assert len(ids(client.get("/api/proxies"))) == 2
    assert client.get("/api/proxies?file_id=x").status_code == 400
    assert client.get("/api/proxies").json()["results"][0]["file_id"]


def test_lists_problems_with_reason_and_remedy(client: APIClient) -> None:
    root = make_root()
    problem = make_problem(root)
    make_problem(make_root())

    [row] = client.get(f"/api/problems?root={root.pk}").json()["results"]

    assert (row["id"], row["reason"], row["remedy"]) == (problem.pk, problem.reason, problem.remedy)


def test_the_trash_is_listed_restored_from_and_emptied(client: APIClient, folders: Path) -> None:
    row = upload(client, make_image(folders / "a.png").read_bytes(), "a.png", make_proxy="false").json()
    make_file(path="kept.mp4", removed_at=timezone.now())
    client.delete(f"/api/files/{row['id']}")
    assert residue(folders) == []

    [first, second] = client.get("/api/trash").json()["results"]
    assert (first["id"], first["is_upload"], second["is_upload"]) == (row["id"], True, False)

    back = client.post(f"/api/trash/{row['id']}/restore")
    assert (back.status_code, back.json()["name"]) == (200, "a.png")
    assert list(Job.objects.values_list("kind", "subject_id")) == [("make_proxy", row["id"])]
    assert len(residue(folders)) == 1
    assert client.post(f"/api/trash/{row['id']}/restore").status_code == 404

    client.delete(f"/api/files/{row['id']}")
    (folders / "uploads" / row["path"]).write_bytes(b"another")
    assert client.post(f"/api/trash/{row['id']}/restore").status_code == 409
    assert client.post("/api/trash/empty").json() == {"deleted": 1}
    assert client.post("/api/trash/empty").json() == {"deleted": 0}
    assert File.everything.get().path == "kept.mp4"


def test_bytes_that_are_gone_from_the_trash_are_said_to_be(client: APIClient, folders: Path) -> None:
    row = upload(client, make_image(folders / "a.png").read_bytes(), "a.png", make_proxy="false").json()
    client.delete(f"/api/files/{row['id']}")
    for path in (folders / "data" / "trash").iterdir():
        path.unlink()

    answer = client.post(f"/api/trash/{row['id']}/restore")

    assert answer.status_code == 409
    assert "no longer in the trash" in answer.json()["detail"]


# --- uploads ---


def upload(client: APIClient, content: bytes, name: str, **fields: Any) -> Any:
    return client.post("/api/files/upload", {"file": SimpleUploadedFile(name, content), **fields}, format="multipart")


def residue(folders: Path) -> list[Path]:
    return [path for path in (folders / "uploads").rglob("*") if path.is_file()]


def test_an_upload_is_stored_under_its_name_and_id(client: APIClient, folders: Path) -> None:
    content = make_clip(folders / "Süß – 1.mp4", seconds=1).read_bytes()

    answer = upload(client, content, "Süß – 1.mp4")

    assert answer.status_code == 201, answer.content
    row = answer.json()
    stored = folders / "uploads" / f"Süß – 1_{row['id']}.mp4"
    assert row["name"] == "Süß – 1.mp4"
    assert row["path"] == stored.name
    assert row["media_type"] == "video"
    assert stored.read_bytes() == content
    assert residue(folders) == [stored]
    assert list(Job.objects.values_list("kind", "subject_id")) == [("make_proxy", row["id"])]


def test_an_upload_without_proxy_asks_for_none(client: APIClient, folders: Path) -> None:
    content = make_image(folders / "a.png").read_bytes()

    assert upload(client, content, "a.png", make_proxy="false").status_code == 201
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.mp4", "empty"),
        (b"MZ\x90\x00" + bytes(5000), "setup.exe", "setup.exe holds no video"),
        (b"not a video", "a.mp4", "a.mp4 holds no video"),
        (b"#EXTM3U\n/etc/passwd\n", "list.mp4", "playlist"),
    ],
)
def test_refuses_what_is_no_media(client: APIClient, folders: Path, content: bytes, name: str, message: str) -> None:
    answer = upload(client, content, name)

    assert answer.status_code == 400
    assert message in answer.json()["file"][0]
    assert residue(folders) == []
    assert not File.everything.exists()


def test_refuses_an_upload_of_nothing(client: APIClient, folders: Path) -> None:
    answer = client.post("/api/files/upload", {}, format="multipart")

    assert answer.status_code == 400
    assert answer.json() == {"file": ["No file was submitted."]}


@pytest.mark.parametrize("name", ["../../etc/passwd.mp4", "/tmp/a.mp4", "..\\..\\a.mp4", "C:\\clips\\a.mp4"])
def test_refuses_a_path_as_a_name(client: APIClient, folders: Path, name: str) -> None:
    body = (
        f'--X\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: video/mp4\r\n\r\nhello\r\n--X--\r\n"
    ).encode()

    answer = client.post("/api/files/upload", body, content_type="multipart/form-data; boundary=X")

    assert answer.status_code == 400
    assert "is a path" in str(answer.json())
    assert residue(folders) == []


def test_an_upload_that_would_fill_the_disk_is_refused_before_its_bytes(
    client: APIClient, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.importing.uploading.SPARE_BYTES", 10**18)

    answer = upload(client, b"x" * 1000, "a.mp4")

    assert answer.status_code == 507
    assert "free" in answer.json()["detail"].lower()
    assert residue(folders) == []


def test_an_upload_by_session_works_with_its_csrf_token(folders: Path, admin_user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin_user)
    content = make_image(folders / "a.png").read_bytes()

    refused = browser.post("/api/files/upload", {"file": SimpleUploadedFile("a.png", content)})
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    taken = browser.post(
        "/api/files/upload",
        {"file": SimpleUploadedFile("a.png", content), "make_proxy": "false"},
        headers={"X-CSRFToken": token},
    )

    assert refused.status_code == 403
    assert taken.status_code == 201, taken.content


def test_uploading_needs_the_right_to_add(folders: Path) -> None:
    client = APIClient()
    client.force_login(User.objects.create_user("eve"))

    assert upload(client, b"x", "a.mp4").status_code == 403


def test_a_very_long_name_still_fits_the_file_system(client: APIClient, folders: Path) -> None:
    content = make_image(folders / "a.png").read_bytes()

    row = upload(client, content, "é" * 120 + ".png").json()

    assert len(os.fsencode(row["path"])) <= 255
    assert (folders / "uploads" / row["path"]).exists()


def test_a_file_says_where_and_with_what_it_was_filmed(client: APIClient) -> None:
    known = make_file(metadata={"latitude": -33.8567, "longitude": 151.215, "camera": "NIKON D850"})
    unknown = make_file()

    rows = {row["id"]: row for row in client.get("/api/files").json()["results"]}

    facts = [rows[file.pk][name] for file in (known, unknown) for name in ("latitude", "longitude", "camera")]
    assert facts == [-33.8567, 151.215, "NIKON D850", None, None, ""]
