"""A page shows what the API would show to the same person, no more."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from curation.marking import mark_moment
from embeddings.indexing.index import index_text
from embeddings.models import Chunk
from files.models import File
from jobs.models import Job
from nova.models import NovaJob
from nova.questions.results import keep
from tests.files.factories import make_file, make_proxy_row
from tests.pages import as_read
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript

pytestmark = pytest.mark.django_db

#: What each right shows of a file's page, and what its address in the API is.
SHOWN = {
    "transcription.view_transcript": ("The pond is deep.", "/api/transcripts"),
    "nova.view_analysisresult": ("Two people at a pond.", "/api/nova/results/{id}"),
    "curation.view_moment": ("The leap", "/api/moments"),
    "files.view_proxy": ("720p15", "/api/proxies"),
    "jobs.view_job": ("It broke.", "/api/jobs"),
}


@pytest.fixture
def file() -> File:
    file = make_file()
    save_transcript(
        file,
        NewTranscript(provider="sidecar", segments=[SpokenSegment(start_s=0, end_s=2, text="The pond is deep.")]),
    )
    nova_job = NovaJob.objects.create(file=file, model="lite", analysis_types=["summary"], mode="flex")
    keep(nova_job, {"summary": {"text": "Two people at a pond."}}, version="1")
    mark_moment(file, start_s=1, end_s=2, name="The leap")
    make_proxy_row(file)
    Job.objects.create(
        kind="make_proxy", subject_kind="file", subject_id=file.pk, queue="long", state="failed", error="It broke.",
        fingerprint="f",
    )  # fmt: skip
    index_text(file)
    return file


def eve(client: Client, *rights: str) -> Client:
    person = User.objects.create_user("eve")
    for right in ("files.view_file", *rights):
        app, codename = right.split(".")
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(person)
    return client


@pytest.mark.parametrize("right", SHOWN)
def test_the_page_of_a_file_shows_what_the_right_allows(client: Client, file: File, right: str) -> None:
    words, address = SHOWN[right]

    visitor = eve(client, right)
    page = as_read(visitor.get(f"/files/{file.pk}/"))

    assert words in page
    assert visitor.get(address.format(id=NovaJob.objects.get().pk)).status_code == 200
    others = {other: said for other, (said, _) in SHOWN.items() if other not in (right, "files.view_proxy")}
    assert [other for other, said in others.items() if said in page] == []


@pytest.mark.parametrize("right", SHOWN)
def test_without_the_right_neither_page_nor_api_shows_it(client: Client, file: File, right: str) -> None:
    words, address = SHOWN[right]
    visitor = eve(client, *(other for other in SHOWN if other != right))

    page = as_read(visitor.get(f"/files/{file.pk}/"))

    assert words not in page or right == "files.view_proxy"  # the player says which proxy it plays
    assert visitor.get(address.format(id=NovaJob.objects.get().pk)).status_code == 403


def test_the_lines_around_a_hit_need_the_right_to_read_them(client: Client, file: File) -> None:
    chunk = Chunk.objects.filter(file=file, source_kind=Chunk.Kind.TRANSCRIPT).get()
    visitor = eve(client, "embeddings.view_chunk")

    assert "Lines of the transcript" not in as_read(visitor.get(f"/search/moment/{chunk.pk}/"))


def test_the_home_page_tells_of_work_only_to_who_may_see_it(client: Client, file: File) -> None:
    page = as_read(eve(client).get("/"))

    assert "Running now" not in page
    assert "job failed" not in page
