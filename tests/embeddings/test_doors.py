"""The doors to the verbs: API, commands, jobs, the facet, and the news from the floors below."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from embeddings import facet, registry, tasks
from embeddings.errors import ProviderError
from embeddings.indexing import index, spaces
from embeddings.models import Chunk, Embedding, Space
from embeddings.searching.search import search
from embeddings.words.registry import word_index
from files.import_tasks import import_now, scan_now
from files.models import File
from files.selection import actions
from files.selection.facets import annotate
from files.selection.resolving import resolve
from files.signals import file_back, file_gone, media_ready
from jobs.execution.running import run_until_idle
from jobs.models import Job, Notice
from nova.models import NovaJob
from nova.questions.results import keep
from nova.signals import analysis_ready
from tests.embeddings.conftest import MakeFile, say, vector_count
from tests.embeddings.fakes import WordsProvider
from tests.media import make_image
from transcription.signals import transcript_settled

LINES = [(0.0, 3.0, "Hello there."), (12.5, 15.0, "That is a leak at the liner seam.")]


@pytest.fixture
def friday(make_file: MakeFile) -> File:
    file = make_file("friday.mp4")
    say(file, LINES)
    index.index_file(file)
    return file


def client_with(*codenames: str) -> Client:
    user = User.objects.create_user(f"user-{User.objects.count()}", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    return client_with("view_chunk")


def test_the_api_answers_as_the_contract_says(viewer: Client, friday: File) -> None:
    body = viewer.get("/api/search", {"q": "leak seam", "mode": "keyword"}).json()

    [hit] = body["results"]
    assert {name: hit[name] for name in ("file_id", "file_name", "kind", "start_s", "end_s", "url")} == {
        "file_id": friday.pk,
        "file_name": "friday.mp4",
        "kind": "transcript",
        "start_s": 12.5,
        "end_s": 15.0,
        "url": f"/files/{friday.pk}/?t=12.5",
    }
    assert "<mark>leak</mark>" in hit["snippet"]
    assert body["counts"] == {"transcript": 1}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20",
        "q=%00",
        "q=leak&limit=0",
        "q=leak&limit=100000",
        "q=leak&limit=many",
        "q=leak&mode=magic",
        "q=leak&kind=poem",
        "q=leak&colour=red",
        "q=leak&ordering=name",
        "q=leak&min_size=big",
        "q=leak&has_transcript=maybe",
    ],
)
def test_the_api_refuses_what_it_cannot_ask(viewer: Client, query: str) -> None:
    answer = viewer.get(f"/api/search?{query}")

    assert answer.status_code == 400
    assert answer.json()


@pytest.mark.parametrize(("query", "field"), [("q=", "q"), ("q=leak&limit=0", "limit"), ("like=999999", "like")])
def test_what_is_refused_is_named_by_its_field(viewer: Client, query: str, field: str) -> None:
    [words] = viewer.get(f"/api/search?{query}").json()[field]

    assert words


def test_the_api_takes_the_filters_of_the_file_list(viewer: Client, friday: File) -> None:
    assert viewer.get("/api/search?q=leak&media_type=video&min_duration=10").json()["total"] == 1
    assert viewer.get("/api/search?q=leak&media_type=audio").json()["total"] == 0
    assert viewer.get("/api/search?q=leak&name=frid").json()["total"] == 1


def test_the_api_is_closed_without_login_and_without_permission(friday: File) -> None:
    assert Client().get("/api/search?q=leak").status_code == 401
    assert client_with().get("/api/search?q=leak").status_code == 403


def test_what_is_like_a_moment_or_a_file_by_api_and_command(viewer: Client, friday: File, make_file: MakeFile) -> None:
    say(other := make_file("monday.mp4"), [(7.0, 9.0, "A leak at the liner seam, again.")])
    index.index_file(other)
    [hit] = viewer.get(f"/api/search?q=leak&mode=keyword&file_id={friday.pk}").json()["results"]

    for name, pk in (("like", hit["chunk_id"]), ("like_file", friday.pk)):
        found = viewer.get(f"/api/search?{name}={pk}").json()["results"]
        assert (found[0]["file_id"], found[0]["start_s"]) == (other.pk, 7.0)
    call_command("search", "--like-file", str(friday.pk), stdout=(out := StringIO()))
    assert "monday.mp4 at 0:07" in out.getvalue()
    assert viewer.get("/api/search", {"like": 10**30}).status_code == 400


def test_filters_hold_for_what_is_like_a_file_too(viewer: Client, friday: File, make_file: MakeFile) -> None:
    say(other := make_file("monday.mp4"), [(7.0, 9.0, "A leak at the liner seam, again.")])
    index.index_file(other)

    def found(**filters: str) -> set[str]:
        answer = viewer.get("/api/search", {"like_file": str(friday.pk), **filters})
        return {hit["file_name"] for hit in answer.json()["results"]}

    assert found() == found(media_type="video") == found(name="mond", kind="transcript") == {"monday.mp4"}
    assert found(media_type="audio") == found(name="frid") == found(kind="chapter") == set()
    assert "Not a filter" in viewer.get("/api/search", {"like_file": str(friday.pk), "colour": "red"}).json()["detail"]
    assert "not q and like_file" in str(viewer.get("/api/search", {"like_file": str(friday.pk), "q": "leak"}).json())


def test_the_command_takes_every_filter_of_the_file_list(friday: File) -> None:
    def run(*asked: str) -> str:
        call_command("search", "leak", *asked, stdout=(out := StringIO()))
        return out.getvalue()

    assert "1 moment in 1 file, " in run("--filter", "media_type=video", "--filter", "min_duration=10")
    assert "Nothing close." in run("--filter", "media_type=audio")
    with pytest.raises(CommandError, match="Not a filter: colour"):
        run("--filter", "colour=red")
    with pytest.raises(CommandError, match="Write NAME=VALUE"):
        run("--filter", "audio")


@pytest.mark.parametrize("asked", [["\udcff leak"], ["leak", "--name", "\udcff"], ["leak", "--directory", "\udcff"]])
def test_bytes_that_are_no_text_are_answered_by_the_command(friday: File, asked: list[str]) -> None:
    call_command("search", *asked, stdout=(out := StringIO()))

    assert "friday.mp4" in out.getvalue() or "Nothing close." in out.getvalue()


@pytest.mark.parametrize(
    "wrong", [["--like-file", str(10**30)], ["--like-file", "0"], ["--like-file", "1", "--limit", "0"]]
)
def test_the_command_refuses_what_is_like_nothing(friday: File, wrong: list[str]) -> None:
    with pytest.raises(CommandError, match=r"There is no file|The limit must be"):
        call_command("search", *wrong)


def test_a_search_takes_few_queries_however_many_hits(
    viewer: Client, make_file: MakeFile, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, f"The pump hums in clip {number}.")])
        index.index_file(file)
    viewer.get("/api/search?q=pump")

    with django_assert_max_num_queries(25):
        assert len(viewer.get("/api/search?q=pump+hums&limit=30").json()["results"]) == 30


def test_the_command_prints_the_moment(friday: File) -> None:
    out = StringIO()

    call_command("search", "leak seam", "--mode", "keyword", stdout=out)

    assert "friday.mp4 at 0:12" in out.getvalue()
    assert f"/files/{friday.pk}/?t=12.5" in out.getvalue()


def test_the_command_says_when_nothing_is_close(friday: File) -> None:
    out = StringIO()

    call_command("search", "zebra", stdout=out)

    assert "Nothing close." in out.getvalue()


def test_the_command_speaks_json_and_refuses_with_words(friday: File) -> None:
    out = StringIO()

    call_command("search", "leak", "--json", "--directory", "", stdout=out)

    assert json.loads(out.getvalue())["results"][0]["file_id"] == friday.pk
    with pytest.raises(CommandError, match="empty"):
        call_command("search", " ")


def test_embed_does_what_is_missing_and_says_so(make_file: MakeFile) -> None:
    say(make_file("a.mp4"), LINES)
    out, again = StringIO(), StringIO()

    call_command("embed", "--json", stdout=out)
    call_command("embed", "--json", stdout=again)

    assert json.loads(out.getvalue()) == {"files": 1, "embedded": 3, "failed": {}}
    assert json.loads(again.getvalue())["embedded"] == 0


def test_embed_tells_first_what_it_would_do(make_file: MakeFile) -> None:
    make_file("a.mp4")
    out = StringIO()

    call_command("embed", "--dry-run", "--json", stdout=out)

    assert json.loads(out.getvalue())["files"] == 1
    assert not Embedding.objects.exists()


def test_embed_ends_with_an_error_where_a_file_fails(make_file: MakeFile) -> None:
    make_file("a.mp4")
    WordsProvider.failing = ProviderError("Away.")

    with pytest.raises(CommandError, match="1 files failed"):
        call_command("embed", stdout=StringIO(), stderr=StringIO())


def test_embed_lists_and_switches_spaces(friday: File, settings: Any) -> None:
    first = spaces.active()
    settings.EMBEDDING_PROVIDER = "paid"
    out = StringIO()

    call_command("embed", "--new-space", stdout=StringIO())
    second = Space.objects.exclude(pk=first.pk).get()
    call_command("embed", "--switch", str(second.pk), stdout=out)

    assert spaces.active() == second
    assert f"{second.pk} * paid: bag" in out.getvalue()
    call_command("embed", "--switch", str(first.pk), stdout=out)
    with pytest.raises(CommandError, match=r"3 vectors of .* were paid for \(\$0\.0000\).*--yes"):
        call_command("embed", "--delete-space", str(second.pk), stdout=out)
    call_command("embed", "--delete-space", str(second.pk), "--yes", stdout=out)
    assert list(Space.objects.all()) == [first]
    with pytest.raises(CommandError, match="in use"):
        call_command("embed", "--delete-space", str(first.pk), stdout=out)
    for option, wrong in (("--switch", "999"), ("--switch", "0"), ("--delete-space", "0"), ("--space", "0")):
        with pytest.raises(CommandError, match=f"no space {wrong}"):
            call_command("embed", option, wrong, stdout=out)


@pytest.fixture
def only_this_step(settings: Any) -> None:
    """The floors below settle nothing by themselves but what the test says."""
    settings.IMPORT_STEPS = ["embed"]


@pytest.mark.usefixtures("only_this_step")
def test_a_name_is_found_as_soon_as_the_file_is_there(make_file: MakeFile) -> None:
    file = make_file("ridge.mp4")

    media_ready.send(File, file=file, reason="")

    assert Chunk.objects.get().text == "ridge.mp4 · ridge"
    assert Job.objects.filter(kind="embed").count() == 1  # once, by the end of the chain


@pytest.mark.usefixtures("only_this_step")
def test_a_renamed_file_is_found_by_its_new_name(
    db: None, folders: Path, django_capture_on_commit_callbacks: Any
) -> None:
    clip = make_image(folders / "library" / "flower.png")
    import_now(clip.parent)
    file = File.objects.get()
    say(file, LINES)
    index.index_text(file)

    clip.rename(clip.with_name("zinnia.png"))
    with django_capture_on_commit_callbacks(execute=True):
        scan_now(file.root)

    assert [hit.file_id for hit in search("zinnia", mode="keyword").results] == [file.pk]
    assert search("flower", mode="keyword").results == []
    assert search("leak", mode="keyword").results


@pytest.mark.usefixtures("only_this_step")
def test_a_settled_transcript_is_found_at_once_and_embedded_soon(make_file: MakeFile) -> None:
    file = make_file("a.mp4")
    transcript = say(file, LINES)

    transcript_settled.send(File, file=file, transcript=transcript, reason="")
    analysis_ready.send(File, file=file, nova_job=None, reason="off")

    assert Chunk.objects.count() == 3
    job = Job.objects.get(kind="embed")
    assert (job.kind, job.subject_id, job.options) == ("embed", file.pk, {})
    Job.objects.update(run_after=job.created_at)
    assert run_until_idle() == 1
    assert Embedding.objects.count() == 3
    job.refresh_from_db()
    assert (job.state, job.message) == ("succeeded", "3 chunks, 3 embedded")


@pytest.mark.usefixtures("only_this_step")
def test_a_transcript_is_chunked_once_on_the_way_from_its_news_to_its_vectors(make_file: MakeFile) -> None:
    file = make_file("a.mp4")
    media_ready.send(File, file=file, reason="")
    transcript = say(file, LINES)

    with CaptureQueriesContext(connection) as queries:
        transcript_settled.send(File, file=file, transcript=transcript, reason="")
        analysis_ready.send(File, file=file, nova_job=None, reason="off")
        Job.objects.update(run_after=timezone.now())
        assert run_until_idle() == 1

    assert Embedding.objects.count() == 3
    assert sum('FROM "transcript_segments"' in query["sql"] for query in queries) == 1


def test_without_the_weights_there_is_one_notice_and_no_job(make_file: MakeFile) -> None:
    WordsProvider.missing = "Its weights are not there."
    for name in ("a.mp4", "b.mp4"):
        transcript_settled.send(File, file=make_file(name), transcript=None, reason="no speech")

    assert not Job.objects.filter(kind="embed").exists()
    assert "weights" in Notice.objects.get().text

    WordsProvider.missing = ""
    transcript_settled.send(File, file=make_file("c.mp4"), transcript=None, reason="")
    assert not Notice.objects.exists()


def test_nothing_that_costs_money_starts_by_itself(make_file: MakeFile, settings: Any) -> None:
    settings.EMBEDDING_PROVIDER = "paid"

    transcript_settled.send(File, file=make_file("a.mp4"), transcript=None, reason="")
    tasks.sweep()

    assert Chunk.objects.count() == 1
    assert not Job.objects.filter(kind="embed").exists()
    assert WordsProvider.asked == []


def test_a_step_that_is_off_makes_no_job(make_file: MakeFile, settings: Any) -> None:
    settings.IMPORT_STEPS = ["proxy"]

    transcript_settled.send(File, file=make_file("a.mp4"), transcript=None, reason="")
    tasks.sweep()

    assert not Job.objects.filter(kind="embed").exists()


def test_what_was_missed_is_asked_for_again(make_file: MakeFile, friday: File) -> None:
    index.index_text(missed := make_file("missed.mp4"))

    tasks.sweep()

    assert [job.subject_id for job in Job.objects.all()] == [missed.pk]


def test_a_file_that_left_takes_its_words_along_and_brings_them_back(friday: File) -> None:
    friday.mark_removed()
    file_gone.send(File, file=friday)
    assert not Chunk.objects.exists()

    friday.removed_at = None
    friday.save()
    file_back.send(File, file=friday)
    assert Chunk.objects.count() == 3


def test_a_deleted_transcript_is_gone_from_the_index_in_its_own_transaction(friday: File) -> None:
    friday.transcripts.get().delete()

    assert list(Chunk.objects.values_list("source_kind", flat=True)) == ["name"]
    assert vector_count(spaces.active().pk) == 1


def test_a_corrected_segment_loses_its_old_words_at_once(friday: File) -> None:
    friday.transcripts.get().segments.get(index=1).correct("That is a hole in the rubber.")

    texts = set(Chunk.objects.values_list("text", flat=True))
    assert "That is a hole in the rubber." in texts
    assert vector_count(spaces.active().pk) == 2


def test_a_deletion_that_cascades_takes_words_and_vectors_along(friday: File) -> None:
    space = spaces.active()
    Chunk.objects.filter(source_kind="name").delete()

    assert vector_count(space.pk) == Embedding.objects.count() == 2
    assert word_index().is_sound()


def test_a_job_of_a_file_that_left_ends_well(friday: File) -> None:
    job = tasks.request_embed(friday)
    friday.mark_removed()

    run_until_idle()

    job.refresh_from_db()
    assert job.state == "succeeded"


def test_a_job_of_a_space_that_is_gone_fails_with_words(friday: File) -> None:
    job = tasks.request_embed(friday, force=True)
    Job.objects.update(options={"space_id": 99})

    run_until_idle()

    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "The space of this job is gone.")


def test_the_facet_knows_what_is_embedded(friday: File, make_file: MakeFile) -> None:
    make_file("other.mp4")

    assert [file.name for file in resolve(filter={"has_embeddings": True})] == ["friday.mp4"]
    assert [file.name for file in resolve(filter={"has_embeddings": False})] == ["other.mp4"]
    badge = facet.badge(annotate(File.objects.filter(pk=friday.pk)).get())
    assert badge is not None
    assert badge.text == "Search"
    assert facet.badge(annotate(File.objects.filter(name="other.mp4")).get()) is None


def test_the_action_plans_and_starts(friday: File, make_file: MakeFile) -> None:
    index.index_text(make_file("other.mp4"))
    everything = resolve(filter={})

    plan = actions.estimate("embeddings", everything, {})
    batch = actions.start_action("embeddings", everything, {"force": True})

    assert (plan.total, plan.todo, plan.already_done) == (2, 1, 1)
    assert not plan.usd_high
    assert {job.options.get("force") for job in batch.jobs.all()} == {True}
    assert run_until_idle() == 2
    assert actions.estimate("embeddings", everything, {}).todo == 0


def test_the_action_refuses_where_the_model_is_missing(friday: File) -> None:
    WordsProvider.missing = "Its weights are not there."

    assert actions.estimate("embeddings", resolve(filter={}), {}).refusals == ["Its weights are not there."]


def test_an_unpriced_paid_space_says_so(friday: File, settings: Any) -> None:
    settings.EMBEDDING_PROVIDER = "paid"
    space = spaces.get_or_make(registry.default_key())

    plan = actions.estimate("embeddings", resolve(filter={}), {"space_id": space.pk})

    assert plan.todo == 1
    assert "No price is known" in plan.warnings[0]


def generate(client: Client, **body: object) -> Any:
    return client.post("/api/nova/embeddings/generate", body, content_type="application/json")


@pytest.fixture
def editor(db: None) -> Client:
    return client_with("add_embedding")


def test_embedding_is_asked_for_by_any_of_three_ids(editor: Client, friday: File) -> None:
    nova_job = NovaJob.objects.create(file=friday, model="local", analysis_types=["summary"])

    answers = [
        generate(editor, file_id=friday.pk),
        generate(editor, transcript_id=friday.transcripts.get().pk),
        generate(editor, nova_job_id=nova_job.pk),
    ]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert {(answer.json()["kind"], answer.json()["file_id"]) for answer in answers} == {("embed", friday.pk)}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert generate(editor, file_id=friday.pk, force=True).json()["options"] == {"force": True}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"file_id": 1, "transcript_id": 1}, 400),
        ({"file_id": "x"}, 400),
        ({"file_id": 999_999}, 404),
        ({"transcript_id": 999_999}, 404),
        ({"nova_job_id": 999_999}, 404),
    ],
)
def test_embedding_what_is_not_there_is_refused(editor: Client, body: dict[str, Any], status: int) -> None:
    assert generate(editor, **body).status_code == status


def test_embedding_needs_its_permission(viewer: Client, friday: File) -> None:
    assert generate(viewer, file_id=friday.pk).status_code == 403


def test_an_analysis_is_found_and_goes_with_its_result(friday: File) -> None:
    nova_job = NovaJob.objects.create(file=friday, model="local", analysis_types=["chapters"])
    chapters = [{"title": "Dye test", "summary": "The trail bends.", "start_s": 200, "end_s": 365}]
    [row] = keep(nova_job, {"chapters": {"chapters": chapters}}, version="1")
    index.index_file(friday)

    [hit] = search("trail", mode="keyword").results
    row.delete()

    assert (hit.kind, hit.start_s, hit.end_s) == ("chapter", 200, 365)
    assert search("trail", mode="keyword").results == []


@pytest.mark.parametrize("name", ["chunk", "embedding", "space", "paidvector", "savedquery", "removal"])
def test_every_table_has_its_admin(admin_client: Client, friday: File, name: str) -> None:
    search("leak")
    assert admin_client.get(f"/admin/embeddings/{name}/").status_code == 200
    first = apps.get_model("embeddings", name).objects.first()
    if first is not None:
        assert admin_client.get(f"/admin/embeddings/{name}/{first.pk}/change/").status_code == 200


def test_the_admin_switches_the_space_in_use(admin_client: Client, friday: File, settings: Any) -> None:
    first = spaces.active()
    settings.EMBEDDING_PROVIDER = "paid"
    second = spaces.get_or_make(registry.default_key())

    def use(*chosen: Space) -> str:
        action = {"action": "use", "_selected_action": [space.pk for space in chosen]}
        return admin_client.post("/admin/embeddings/space/", action, follow=True).content.decode()

    assert "is empty" in use(second)
    assert spaces.active() == first
    index.index_file(friday, space=second)
    Embedding.objects.filter(space=second).last().delete()  # type: ignore[union-attr]
    assert "1 text has no vector" in use(second)
    assert spaces.active() == second
    use(first, second)
    assert spaces.active() == second
