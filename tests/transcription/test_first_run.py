"""The weights are fetched by themselves when they are first needed, and nobody waits where there is no network."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from jobs.execution import running
from jobs.models import Job, Notice
from tests.transcription.hub import Hub, serving
from transcription import weights_wait
from transcription.tasks import FETCH_AGAIN, fetch_by_itself

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_weights(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", folders / "data" / "models" / "whisper")
    monkeypatch.setattr(settings, "FETCH_WEIGHTS", ["speech"])
    monkeypatch.setattr(settings, "IMPORT_STEPS", ["proxy", "transcribe"])


@pytest.fixture
def closed_hub(models: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """An address where nobody answers."""
    with serving(models / "faster-whisper-base") as hub:
        monkeypatch.setattr(settings, "WHISPER_WEIGHTS_URL", hub.url)
    return hub


def test_the_first_run_fetches_the_weights(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(models / "faster-whisper-base") as hub:
        monkeypatch.setattr(settings, "WHISPER_WEIGHTS_URL", hub.url)
        assert fetch_by_itself() is not None
        assert fetch_by_itself() is None
        running.run_until_idle()

    assert weights_wait.readiness().is_ready
    assert [job.state for job in Job.objects.all()] == ["succeeded"]
    assert fetch_by_itself() is None


def test_without_a_network_there_is_one_notice_and_no_failure(closed_hub: Hub) -> None:
    fetch_by_itself()
    running.run_until_idle()

    job = Job.objects.get()
    assert job.state == "succeeded"
    assert "tried again in 6 hours" in job.message
    assert Notice.objects.get().key == weights_wait.NOTICE
    assert fetch_by_itself() is None
    Job.objects.update(created_at=timezone.now() - FETCH_AGAIN - timedelta(minutes=1))
    assert fetch_by_itself() is not None


@pytest.mark.parametrize(
    ("name", "value"), [("FETCH_WEIGHTS", []), ("FETCH_WEIGHTS", ["picture"]), ("IMPORT_STEPS", ["proxy"])]
)
def test_nothing_is_fetched_that_is_not_wanted(name: str, value: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, name, value)

    assert fetch_by_itself() is None


def test_the_pages_show_how_far_it_is(client: Client, closed_hub: Hub) -> None:
    client.force_login(User.objects.create_superuser("ann", password="a long password"))
    job = fetch_by_itself()
    assert job is not None
    Job.objects.filter(pk=job.pk).update(progress=0.4, message="Fetching Whisper base: 58 of 145 MB")

    for address in ("/setup/", "/"):
        page = client.get(address).content.decode()
        assert "58 of 145 MB" in page
        assert "Fetch Whisper’s weights" not in page
