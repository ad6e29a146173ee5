"""What the schema shows can be sent as it stands."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from curation.models import Collection, Tag
from embeddings.api import known_filters
from embeddings.models import Space
from novaproject.api.examples import BODIES
from tests.files.factories import make_file, make_root
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def paths(api: Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/api/schema?format=json").json()["paths"]
    return found


def test_every_body_has_an_example(paths: dict[str, Any]) -> None:
    bodies = {
        path: operations["post"]["requestBody"]["content"].get("application/json", {})
        for path, operations in paths.items()
        if "requestBody" in operations.get("post", {})
    }

    without = {path for path, body in bodies.items() if "examples" not in body}

    assert without <= {"/api/files/upload", "/api/search/picture"}
    assert set(BODIES) <= set(bodies)


@pytest.mark.parametrize(("path", "title"), [(path, title) for path, bodies in BODIES.items() for title in bodies])
def test_an_example_can_be_sent(
    api: Client, folders: Path, settings: Settings, path: str, title: str, tmp_path: Path
) -> None:
    settings.IMPORT_ROOTS = [tmp_path]
    root = make_root(tmp_path, pk=1)
    file = make_file(root, pk=1)
    save_transcript(
        file, NewTranscript(provider="sidecar", segments=[SpokenSegment(start_s=0, end_s=2, text="Hello there")])
    )
    Tag.objects.create(pk=1, name="Ridge")
    Tag.objects.create(pk=2, name="Court")
    Collection.objects.create(pk=1, name="Showreel")
    Space.objects.create(pk=1, provider="local", model="all-MiniLM-L6-v2", dimension=384, is_active=True)
    Space.objects.create(pk=2, provider="local", model="multilingual-e5-small", dimension=384)
    body = dict(BODIES[path][title])
    if "path" in body:
        body["path"] = str(tmp_path)
    if "transcript_id" in body:
        body["transcript_id"] = file.transcripts.get().pk

    answer = api.post(path.replace("{id}", "1").replace("{model}", "lite"), body, content_type="application/json")

    # 409: understood, but Whisper's weights are not on this machine.
    assert answer.status_code in (200, 201, 202, 409), answer.content


def test_a_search_names_every_filter_that_it_takes(paths: dict[str, Any]) -> None:
    named = {parameter["name"] for parameter in paths["/api/search"]["get"]["parameters"]}

    assert set(known_filters()) <= named
    assert "has_proxy" in named
    assert not named & {"ordering", "page"}
