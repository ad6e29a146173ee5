"""A library of the first release, brought up by today's migrations: every row still means what it meant."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from bedrock.models import Entry
from embeddings.models import Chunk, Embedding, Space
from embeddings.searching.search import search
from embeddings.stores.registry import store
from embeddings.words.registry import word_index
from files.models import File, Proxy, RemovedFile, Root
from files.selection.facets import annotate
from jobs.models import Batch, Job, QueueState
from nova.models import NovaJob
from nova.questions.results import current_for
from tests.novaproject.conftest import rows_of
from transcription.models import Segment, Transcript

pytestmark = pytest.mark.sqlite("databases of before")

TOKEN = "7ba522e979199c927664cf684f1731697973d72604f481ac91d122259bae9c9c"
MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: Rows that Django and this program bring in line with the code after each migration.
MAINTAINED = {"job_queues", "django_migrations", "django_content_type", "auth_permission", "bedrock_models"}


@pytest.fixture
def keeper(first_release: dict[str, int]) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="keeper"))
    return client


def test_rows_of_every_table_are_still_there_and_fit_todays_models(first_release: dict[str, int]) -> None:
    assert all(first_release.values())
    for table, rows in first_release.items():
        assert rows_of(table) == rows or table in MAINTAINED, table
    for model in apps.get_models():
        assert model._meta.proxy or len(model._base_manager.all()) == rows_of(model._meta.db_table)
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA foreign_key_check").fetchall() == []
        assert cursor.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_files_are_who_they_were(first_release: dict[str, int]) -> None:
    harbour = annotate(File.objects.filter(name="harbour.mp4")).get()
    latin = File.objects.get(state=File.State.MISSING)
    upload = File.objects.get(root__is_uploads=True)

    assert (harbour.root.name, harbour.path, harbour.full_hash) == ("library", "talks/harbour.mp4", "b1" * 32)
    assert (harbour.state, harbour.imported_at, harbour.metadata) == (
        "offline",
        MADE_AT,
        {"tags": {"title": "Harbour"}},
    )
    assert latin.local_path.name.encode(errors="surrogateescape") == b"caf\xe9.mp4"
    assert (upload.name, upload.path) == ("Größe ☀.mp4", "Größe ☀_3.mp4")
    assert [file.path for file in RemovedFile.objects.all()] == ["old/removed.mp4"]
    assert list(Proxy.objects.shown().values_list("file__name", "proxy_spec")) == [("harbour.mp4", "720p15")]
    assert not Root.objects.filter(is_present=True).exists()


def test_what_was_said_seen_and_paid_is_what_it_was(first_release: dict[str, int]) -> None:
    harbour = File.objects.get(name="harbour.mp4")
    transcript = Transcript.objects.current_for(harbour)
    lost = NovaJob.objects.get(file=None)

    assert transcript is not None
    assert [row.is_corrected for row in transcript.segments.all()] == [False, True, False]
    assert Segment.objects.get(is_corrected=True).text == "An old lighthouse keeper lights the lamp by hand."
    results = current_for(harbour)
    assert [chapter["title"] for chapter in results["chapters"].result["chapters"]] == [
        "Boats at dawn",
        "After the storm",
    ]
    assert (lost.content_hash, lost.cost_usd, lost.results.get().type) == ("b4" * 32, Decimal("0.004"), "summary")
    assert NovaJob.objects.get(status=NovaJob.Status.WAITING).estimated_usd == Decimal("0.01234567")
    assert Entry.objects.in_month("2026-11").counted_usd() == Decimal("0.0242")


def test_jobs_wait_fail_and_belong_as_they_did(first_release: dict[str, int]) -> None:
    batch = Batch.objects.get()

    assert sorted(batch.jobs.values_list("state", flat=True)) == ["failed", "queued", "succeeded"]
    assert Job.objects.failed().get().remedy == "Connect the drive."
    assert QueueState.objects.get(name="long").is_paused


def test_words_and_meaning_are_found_without_indexing_again(first_release: dict[str, int]) -> None:
    space = Space.objects.active()
    assert space is not None

    spoken = search("lighthouse", mode="keyword", limit=20).results
    meant = search("vessels returning to port early in the morning", mode="semantic", limit=5).results

    assert {kind for hit in spoken for kind in (hit.kind, *hit.also)} >= {"transcript", "element", "summary"}
    assert next(hit for hit in spoken if hit.kind == "transcript").url.endswith("?t=6")
    assert meant[0].file_name == "harbour.mp4"
    assert word_index().is_sound()
    assert store().ids(space.pk) == set(Embedding.objects.filter(space=space).values_list("pk", flat=True))
    assert not Chunk.objects.awaiting(space).exists()


def test_pages_and_programs_show_it(keeper: Client) -> None:
    harbour = File.objects.get(name="harbour.mp4")

    for address in ("/", "/library/", "/search/?q=lighthouse", "/jobs/", "/nova/", "/spend/?month=2026-11"):
        assert keeper.get(address).status_code == 200, address
    page = keeper.get(f"/files/{harbour.pk}/").content.decode()
    assert "lights the lamp by hand" in page
    assert "After the storm" in page
    answer = Client().get(f"/api/files/{harbour.pk}", headers={"authorization": f"Token {TOKEN}"})
    assert (answer.status_code, answer.json()["has_transcript"]) == (200, True)
