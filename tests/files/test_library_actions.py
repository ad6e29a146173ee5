"""Actions on a selection: registry, selection, estimate, start, over HTTP and without it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries, Settings
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from files import import_tasks
from files.errors import ActionRefusedError, SelectionError, UnknownActionError
from files.media import derived
from files.models import File, FileQuerySet, Proxy, Root
from files.selection import actions, facets, pieces, resolving
from files.selection.pieces import START_PIECE, as_spans, get_action
from jobs import control, counting, queue
from jobs.execution import claims, running
from jobs.execution.running import run_until_idle
from jobs.models import Batch, Job
from tests.files.factories import make_file, make_problem, make_proxy_row, make_root
from tests.files.library import copy
from tests.jobs.kinds import registered

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(admin_user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(admin_user)
    return client


# --- selection ---


def test_a_selection_by_ids() -> None:
    one, two = make_file(), make_file()
    make_file()

    found = resolving.resolve(file_ids=[two.pk, one.pk, one.pk])

    assert set(found) == {one, two}


def test_a_selection_by_filter_is_everything_that_matches() -> None:
    one, two = make_file(size_bytes=5), make_file(size_bytes=50)
    make_proxy_row(one)

    assert set(resolving.resolve(filter={})) == {one, two}
    assert set(resolving.resolve(filter={"has_proxy": False})) == {two}
    assert set(resolving.resolve(filter={"max_size": 10, "media_type": ["video", "audio"]})) == {one}
    assert set(resolving.resolve(filter=QueryDict("has_proxy=true"))) == {one}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"file_ids": [1], "filter": {}},
        {"filter": {"hasproxy": True}},
        {"filter": {"has_proxy": "maybe"}},
        {"filter": {"min_size": {"gt": 5}}},
        {"file_ids": [999_999]},
        {"file_ids": list(range(1, 10_002))},
    ],
)
def test_a_selection_that_cannot_be_read_selects_nothing(asked: dict[str, Any]) -> None:
    make_file()

    with pytest.raises(SelectionError):
        resolving.resolve(**asked)


# --- facets ---


def test_a_flag_costs_no_query_after_annotate_and_one_without(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    file = make_file()
    make_proxy_row(file)

    [read] = facets.annotate(File.objects.all())
    with django_assert_num_queries(0):
        assert facets.flag(read, "has_proxy")
        assert [badge.text for badge in facets.badges(read)][:1] == ["Proxy"]
    with django_assert_num_queries(1):
        assert facets.flag(file, "has_proxy")


class WashOptions(serializers.Serializer[Any]):
    degrees = serializers.IntegerField(default=30, max_value=95)


def _wash_plan(chosen: FileQuerySet, options: Any) -> facets.ActionPlan:
    refusals = ["Too hot."] if options["degrees"] > 60 else []
    return facets.ActionPlan(total=chosen.count(), todo=1, usd_high=Decimal("0.25"), refusals=refusals)


@pytest.fixture
def wash() -> Iterator[None]:
    """A facet with an action, as a floor above would register it; without a `start` of its own."""
    facets.register(
        facets.Facet(
            name="is_clean",
            label="Clean",
            annotation=lambda: Exists(Proxy.objects.filter(file_id=OuterRef("pk"), proxy_spec="clean")),
            action=facets.Action(
                name="wash",
                label="Wash",
                job_kind="make_proxy",
                options=WashOptions,
                permission="files.change_file",
                plan=_wash_plan,
            ),
        )
    )
    yield
    del facets._facets["is_clean"]


def test_a_facet_brings_flag_filter_and_action(wash: None, client: APIClient) -> None:
    file = make_file()
    make_proxy_row(file, "clean")
    make_file()

    assert client.get(f"/api/files/{file.pk}").json()["is_clean"] is True
    assert client.get("/api/files?is_clean=true").json()["count"] == 1
    assert actions.estimate("wash", resolving.resolve(filter={}), {}).usd_high == Decimal("0.25")

    batch = actions.start_action("wash", resolving.resolve(filter={}), {"degrees": 40})

    assert (batch.label, batch.action, batch.options) == ("Wash 2 files", "wash", {"degrees": 40})
    assert [job.options for job in batch.jobs.all()] == [{"degrees": 40}] * 2


@pytest.mark.parametrize(("count", "label"), [(1, "Make proxies for 1 file"), (3, "Make proxies for 3 files")])
def test_a_batch_says_how_many_files_it_is_about(count: int, label: str) -> None:
    files = [make_file() for _ in range(count)]

    batch = actions.start_action("proxy", resolving.resolve(file_ids=[file.pk for file in files]), {})

    assert Batch.objects.get(pk=batch.pk).label == label


def test_an_action_says_why_it_cannot_be_done(wash: None) -> None:
    file = make_file()
    chosen = resolving.resolve(file_ids=[file.pk])

    with pytest.raises(ActionRefusedError, match="Too hot"):
        actions.start_action("wash", chosen, {"degrees": 90})
    with pytest.raises(ValidationError):
        actions.start_action("wash", chosen, {"degrees": 100})
    with pytest.raises(UnknownActionError):
        actions.start_action("dry", chosen, {})
    with pytest.raises(SelectionError, match="No file"):
        actions.start_action("wash", File.objects.none(), {})
    with pytest.raises(PermissionDenied):
        actions.start_action("wash", chosen, {}, user=User.objects.create_user("eve"))
    assert not Batch.objects.exists()


# --- over HTTP ---


def test_an_estimate_of_proxies(client: APIClient) -> None:
    done = make_file()
    make_file()
    make_file(state="offline")
    make_proxy_row(done)

    answer = client.post("/api/estimate", {"action": "proxy", "filter": {}})

    assert answer.status_code == 200, answer.content
    plan = answer.json()
    assert (plan["total"], plan["todo"], plan["already_done"], plan["usd_high"]) == (3, 2, 1, 0)
    assert "1 cannot be read now" in plan["warnings"][0]
    assert not Job.objects.exists()


def test_a_plan_tells_of_proxies_that_are_stale() -> None:
    make_proxy_row(make_file(), "480p5")
    make_proxy_row(make_file(sampled_hash="now"), source_hash="before")
    make_proxy_row(make_file(sampled_hash="now"), source_hash="now")

    plan = actions.estimate("proxy", resolving.resolve(filter={}), {})

    assert (plan.todo, plan.already_done) == (2, 1)
    assert plan.warnings == ["2 have a proxy of another profile, or of what the file was before."]


def test_stale_proxies_are_seen_and_made_anew_for_everything_that_a_filter_matches(
    client: APIClient, settings: Settings, admin_client: Client
) -> None:
    fine, never = make_file(sampled_hash="now"), make_file()
    make_proxy_row(fine, source_hash="now")
    make_proxy_row(fine, "480p10", source_hash="then")
    other_profile, older_content = make_file(), make_file(sampled_hash="now")
    make_proxy_row(other_profile, "480p10")
    make_proxy_row(older_content, source_hash="then")

    def listed(query: str) -> set[int]:
        return {row["id"] for row in client.get(f"/api/files?{query}").json()["results"]}

    assert listed("has_stale_proxy=true") == {other_profile.pk, older_content.pk}
    assert listed("has_stale_proxy=false") == {fine.pk, never.pk}
    assert "2 files" in admin_client.get("/admin/files/file/?has_stale_proxy=true").content.decode()
    assert "Stale proxy: yes" in admin_client.get("/library/?has_stale_proxy=true").content.decode()
    [badges] = [facets.badges(file) for file in facets.annotate(File.objects.filter(pk=other_profile.pk))]
    assert [badge.text for badge in badges] == ["Proxy", "Stale proxy"]

    batch = client.post("/api/batch/proxy", {"filter": {"has_stale_proxy": True}}, format="json").json()

    asked = Batch.objects.get(pk=batch["id"]).jobs.values_list("subject_id", flat=True)
    assert set(asked) == {other_profile.pk, older_content.pk}
    settings.PROXY_PROFILE = "480p10"
    assert listed("has_stale_proxy=true") == {fine.pk, older_content.pk}


def test_sounds_that_were_made_ready_are_not_planned_again(folders: Path) -> None:
    ready, waiting = (make_file(media_type="audio", path=name) for name in ("a.wav", "b.wav"))
    derived.write_made(ready.pk, derived.DerivedManifest(source_hash="x"))

    plan = actions.estimate("proxy", resolving.resolve(file_ids=[ready.pk, waiting.pk]), {})

    assert (plan.todo, plan.already_done) == (1, 1)


def test_a_batch_of_proxies_over_everything_a_filter_matches(client: APIClient) -> None:
    root = make_root()
    wanted = [make_file(root, f"trip/{n}.mp4") for n in range(3)]
    make_file(root, "other.mp4")

    answer = client.post("/api/batch/proxy", {"filter": {"directory": "trip"}, "options": {"profile": "480p5"}})

    assert answer.status_code == 202, answer.content
    assert (answer.json()["total"], answer.json()["queued"]) == (3, 3)
    assert set(Job.objects.values_list("subject_id", flat=True)) == {file.pk for file in wanted}
    assert {job.options["spec"] for job in Job.objects.all()} == {"480p5"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"file_ids": []}, 400),
        ({"file_ids": ["x"]}, 400),
        ({"file_ids": [999_999]}, 400),
        ({"filter": {"nonsense": 1}}, 400),
        ({"filter": {}, "options": {"profile": "huge"}}, 400),
        ({"filter": {}, "options": {"profil": "480p5"}}, 400),
        ({"filter": {"q": "matches nothing"}}, 400),
    ],
)
def test_a_batch_that_cannot_be_read_does_nothing(client: APIClient, body: dict[str, Any], status: int) -> None:
    make_file()

    assert client.post("/api/batch/proxy", body).status_code == status
    assert not Job.objects.exists()


def test_there_is_no_batch_of_what_is_not_known(client: APIClient) -> None:
    assert client.post("/api/batch/wash", {"filter": {}}).status_code == 404
    assert client.post("/api/estimate", {"action": "wash", "filter": {}}).status_code == 404


def test_a_batch_needs_the_permission_of_its_action() -> None:
    user = User.objects.create_user("eve")
    user.user_permissions.add(Permission.objects.get(codename="view_file"))
    client = APIClient()
    client.force_authenticate(user)

    assert client.post("/api/batch/proxy", {"filter": {}}).status_code == 403
    assert client.post("/api/files/import-directory", {"path": "/tmp"}).status_code == 403


def test_imports_a_folder_of_an_import_root_in_a_job(
    client: APIClient, library: Path, clip: Path, settings: Settings
) -> None:
    settings.IMPORT_ROOTS = [library]
    copy(clip, library / "deep" / "a.mp4")
    copy(clip, library / "deep" / "below" / "b.mp4", different=True)

    answer = client.post(
        "/api/files/import-directory",
        {"path": str(library / "deep"), "recursive": False, "make_proxies": False},
    )

    assert answer.status_code == 202, answer.content
    assert (answer.json()["kind"], answer.json()["state"]) == ("import_directory", "queued")
    job = Job.objects.get(pk=answer.json()["id"])
    run_until_idle()
    job.refresh_from_db()
    assert (job.state, job.message) == ("succeeded", "1 imported")
    assert [file.path for file in File.objects.all()] == ["a.mp4"]


def test_imports_and_scans_wait_for_no_long_job_and_leave_a_worker_to_short_ones(
    library: Path, folders: Path, settings: Settings
) -> None:
    import_tasks.request_scan(make_root(library))
    import_tasks.request_scan(make_root(folders / "data"))
    for number in range(5):
        place = library / str(number)
        place.mkdir()
        import_tasks.request_import(str(place))
    with registered("transcribe_for_hours", queue="long") as long, registered("short") as short:
        for number in range(5):
            queue.enqueue(long, number)
        queue.enqueue(short, 1)

        begun = [claims.claim("fast") for _worker in range(settings.FAST_WORKERS)]

    assert sorted(job.kind for job in begun if job) == ["import_directory", "scan_root", "short"]


def test_an_import_goes_on_with_proxies_in_one_batch(
    client: APIClient, library: Path, clip: Path, settings: Settings
) -> None:
    settings.IMPORT_ROOTS = [library]
    copy(clip, library / "a.mp4")
    copy(clip, library / "b.mp4", different=True)

    client.post("/api/files/import-directory", {"path": str(library)})
    run_until_idle()

    batch = Batch.objects.get(action="proxy")
    assert batch.label == "Import of library"
    assert [job.state for job in batch.jobs.all()] == ["succeeded"] * 2
    assert Proxy.objects.count() == 2


@pytest.mark.parametrize("path", ["/etc", "/nowhere", "no\0path", "relative"])
def test_refuses_to_import_from_elsewhere(client: APIClient, folders: Path, path: str) -> None:
    answer = client.post("/api/files/import-directory", {"path": path})

    assert answer.status_code == 400
    assert "does not exist" not in str(answer.json())
    assert not Root.objects.exists()


def test_dots_and_links_do_not_lead_out_of_an_import_root(
    client: APIClient, library: Path, clip: Path, settings: Settings
) -> None:
    settings.IMPORT_ROOTS = [library]
    copy(clip, library.parent / "secret" / "a.mp4")
    (library / "link").symlink_to(library.parent / "secret")
    make_root("/mnt/known")

    for path in (library / ".." / "secret", library / "link"):
        answer = client.post("/api/files/import-directory", {"path": str(path)})
        assert answer.status_code == 400
        assert answer.json()["path"] == [answer.json()["detail"]]
        assert "IMPORT_ROOTS" in answer.json()["detail"]
        assert "/mnt/known" in answer.json()["detail"]


def test_scans_a_root_in_a_job(client: APIClient, library: Path, clip: Path) -> None:
    root = make_root(library)
    copy(clip, library / "a.mp4")
    (library / "bad.mp4").write_text("no")
    problem = make_problem(root, "bad.mp4", size_bytes=2)

    answer = client.post(f"/api/roots/{root.pk}/scan", {"retry_problems": True})
    again = client.post(f"/api/roots/{root.pk}/scan", {"retry_problems": True})

    assert answer.status_code == 202
    assert again.json()["id"] == answer.json()["id"]
    run_until_idle()
    assert File.objects.count() == 1
    problem.refresh_from_db()
    assert problem.times == 2
    assert client.post("/api/roots/999/scan").status_code == 404


def test_a_scan_of_an_absent_drive_says_so(client: APIClient, library: Path) -> None:
    root = make_root()

    job_id = client.post(f"/api/roots/{root.pk}/scan").json()["id"]
    run_until_idle()

    job = Job.objects.get(pk=job_id)
    assert "is away" in job.error
    assert "Connect the drive" in job.remedy


def test_the_schema_has_the_library_without_a_warning(client: APIClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/api/schema?format=json")

    assert answer.status_code == 200
    paths = set(answer.json()["paths"])
    assert paths >= {
        "/api/files",
        "/api/files/upload",
        "/api/files/import-directory",
        "/api/files/{id}",
        "/api/roots/{id}/scan",
        "/api/estimate",
        "/api/batch/proxy",
        "/api/batch/nova",
        "/api/problems",
    }
    assert "has_proxy" in answer.json()["components"]["schemas"]["File"]["properties"]
    names = {parameter["name"] for parameter in answer.json()["paths"]["/api/files"]["get"]["parameters"]}
    assert names >= {"q", "has_proxy", "directory", "min_size", "created_after", "ordering", "page", "page_size"}
    assert "files/" not in capsys.readouterr().err


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> facets.Action:
    """The action “Make proxies”, which takes two files at once."""
    monkeypatch.setattr(pieces, "FILES_IN_A_JOB", 2)
    action = replace(get_action("proxy"), piece=2)
    monkeypatch.setitem(facets._facets, "has_proxy", replace(facets._facets["has_proxy"], action=action))
    return action


def do_pieces(batch: Batch, most: int = 99) -> None:
    for piece in batch.jobs.filter(kind=START_PIECE, state="queued").order_by("pk")[:most]:
        running.run_now(piece)


def numbers(batch: Batch) -> tuple[int, int, int]:
    """Jobs in all, those that wait, and those that were cancelled."""
    counts = counting.count([batch])[batch.pk]
    return counts.total, counts.queued, counts.cancelled


def test_many_files_are_accepted_at_once_and_enqueued_in_pieces(in_pieces: facets.Action) -> None:
    files = [make_file() for _ in range(5)]
    user = User.objects.create_superuser("boss")

    batch = actions.start_action("proxy", resolving.resolve(filter={}), {"profile": "360p10"}, user=user)

    assert batch.label == "Make proxies for 5 files"
    assert set(batch.jobs.values_list("kind", flat=True)) == {START_PIECE}
    assert numbers(batch) == (5, 5, 0)
    do_pieces(batch, 1)
    assert numbers(batch) == (5, 5, 0)
    do_pieces(batch)
    jobs = batch.jobs.filter(kind="make_proxy").order_by("subject_id")
    assert numbers(batch) == (5, 5, 0)
    assert [job.subject_id for job in jobs] == [file.pk for file in files]
    assert {job.created_by_id for job in jobs} == {user.pk}
    assert all(job.options["spec"] == "360p10" for job in jobs)


def test_a_job_begins_its_files_in_several_transactions(
    in_pieces: facets.Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "FILES_IN_A_JOB", 5)
    files = [make_file() for _ in range(5)]
    begun: list[list[int]] = []

    def start(selection: FileQuerySet, *_: object) -> None:
        begun.append(sorted(selection.values_list("pk", flat=True)))
        if len(begun) == 2:
            raise RuntimeError("its worker dies")

    action = replace(in_pieces, start=start)
    monkeypatch.setitem(facets._facets, "has_proxy", replace(facets._facets["has_proxy"], action=action))
    batch = actions.start_action("proxy", resolving.resolve(filter={}), {})

    do_pieces(batch)
    batch.jobs.update(state="queued", lease_owner="", finished_at=None)
    do_pieces(batch)

    ids = [file.pk for file in files]
    assert begun == [ids[:2], ids[2:4], ids[2:4], ids[4:]]


def test_files_that_come_after_it_was_accepted_are_not_meant(in_pieces: facets.Action) -> None:
    for _ in range(3):
        make_file()
    batch = actions.start_action("proxy", resolving.resolve(filter={}), {})
    make_file()

    do_pieces(batch)

    assert batch.jobs.filter(kind="make_proxy").count() == 3


def test_a_piece_that_was_begun_is_not_begun_again(in_pieces: facets.Action) -> None:
    for _ in range(3):
        make_file()
    batch = actions.start_action("proxy", resolving.resolve(filter={}), {})
    do_pieces(batch, 1)
    done = batch.jobs.get(kind=START_PIECE, state="succeeded")
    batch.jobs.filter(kind="make_proxy").update(state="succeeded")
    Job.objects.filter(pk=done.pk).update(state="queued")  # as if its worker had been killed before it said so

    do_pieces(batch)

    assert batch.jobs.filter(kind="make_proxy").count() == 3


def test_cancelling_ends_the_pieces_that_are_left(in_pieces: facets.Action) -> None:
    for _ in range(4):
        make_file()
    batch = actions.start_action("proxy", resolving.resolve(filter={}), {})
    do_pieces(batch, 1)

    control.cancel_batch(batch)

    assert not batch.jobs.active().exists()
    do_pieces(batch)
    assert batch.jobs.filter(kind="make_proxy").count() == 2


def test_a_command_waits_for_all_pieces(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(facets._actions, "tag", replace(get_action("tag"), piece=2))
    for _ in range(3):
        make_file()

    call_command("tag", "--all", "--add", "winter", "--json")

    assert json.loads(capsys.readouterr().out)["total"] == 3
    assert File.objects.filter(file_tags__tag__name="winter").count() == 3


@pytest.mark.parametrize(
    ("ids", "spans"),
    [([], []), ([4], [[4, 4]]), ([1, 2, 3], [[1, 3]]), ([1, 3, 4, 9], [[1, 1], [3, 4], [9, 9]])],
)
def test_ids_are_kept_as_unbroken_runs(ids: list[int], spans: list[list[int]]) -> None:
    assert as_spans(ids) == spans


def test_tags_that_were_put_on_in_pieces_are_all_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(facets._actions, "tag", replace(get_action("tag"), piece=2))
    for _ in range(5):
        make_file()
    batch = actions.start_action("tag", resolving.resolve(filter={}), {"add": ["winter"]})
    do_pieces(batch)
    tagged = File.objects.filter(file_tags__tag__name="winter")
    assert tagged.count() == 5

    actions.undo_batch(batch)

    assert not tagged.exists()
