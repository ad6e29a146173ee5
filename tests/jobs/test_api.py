"""Jobs, batches and queues over HTTP."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from jobs import control, queue, registry
from jobs.execution import claims, running
from jobs.models import Job
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(boss: User) -> APIClient:
    client = APIClient()
    client.force_login(boss)
    return client


@pytest.mark.parametrize(("number", "status"), [("1.5", 200), ("1e3", 200), ("1e30", 400), ("NaN", 400), ("x", 400)])
def test_a_file_id_that_is_none_is_no_error_of_ours(api: Any, number: str, status: int) -> None:
    assert api.get("/api/jobs", {"file_id": number}).status_code == status


def test_an_empty_ordering_still_has_an_order(api: APIClient, kind: str) -> None:
    made = [queue.enqueue(kind, number).pk for number in (1, 2, 3)]

    pages = [api.get("/api/jobs", {"ordering": ",", "page_size": 1, "page": page}).json() for page in (1, 2, 3)]

    assert [page["results"][0]["id"] for page in pages] == made


def test_a_job_says_what_it_is_about_and_how_far_it_is(api: APIClient) -> None:
    with registered(subject_kind="file") as kind:
        job = queue.enqueue(kind, 7, {"depth": 2})

    body = api.get(f"/api/jobs/{job.pk}").json()

    assert body["id"] == job.pk
    assert (body["kind"], body["file_id"], body["subject_kind"], body["state"]) == (kind, 7, "file", "queued")
    assert (body["progress"], body["eta_s"], body["attempts"], body["error"]) == (0.0, None, 0, "")
    assert body["created_at"]
    assert body["finished_at"] is None


def test_the_list_is_filtered_and_ordered(api: APIClient, kind: str, broken: str) -> None:
    done = running.run_now(queue.enqueue(kind, 1))
    failed = running.run_now(queue.enqueue(broken, 2))
    waiting = queue.enqueue(kind, 3, batch=(batch := queue.create_batch("b", "count")))

    def ids(query: str) -> list[int]:
        answer = api.get(f"/api/jobs?{query}")
        assert answer.status_code == 200, answer.json()
        return [row["id"] for row in answer.json()["results"]]

    assert ids("") == [waiting.pk, failed.pk, done.pk]
    assert ids("state=failed&state=succeeded&ordering=id") == [done.pk, failed.pk]
    assert ids(f"kind={broken}") == [failed.pk]
    assert ids(f"batch={batch.pk}") == [waiting.pk]
    assert ids("ordering=-created_at") == [waiting.pk, failed.pk, done.pk]
    assert api.get("/api/jobs?state=sleeping").status_code == 400
    assert api.get("/api/jobs?ordering=lease_owner").status_code == 400


def test_the_jobs_of_a_file_include_those_of_what_belongs_to_it(api: APIClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(registry, "_subjects", {})
    registry.register_subject(
        "nova_job",
        labels=lambda ids: {pk: f"Analysis {pk}" for pk in ids},
        url=lambda pk: f"/nova/{pk}/",
        of_file=lambda file_id: [70, 71] if file_id == 7 else [],
        files=lambda ids: dict.fromkeys(ids, 7),
    )
    registry.register_subject("file", labels=lambda ids: {pk: f"clip {pk}.mp4" for pk in ids})
    with registered("proxy", subject_kind="file") as proxy, registered("study", subject_kind="nova_job") as study:
        queue.enqueue(proxy, 7)
        queue.enqueue(study, 70)
        queue.enqueue(study, 99)

    rows = api.get("/api/jobs?file_id=7&ordering=id").json()["results"]

    assert [(row["subject"], row["file_id"]) for row in rows] == [("clip 7.mp4", 7), ("Analysis 70", 7)]


def test_a_page_of_jobs_takes_the_same_queries_however_long(api: APIClient, kind: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get("/api/jobs?page_size=500").status_code == 200
        return len(captured)

    queue.enqueue(kind, 1)
    few = queries()
    queue.enqueue_many(kind, range(2, 200), batch=queue.create_batch("b", "count"))

    assert queries() == few <= 6


def test_cancel_and_retry(api: APIClient, kind: str) -> None:
    job = queue.enqueue(kind, 1)

    assert api.post(f"/api/jobs/{job.pk}/cancel").json()["state"] == "cancelled"
    again = api.post(f"/api/jobs/{job.pk}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "not_cancellable")
    assert api.post(f"/api/jobs/{job.pk}/retry").json()["state"] == "queued"
    assert api.post(f"/api/jobs/{job.pk}/retry").status_code == 409
    assert api.post("/api/jobs/99999/cancel").status_code == 404


def test_who_may_only_look_cannot_change(viewer: User, kind: str) -> None:
    client = APIClient()
    job = queue.enqueue(kind, 1, batch=(batch := queue.create_batch("b", "count")))
    assert client.get("/api/jobs").status_code == 401

    client.force_login(viewer)

    assert client.get("/api/jobs").status_code == 200
    assert client.get(f"/api/batch/{batch.pk}").status_code == 200
    assert client.get("/api/queues").status_code == 200
    for path in (
        f"/api/jobs/{job.pk}/cancel",
        f"/api/jobs/{job.pk}/retry",
        f"/api/batch/{batch.pk}/cancel",
        f"/api/batch/{batch.pk}/retry-failed",
        "/api/queues/long/pause",
    ):
        assert client.post(path).status_code == 403, path
    job.refresh_from_db()
    assert job.state == "queued"


def test_who_has_no_permission_sees_nothing(db: None) -> None:
    client = APIClient()
    client.force_login(User.objects.create_user("nobody"))

    for path in ("/api/jobs", "/api/queues"):
        assert client.get(path).status_code == 403


def test_a_batch_has_its_numbers_its_cost_and_its_errors(api: APIClient, broken: str) -> None:
    with registered(cost_of=lambda ids: Decimal("0.25") * len(ids)) as kind:
        batch = queue.create_batch("Count sheep", "count", options={"depth": 2})
        queue.enqueue_many(kind, [1, 2, 3], batch=batch)
        queue.enqueue_many(broken, [8, 9], batch=batch)
        running.run_now(Job.objects.get(kind=kind, subject_id=1))
        control.cancel(Job.objects.get(kind=kind, subject_id=2))
        for job in Job.objects.filter(kind=broken):
            running.run_now(job)
        claimed = claims.claim_job(Job.objects.get(kind=kind, subject_id=3))
        assert claimed is not None
        Job.objects.filter(pk=claimed.pk).update(progress=0.5)

        body = api.get(f"/api/batch/{batch.pk}").json()

    numbers = {name: body[name] for name in ("total", "queued", "running", "succeeded", "failed", "cancelled")}
    assert numbers == {"total": 5, "queued": 0, "running": 1, "succeeded": 1, "failed": 2, "cancelled": 1}
    assert body["progress"] == 0.9
    assert body["eta_s"] is not None
    assert Decimal(body["cost_usd"]) == Decimal("0.75")
    assert body["errors"] == [{"kind": broken, "error": "It broke.", "remedy": "Mend it.", "count": 2}]


def test_a_batch_is_retried_and_cancelled_as_one(api: APIClient, broken: str) -> None:
    batch = queue.create_batch("b", "count")
    queue.enqueue_many(broken, [8, 9], batch=batch)
    running.run_until_idle()

    retried = api.post(f"/api/batch/{batch.pk}/retry-failed").json()
    assert (retried["queued"], retried["failed"], retried["errors"]) == (2, 0, [])
    cancelled = api.post(f"/api/batch/{batch.pk}/cancel").json()
    assert (cancelled["queued"], cancelled["cancelled"], cancelled["progress"]) == (0, 2, 1.0)
    assert cancelled["cancelled_at"] is not None


def test_an_empty_batch_is_done(api: APIClient) -> None:
    body = api.get(f"/api/batch/{queue.create_batch('nothing', 'count').pk}").json()

    assert (body["total"], body["progress"], body["eta_s"]) == (0, 1.0, None)


def test_queues_are_paused_and_resumed(api: APIClient, kind: str) -> None:
    queue.enqueue(kind, 1)

    assert api.post("/api/queues/fast/pause").json()["is_paused"] is True
    listed = {row["name"]: (row["is_paused"], row["queued"]) for row in api.get("/api/queues").json()}
    assert listed == {"fast": (True, 1), "long": (False, 0)}
    assert api.post("/api/queues/fast/resume").json()["is_paused"] is False
    assert api.post("/api/queues/slow/pause").status_code == 404
