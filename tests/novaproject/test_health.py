"""The health address: cheap for anybody, in detail for those who are logged in."""

import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

pytestmark = pytest.mark.django_db


def test_anybody_is_told_whether_it_works_and_no_more(client: Client, folders: Path) -> None:
    well = client.get("/api/health")
    shutil.rmtree(folders / "proxy_video")
    ill = client.get("/api/health")

    assert (well.status_code, well.json()["checks"]) == (200, {"database": "ok", "folders": "ok"})
    assert (ill.status_code, ill.json()["status"], ill.json()["checks"]["folders"]) == (503, "fail", "fail")
    assert "details" not in well.json()
    assert client.get("/api/health?details=true&aws=true").status_code == 401
    assert client.get("/api/health?details=perhaps").status_code == 400


def test_the_doctor_answers_those_who_are_logged_in(client: Client, folders: Path) -> None:
    bea = User.objects.create_user("bea")
    client.force_login(bea)
    assert client.get("/api/health?details=true").status_code == 403
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    assert client.get("/api/health?details=true&aws=true").status_code == 403

    details = {one["name"]: one for one in client.get("/api/health?details=true").json()["details"]}

    assert details["Database"]["level"] == "ready"
    assert details["Workers"]["remedy"]
