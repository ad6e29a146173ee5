"""Exporting and reconciling in the background: asked for by the API, done by a worker, fetched and told."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from files.models import Proxy
from jobs.execution.running import run_until_idle
from jobs.models import Job
from novaproject.backups.export_tasks import KEPT_S, path_of
from tests.files.factories import make_file, make_proxy_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(folders: Path) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def viewer(*codenames: str) -> APIClient:
    person = User.objects.create_user("eve")
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = APIClient()
    client.force_authenticate(person)
    return client


def lines_of(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_an_export_is_written_by_a_job_and_fetched_from_it(api: APIClient) -> None:
    file = make_file()

    asked = api.post("/api/export", {}, format="json")
    before = asked.json()["download"]
    run_until_idle()
    job = api.get(f"/api/jobs/{asked.json()['id']}").json()

    assert (asked.status_code, before) == (202, None)
    assert (job["state"], job["download"]) == ("succeeded", f"/api/export/{job['id']}")
    header, *rows = lines_of(api.get(job["download"]))
    assert header["schema"] == "novaproject.export"
    assert {"model": "files.file", "pk": file.pk} in [{key: row[key] for key in ("model", "pk")} for row in rows]
    assert path_of(job["id"]).stat().st_mode & 0o077 == 0


def test_an_old_export_goes_with_the_next_and_is_offered_no_more(api: APIClient) -> None:
    first = api.post("/api/export", {}, format="json").json()["id"]
    run_until_idle()
    old = time.time() - KEPT_S - 60
    os.utime(path_of(first), (old, old))

    api.post("/api/export", {}, format="json")
    run_until_idle()

    assert not path_of(first).exists()
    assert api.get(f"/api/jobs/{first}").json()["download"] is None
    assert api.get(f"/api/export/{first}").status_code == 404


def test_only_who_may_see_every_row_exports(folders: Path) -> None:
    eve = viewer("view_file", "view_job")

    assert eve.post("/api/export", {}, format="json").status_code == 403
    assert eve.get("/api/export/1").status_code == 403
    assert not Job.objects.exists()


def test_reconciling_says_what_it_would_do_and_does_it_when_told(api: APIClient) -> None:
    kept, gone = make_proxy_row(make_file()), make_proxy_row(make_file())
    settings.PROXY_DIR.mkdir(parents=True, exist_ok=True)
    (settings.PROXY_DIR / kept.path).write_bytes(b"proxy")

    looked = api.post("/api/reconcile", {}, format="json")
    run_until_idle()
    after_looking = Proxy.objects.count()
    done = api.post("/api/reconcile", {"apply": True}, format="json")
    run_until_idle()

    said = [api.get(f"/api/jobs/{answer.json()['id']}").json()["message"] for answer in (looked, done)]
    assert (looked.status_code, after_looking) == (202, 2)
    assert said[0].startswith("Nothing was changed: 1 would be put right")
    assert "1 proxies in the database whose file is gone." in said[0]
    assert said[1].startswith("1 put right")
    assert list(Proxy.objects.all()) == [kept]
    assert gone.pk != kept.pk


def test_reconciling_needs_the_right_to_delete_proxies(folders: Path) -> None:
    assert viewer("view_file", "change_file").post("/api/reconcile", {"apply": True}, format="json").status_code == 403
