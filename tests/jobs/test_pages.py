"""The jobs page and the page of a batch."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs import notices, queue
from jobs.execution import claims, running
from jobs.models import Cluster, Job
from jobs.workers import clusters
from tests.pages import as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(boss: User, client: Client) -> Client:
    client.force_login(boss)
    return client


def text(site: Client, path: str, **headers: str) -> str:
    answer = site.get(path, headers=headers or None)
    assert answer.status_code == 200
    return as_read(answer)


def test_an_empty_page_says_so(site: Client) -> None:
    page = text(site, "/jobs/")

    assert "Nothing is running" in page
    assert "no workers" in page
    assert "Retry everything" not in page


def test_the_page_shows_what_runs_waits_failed_and_how_to_mend_it(site: Client, kind: str, broken: str) -> None:
    batch = queue.create_batch("Count <sheep>", "count")
    queue.enqueue_many(kind, [1, 2, 3], batch=batch)
    claimed = claims.claim("fast")
    assert claimed is not None
    Job.objects.filter(pk=claimed.pk).update(progress=0.5, message="half <way>")
    running.run_now(queue.enqueue(broken, 9))
    notices.notify("k", "Weights are missing.", remedy="Fetch them.", url="/setup/")

    page = text(site, "/jobs/")

    assert "1 job running, 1 failed" in page
    assert "Count &lt;sheep&gt;" in page
    assert "half &lt;way&gt;" in page
    assert '<progress value="0.5000" max="1"' in page
    assert "It broke.</span> Mend it." in page
    assert "No workers are running." in page
    assert "Weights are missing. Fetch them." in page
    assert f"Cancel the other {3}" in page


def test_polling_gets_only_the_part_that_changes(site: Client, kind: str) -> None:
    batch = queue.create_batch("b", "count")
    job = queue.enqueue(kind, 1, batch=batch)

    for path in ("/jobs/", f"/batches/{batch.pk}/"):
        part = text(site, path, **{"HX-Request": "true"})
        assert part.startswith("<div")
        assert "hx-trigger" in part
        assert "<html" not in part

    running.run_now(job)
    assert "hx-trigger" not in text(site, f"/batches/{batch.pk}/")


def test_the_workers_that_were_seen_are_counted(site: Client) -> None:
    Cluster.objects.create(queue="fast", workers=2)
    Cluster.objects.create(queue="long", workers=1)

    assert "3 workers" in text(site, "/jobs/")
    assert clusters.standing().count() == 2


def test_the_page_takes_the_same_queries_however_much_there_is(site: Client, kind: str, broken: str) -> None:
    def fill(first: int, number: int) -> None:
        for start in range(first, first + number * 10, 10):
            batch = queue.create_batch("b", "count")
            queue.enqueue_many(kind, range(start, start + 5), batch=batch)
            running.run_now(queue.enqueue(broken, start))
            claims.claim("fast")

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            text(site, path)
        return len(captured)

    fill(0, 1)
    few = queries("/jobs/")
    fill(100, 6)

    assert queries("/jobs/") == few <= 22


def test_a_batch_page_shows_bars_errors_and_buttons(site: Client, kind: str, broken: str) -> None:
    batch = queue.create_batch("Count sheep", "count")
    queue.enqueue_many(kind, [1, 2], batch=batch)
    running.run_now(queue.enqueue(broken, 9, batch=batch))

    page = text(site, f"/batches/{batch.pk}/")

    assert '<span class="strong">1 of 3</span>' in page
    assert "Retry 1 failed" in page
    assert "Cancel the other 2" in page
    assert "It broke." in page
    assert "There was nothing to do" in text(site, f"/batches/{queue.create_batch('none', 'count').pk}/")


def test_buttons_cancel_retry_pause_and_come_back(site: Client, kind: str, broken: str) -> None:
    waiting = queue.enqueue(kind, 1)
    failed = running.run_now(queue.enqueue(broken, 9))
    batch = queue.create_batch("b", "count")
    queue.enqueue_many(kind, [5, 6], batch=batch)

    def press(path: str, **data: object) -> str:
        answer = site.post(path, data, follow=True)
        assert answer.redirect_chain
        return answer.content.decode()

    assert "It will be cancelled." in press(f"/jobs/{waiting.pk}/cancel")
    assert "over already" in press(f"/jobs/{waiting.pk}/cancel")
    assert "Queued again." in press(f"/jobs/{failed.pk}/retry")
    running.run_until_idle()
    assert "1 job queued again." in press("/jobs/retry-failed")
    running.run_until_idle()
    assert "0 jobs queued again." in press("/jobs/retry-failed", kind=broken, error="Something else.")
    assert "0 jobs queued again." in press("/jobs/retry-failed", kind=broken, error="It broke.", batch=batch.pk)
    assert "1 job queued again." in press("/jobs/retry-failed", kind=broken, error="It broke.")
    assert "is paused" in press("/queues/long/pause")
    assert "goes on" in press("/queues/long/resume")
    assert site.post("/queues/slow/pause").status_code == 404
    queue.enqueue_many(kind, [7, 8], batch=batch)
    assert "2 jobs cancelled." in press(f"/batches/{batch.pk}/cancel")
    assert "0 jobs queued again." in press(f"/batches/{batch.pk}/retry-failed", next=f"/batches/{batch.pk}/")
    away = site.post(f"/jobs/{failed.pk}/cancel", {"next": "https://elsewhere.example/"})
    assert away["Location"] == "/jobs/"


def test_who_may_only_look_has_no_effect(client: Client, viewer: User, kind: str, broken: str) -> None:
    assert client.get("/jobs/").status_code == 302
    job = queue.enqueue(kind, 1, batch=(batch := queue.create_batch("b", "count")))
    running.run_now(queue.enqueue(broken, 9))
    client.force_login(viewer)

    page = text(client, "/jobs/")

    assert "Pause" not in page
    for path in (
        f"/jobs/{job.pk}/cancel",
        f"/batches/{batch.pk}/cancel",
        "/jobs/retry-failed",
        "/queues/long/pause",
    ):
        assert client.post(path).status_code == 403, path


def test_who_has_no_permission_is_told(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("nobody"))

    assert client.get("/jobs/").status_code == 403
    assert client.get(f"/batches/{queue.create_batch('b', 'count').pk}/").status_code == 403
