"""How long work takes is told from the jobs that this machine has finished."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from files.selection.pace import FEWEST, expected_s, seconds_per_byte
from jobs.models import Job
from tests.files.factories import make_file

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ended(took_s: float, size_bytes: int = 1000, state: str = "succeeded") -> None:
    """A proxy of a file of this size that took so long."""
    file = make_file(size_bytes=size_bytes)
    Job.objects.create(
        kind="make_proxy", subject_kind="file", subject_id=file.pk, fingerprint=str(file.pk), queue="long",
        state=state, started_at=NOON, finished_at=NOON + timedelta(seconds=took_s),
    )  # fmt: skip


def test_large_files_count_for_more_than_small_ones() -> None:
    for _ in range(FEWEST - 1):
        ended(2.0, 1000)
    ended(12.0, 6000)

    assert seconds_per_byte("make_proxy") == pytest.approx(0.002)


def test_workers_share_the_work(settings: Settings) -> None:
    settings.LONG_WORKERS = 2
    for _ in range(FEWEST):
        ended(2.0, 1000)

    assert expected_s("make_proxy", 10_000) == pytest.approx(10.0)


def test_few_jobs_tell_nothing_and_neither_do_those_that_failed_or_found_it_done() -> None:
    for _ in range(FEWEST - 1):
        ended(2.0)
    ended(60.0, state="failed")
    ended(0.01)

    assert seconds_per_byte("make_proxy") is None
    assert expected_s("make_proxy", 10_000) is None
    assert expected_s("no such kind", 10_000) is None


def test_the_api_says_it_before_anything_starts(admin_user: User, settings: Settings) -> None:
    settings.LONG_WORKERS = 1
    for _ in range(FEWEST):
        ended(3.0, 1000)
    api = APIClient()
    api.force_authenticate(admin_user)

    plan = api.post("/api/estimate", {"action": "proxy", "filter": {}}, format="json").json()

    assert plan["todo"] == FEWEST
    assert plan["expected_s"] == pytest.approx(3.0 * FEWEST)


def test_home_and_the_look_into_a_folder_say_it(admin_client: Client, tmp_path: Path, settings: Settings) -> None:
    settings.LONG_WORKERS, settings.IMPORT_ROOTS = 1, [tmp_path]
    for _ in range(FEWEST):
        ended(3600.0, 1000)
    (tmp_path / "clip.mp4").write_bytes(bytes(2000))

    home = admin_client.get("/").content.decode()
    look = admin_client.post("/import/", {"path": str(tmp_path), "look": "1"}).content.decode()

    assert f"make proxies about {FEWEST} h" in home
    assert "make proxies about 2 h" in look
