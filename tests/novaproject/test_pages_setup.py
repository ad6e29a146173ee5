"""The setup page says what the doctor says."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from jobs.models import Job
from novaproject.setup.doctor import AWS, Check, Level
from novaproject.views_setup import grouped, headline
from tests.standin.world import World


@pytest.mark.django_db
def test_every_finding_stands_on_the_page_with_its_remedy(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))

    page = client.get("/setup/").content.decode()

    assert "Database" in page
    assert "is up to date." in page
    assert "manage.py doctor" in page


@pytest.mark.django_db
def test_aws_is_asked_when_somebody_who_may_wants_it(client: Client, aws: World) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    said = client.get("/setup/").content.decode()
    asked = client.get("/setup/?aws").content.decode()

    assert "Found, for us-east-1" in said
    assert "Nova 2 Lite" not in said
    assert "Nova 2 Lite" in asked
    assert asked.count(">Staging bucket<") == 1

    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    client.force_login(bea)
    assert "Found, for us-east-1" in client.get("/setup/?aws").content.decode()


@pytest.mark.django_db
def test_a_profile_that_is_not_there_is_said_and_breaks_no_page(client: Client, monkeypatch: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    client.force_login(User.objects.create_superuser("ada"))

    assert "None in the environment" in client.get("/setup/").content.decode()


@pytest.mark.django_db
def test_weights_that_are_missing_are_fetched_by_a_button(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.WHISPER_MODEL_DIR = tmp_path
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    client.force_login(bea)
    assert 'id="weights"' in client.get("/setup/").content.decode()
    assert "Fetch Whisper’s weights" not in client.get("/setup/").content.decode()
    assert client.post("/setup/weights/").status_code == 403

    client.force_login(User.objects.create_superuser("ada"))
    assert "Fetch Whisper’s weights" in client.get("/").content.decode()  # the empty library
    assert "Fetch Whisper’s weights" in client.get("/setup/").content.decode()
    for _ in range(2):
        assert client.post("/setup/weights/")["Location"] == "/jobs/"

    job = Job.objects.get()  # the second wish joins the first
    assert (job.kind, job.options, job.state) == ("download_model", {"model": ""}, "queued")


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ([Level.READY, Level.OFF], "Everything is ready"),
        ([Level.READY, Level.WARN], "Ready, with 1 thing to check"),
        ([Level.WARN, Level.WARN], "Ready, with 2 things to check"),
        ([Level.MEND, Level.WARN], "To mend first: check 0"),
    ],
)
def test_the_headline_says_the_worst(levels: list[Level], text: str) -> None:
    assert headline([Check(f"check {n}", level, "") for n, level in enumerate(levels)]) == text


def test_findings_keep_their_groups() -> None:
    local, aws = grouped([Check("a", Level.READY, ""), Check("b", Level.WARN, ""), Check("c", Level.OFF, "", "", AWS)])

    assert (local.said, [check.word for check in local.checks]) == ("1 of 2 ready", ["Ready", "Check"])
    assert (aws.said, aws.checks[0].look) == ("everything else works without", "off")
