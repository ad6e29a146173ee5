"""Costly calls: done once for one key, never for another body, and not too many a minute."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.client import encode_multipart
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from files.models import File
from files.selection import facets
from jobs import owners
from jobs.models import Batch, IdempotencyKey
from jobs.web.idempotency import DIED_AFTER, HEADER, CostlyView
from tests.files.factories import make_file
from tests.media import make_clip

pytestmark = pytest.mark.django_db
#: The only list: whatever costs money or much work.
COSTLY = {
    "/api/batch/{action}",
    "/api/batch/{id}/retry-failed",
    "/api/duplicates/find",
    "/api/export",
    "/api/files/import-directory",
    "/api/files/upload",
    "/api/jobs/{id}/retry",
    "/api/nova/analyze",
    "/api/nova/embeddings/generate",
    "/api/nova/refresh-models",
    "/api/nova/reparse",
    "/api/nova/waiting/{model}/run",
    "/api/nova/waiting/{model}/send",
    "/api/reconcile",
    "/api/spaces/{id}/build",
    "/api/spaces/{id}/compare",
    "/api/transcription/download",
    "/api/transcription/transcribe",
}


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


def post(client: Client, key: str | None, **body: Any) -> Any:
    headers = {HEADER: key} if key is not None else {}
    return client.post("/api/batch/proxy", body, "application/json", headers=headers)


def test_the_same_key_is_done_once_and_answered_again(ada: Client, folders: Path) -> None:
    file = make_file()

    first = post(ada, "a-key", file_ids=[file.pk])
    again = post(ada, "a-key", file_ids=[file.pk])

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Batch.objects.count() == 1
    assert post(ada, "another", file_ids=[file.pk]).json()["id"] != first.json()["id"]


def test_another_body_a_running_one_and_a_bad_key_are_refused(ada: Client, folders: Path) -> None:
    file, other = make_file(), make_file()
    post(ada, "a-key", file_ids=[file.pk])

    assert post(ada, "a-key", file_ids=[other.pk]).status_code == 422
    assert post(ada, "").status_code == 400
    assert post(ada, "x" * 201).status_code == 400
    IdempotencyKey.objects.update(status=None)
    assert post(ada, "a-key", file_ids=[file.pk]).status_code == 409
    IdempotencyKey.objects.update(created_at=timezone.now() - DIED_AFTER)
    assert post(ada, "a-key", file_ids=[file.pk]).status_code == 202


def test_the_key_of_a_request_whose_process_died_is_free_at_once(ada: Client, folders: Path) -> None:
    file = make_file()
    post(ada, "a-key", file_ids=[file.pk])
    IdempotencyKey.objects.update(status=None)
    assert post(ada, "a-key", file_ids=[file.pk]).status_code == 409

    host, pid, started, boot = owners.me().replace("@", ":").rsplit(":", 3)
    IdempotencyKey.objects.update(process=f"{host}:{pid}:{float(started) - 100:.2f}@{boot}")

    assert post(ada, "a-key", file_ids=[file.pk]).status_code == 202


def test_after_an_error_the_key_is_free_and_keys_belong_to_a_user(ada: Client, folders: Path) -> None:
    assert post(ada, "a-key", file_ids=[]).status_code == 400
    file = make_file()
    assert post(ada, "a-key", file_ids=[file.pk]).status_code == 202
    bob = Client()
    bob.force_login(User.objects.create_superuser("bob"))
    assert "Idempotent-Replayed" not in post(bob, "a-key", file_ids=[file.pk]).headers


def test_a_fault_of_ours_frees_the_key() -> None:
    class Faulty(CostlyView):
        permission_classes = [IsAuthenticated]

        def post(self, request: Request) -> Response:
            raise RuntimeError("a fault")

    request = APIRequestFactory().post("/", {}, format="json", headers={HEADER: "a-key"})
    force_authenticate(request, User.objects.create_user("bea"))

    with pytest.raises(RuntimeError, match="a fault"):
        Faulty.as_view()(request)

    assert not IdempotencyKey.objects.exists()


def test_an_upload_is_known_by_its_content_not_by_its_wrapping(ada: Client, folders: Path) -> None:
    make_clip(folders / "clip.mp4", seconds=1)
    clip = (folders / "clip.mp4").read_bytes()

    def send(content: bytes, boundary: str) -> Any:
        given = {"file": SimpleUploadedFile("clip.mp4", content), "make_proxy": "false"}
        body = encode_multipart(boundary, given)
        kind = f"multipart/form-data; boundary={boundary}"
        return ada.post("/api/files/upload", body, content_type=kind, headers={HEADER: "a-key"})

    first, again = send(clip, "one"), send(clip, "another-boundary")
    same_length = send(clip[:-1] + bytes([clip[-1] ^ 1]), "one")

    assert (first.status_code, again.status_code, same_length.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert list(File.objects.values_list("pk", flat=True)) == [first.json()["id"]]
    assert [path.name for path in (folders / "uploads").rglob("*") if path.is_file()] == [
        f"clip_{first.json()['id']}.mp4"
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_done() -> None:
    ada, file, gate, statuses = User.objects.create_superuser("ada"), make_file(), threading.Barrier(2), list[int]()

    def ask() -> None:
        client = Client()
        client.force_login(ada)
        gate.wait()
        statuses.append(post(client, "a-key", file_ids=[file.pk]).status_code)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {202, 409}
    assert 202 in statuses
    assert Batch.objects.count() == 1


def test_too_many_a_minute_are_told_when_to_come_back(ada: Client, folders: Path, settings: Any) -> None:
    cache.clear()
    settings.API_COSTLY_RATE = "2/min"
    file = make_file()

    answers = [post(ada, None, file_ids=[file.pk]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2].headers["Retry-After"]) > 0


def test_the_schema_names_the_header_where_it_counts(ada: Client) -> None:
    schema = ada.get("/api/schema", headers={"Accept": "application/json"}).json()

    def takes(operation: dict[str, Any]) -> bool:
        return any(parameter["name"] == HEADER for parameter in operation.get("parameters", []))

    found = {path for path, operations in schema["paths"].items() if takes(operations.get("post", {}))}
    actions = {path for path in found if path.startswith("/api/batch/") and "{" not in path}
    assert {"/api/batch/proxy", "/api/batch/transcribe", "/api/batch/nova", "/api/batch/embeddings"} <= actions
    assert actions <= {f"/api/batch/{action.name}" for action in facets.actions()}
    assert found - actions | {"/api/batch/{action}"} == COSTLY
    assert {"422", "429"} <= set(schema["paths"]["/api/nova/analyze"]["post"]["responses"])


def test_a_retry_takes_a_key_and_a_cancel_does_not(ada: Client, folders: Path, settings: Any) -> None:
    cache.clear()
    batch = Batch.objects.get(pk=post(ada, None, file_ids=[make_file().pk]).json()["id"])
    job = batch.jobs.get()

    def ask(address: str) -> Any:
        return ada.post(f"/api/{address}", headers={HEADER: address})

    cancelled = ask(f"jobs/{job.pk}/cancel")
    first = ask(f"jobs/{job.pk}/retry")
    assert (cancelled.status_code, first.status_code) == (200, 200)
    assert ask(f"jobs/{job.pk}/cancel").json()["state"] == "cancelled"
    again = ask(f"jobs/{job.pk}/retry")  # the first one's answer, which is lost on the way: not another try
    all_failed = [ask(f"batch/{batch.pk}/retry-failed") for _ in range(2)]

    assert again.json() == first.json()
    assert [answer.headers.get("Idempotent-Replayed") for answer in (first, again, *all_failed)] == [
        *(None, "true", None, "true")
    ]
    assert batch.jobs.get().state == "cancelled"
    settings.API_COSTLY_RATE = "1/min"
    kinds = ["retry", "retry", "cancel"]
    assert [ask(f"jobs/{job.pk}/{kind}").status_code for kind in kinds] == [200, 429, 409]
