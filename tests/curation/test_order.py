"""Tags, ratings, favourites, notes, moments and collections: what a person says of files stays with them."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from rest_framework.test import APIClient

from curation.models import Annotation, Collection, FileTag, Moment, Tag
from embeddings.models import Chunk
from files.models import File
from files.upkeep.removing import remove_file, restore_file
from jobs.models import Job
from tests.files.factories import make_file, make_root

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def test_a_file_is_rated_marked_noted_and_tagged_in_one_request(api: APIClient) -> None:
    file = make_file()
    said = {"rating": 4, "favourite": True, "note": "The best take", "tags": ["Interview", "raw"]}

    changed = api.patch(f"/api/files/{file.pk}", said).json()

    assert {name: changed[name] for name in said} == said
    assert {name: api.get(f"/api/files/{file.pk}").json()[name] for name in said} == said
    assert api.get("/api/files").json()["results"][0]["tags"] == ["Interview", "raw"]
    assert api.patch(f"/api/files/{file.pk}", {"rating": None}).json()["rating"] is None
    assert Annotation.objects.get().note == "The best take"


@pytest.mark.parametrize(
    ("body", "field"),
    [({"rating": 6}, "rating"), ({"rating": 0}, "rating"), ({"tags": [""]}, "tags"), ({"nmae": "x"}, "nmae")],
)
def test_what_cannot_be_said_of_a_file_is_refused_by_name(api: APIClient, body: dict[str, Any], field: str) -> None:
    answer = api.patch(f"/api/files/{make_file().pk}", body)

    assert answer.status_code == 400
    assert field in answer.json()
    assert not Annotation.objects.exists()


def test_a_tag_is_one_however_it_is_written(api: APIClient) -> None:
    one, other = make_file(), make_file()

    api.patch(f"/api/files/{one.pk}", {"tags": ["Café"]})
    api.patch(f"/api/files/{other.pk}", {"tags": ["CAFE\u0301", "café"]})
    refused = api.post("/api/tags", {"name": "cafÉ"})

    assert Tag.objects.get().name == "Café"
    assert api.get("/api/tags").json()["results"][0]["file_count"] == 2
    assert refused.status_code == 400
    assert "name" in refused.json()


def test_tags_are_completed_renamed_coloured_merged_and_deleted(api: APIClient) -> None:
    file, other = make_file(), make_file()
    api.patch(f"/api/files/{file.pk}", {"tags": ["Interview", "Interiors"]})
    api.patch(f"/api/files/{other.pk}", {"tags": ["Interiors", "Autumn"]})
    ids = {tag.name: tag.pk for tag in Tag.objects.all()}

    completed = [tag["name"] for tag in api.get("/api/tags?q=inter").json()["results"]]
    renamed = api.patch(f"/api/tags/{ids['Autumn']}", {"name": "Snow", "colour": "#2a6f97"}).json()
    clash = api.patch(f"/api/tags/{ids['Autumn']}", {"name": "INTERVIEW"})
    merged = api.post(f"/api/tags/{ids['Interview']}/merge", {"into": ids["Interiors"]}).json()
    itself = api.post(f"/api/tags/{ids['Interiors']}/merge", {"into": ids["Interiors"]})
    deleted = api.delete(f"/api/tags/{ids['Autumn']}")

    assert completed == ["Interiors", "Interview"]
    assert (renamed["name"], renamed["colour"]) == ("Snow", "#2a6f97")
    assert (clash.status_code, itself.status_code, deleted.status_code) == (400, 400, 204)
    assert merged["file_count"] == 2
    assert [api.get(f"/api/files/{one.pk}").json()["tags"] for one in (file, other)] == [["Interiors"], ["Interiors"]]
    assert api.post("/api/tags", {"name": "Red", "colour": "red"}).status_code == 400


def test_completing_puts_what_begins_so_first(api: APIClient) -> None:
    for name in ("Backlit", "Lit", "light"):
        Tag.objects.create(name=name)

    assert [tag["name"] for tag in api.get("/api/tags?q=LI").json()["results"]] == ["light", "Lit", "Backlit"]


def test_many_files_found_by_a_filter_are_tagged_at_once_and_found_again(api: APIClient) -> None:
    root = make_root()
    pond = [make_file(root, f"pond/{number}.mp4") for number in range(20)]
    make_file(root, "yard/1.mp4")

    plan = api.post("/api/estimate", {"action": "tag", "filter": {"q": "pond"}, "options": {"add": ["Koi"]}}).json()
    batch = api.post("/api/batch/tag", {"filter": {"q": "pond"}, "options": {"add": ["Koi"]}})

    assert (plan["total"], plan["todo"], plan["usd_high"]) == (20, 20, 0)
    assert batch.status_code == 202
    assert (batch.json()["total"], batch.json()["succeeded"]) == (20, 20)
    assert api.get("/api/files?tag=koi").json()["count"] == 20
    again = api.post("/api/estimate", {"action": "tag", "filter": {}, "options": {"add": ["koi"]}}).json()
    assert (again["todo"], again["already_done"]) == (1, 20)
    api.post("/api/batch/tag", {"file_ids": [pond[0].pk], "options": {"remove": ["KOI"], "add": ["carp"]}})
    assert api.get("/api/files?tag=koi").json()["count"] == 19
    assert Job.objects.filter(state="succeeded").count() == 21


def test_a_tag_action_without_a_tag_is_refused(api: APIClient) -> None:
    answer = api.post("/api/batch/tag", {"file_ids": [make_file().pk]})

    assert answer.status_code == 409
    assert "Name the tags" in answer.json()["detail"]


def test_files_are_found_by_every_mark(api: APIClient) -> None:
    both, one, none = make_file(), make_file(), make_file()
    collection = Collection.objects.create(name="Reel")
    api.patch(f"/api/files/{both.pk}", {"tags": ["a", "b"], "rating": 5, "favourite": True, "note": "x"})
    api.patch(f"/api/files/{one.pk}", {"tags": ["a"], "rating": 3})
    api.post(f"/api/collections/{collection.pk}/items", {"file_id": one.pk})

    def found(query: str) -> set[int]:
        return {file["id"] for file in api.get(f"/api/files?{query}").json()["results"]}

    assert found("tag=a") == {both.pk, one.pk}
    assert found("tag=a&tag=B") == {both.pk}
    assert found("min_rating=4") == {both.pk}
    assert found("favourite=true") == {both.pk}
    assert found("has_note=false") == {one.pk, none.pk}
    assert found(f"collection={collection.pk}") == {one.pk}
    for wrong in ("tag=nobody", "collection=99", "min_rating=7"):
        assert api.get(f"/api/files?{wrong}").status_code == 400, wrong


def test_what_was_said_outlasts_removal_and_return(api: APIClient, folders: Path) -> None:
    root = make_root(folders / "media")
    (folders / "media").mkdir()
    (folders / "media" / "clip.mp4").write_bytes(b"x")
    file = make_file(root, "clip.mp4")
    api.patch(f"/api/files/{file.pk}", {"rating": 5, "tags": ["Koi"], "note": "Lanterns at dusk"})
    api.post("/api/moments", {"file_id": file.pk, "start_s": 3, "end_s": 5, "name": "The jump"})
    collection = api.post("/api/collections", {"name": "Reel"}).json()
    api.post(f"/api/collections/{collection['id']}/items", {"file_id": file.pk})

    remove_file(file)
    gone = (
        api.get("/api/moments").json()["count"],
        api.get(f"/api/collections/{collection['id']}").json()["item_count"],
        api.get("/api/tags").json()["results"][0]["file_count"],
        api.get("/api/search?q=lanterns&mode=keyword").json()["total"],
    )
    restore_file(File.everything.get(pk=file.pk))

    assert gone == (0, 0, 0, 0)
    back = api.get(f"/api/files/{file.pk}").json()
    assert (back["rating"], back["tags"], back["note"]) == (5, ["Koi"], "Lanterns at dusk")
    assert api.get("/api/moments").json()["count"] == 1
    assert api.get(f"/api/collections/{collection['id']}").json()["item_count"] == 1


def test_a_moment_is_marked_changed_found_and_removed(api: APIClient) -> None:
    file = make_file(name="pond.mp4")
    body = {"file_id": file.pk, "start_s": 12.5, "end_s": 20, "name": "Koi jumps", "tags": ["Slow motion"]}

    made = api.post("/api/moments", body)
    moment = made.json()
    by_name = api.get("/api/search?q=jumps&mode=keyword&kind=moment").json()["results"]
    by_tag = api.get("/api/search?q=slow+motion&mode=keyword").json()["results"]
    changed = api.patch(f"/api/moments/{moment['id']}", {"name": "Carp leaps", "rating": 4}).json()

    assert made.status_code == 201
    assert moment["url"] == f"/files/{file.pk}/?t=12.5&to=20"
    assert (by_name[0]["start_s"], by_name[0]["end_s"], by_name[0]["kind"]) == (12.5, 20, "moment")
    assert by_tag[0]["file_id"] == file.pk
    assert (changed["name"], changed["rating"], changed["tags"]) == ("Carp leaps", 4, ["Slow motion"])
    assert api.get("/api/search?q=jumps&mode=keyword").json()["total"] == 0
    assert api.get("/api/search?q=leaps&mode=keyword").json()["total"] == 1
    assert api.get(f"/api/moments?file_id={file.pk}&tag=slow+MOTION&min_rating=4&q=carp").json()["count"] == 1
    assert api.delete(f"/api/moments/{moment['id']}").status_code == 204
    assert api.get("/api/search?q=leaps&mode=keyword").json()["total"] == 0


def test_a_renamed_tag_is_found_at_its_moments(api: APIClient) -> None:
    api.post("/api/moments", {"file_id": make_file().pk, "start_s": 0, "end_s": 1, "tags": ["winter"]})

    api.patch(f"/api/tags/{Tag.objects.get().pk}", {"name": "snow"})

    assert api.get("/api/search?q=snow&mode=keyword").json()["total"] == 1
    assert api.get("/api/search?q=winter&mode=keyword").json()["total"] == 0


@pytest.mark.parametrize(
    ("fields", "body", "field"),
    [
        ({}, {"start_s": 5, "end_s": 5}, "end_s"),
        ({}, {"start_s": 100, "end_s": 130}, "end_s"),
        ({}, {"start_s": -1, "end_s": 5}, "start_s"),
        ({"media_type": "image", "duration_s": None}, {"start_s": 0, "end_s": 5}, "file_id"),
    ],
)
def test_a_range_that_the_file_does_not_have_is_refused(
    api: APIClient, fields: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    answer = api.post("/api/moments", {"file_id": make_file(**fields).pk, **body})

    assert answer.status_code == 400
    assert field in answer.json()


def test_a_note_is_found_by_its_words_and_no_longer_when_it_is_gone(api: APIClient) -> None:
    file = make_file()
    api.patch(f"/api/files/{file.pk}", {"note": "Licence ends in 2027"})

    found = api.get("/api/search?q=licence&mode=keyword").json()["results"]
    api.patch(f"/api/files/{file.pk}", {"note": ""})

    assert [(hit["kind"], hit["file_id"]) for hit in found] == [("note", file.pk)]
    assert not Chunk.objects.filter(source_kind="note").exists()


def _collection_of(api: APIClient, *files: File) -> tuple[int, list[int]]:
    pk = api.post("/api/collections", {"name": "Reel"}).json()["id"]
    return pk, [api.post(f"/api/collections/{pk}/items", {"file_id": file.pk}).json()["n"] for file in files]


def test_a_collection_keeps_the_order_that_was_chosen(api: APIClient) -> None:
    files = [make_file(name=name) for name in "abc"]
    pk, numbers = _collection_of(api, *files)
    items = f"/api/collections/{pk}/items"

    def names() -> list[str]:
        return [item["file_name"] for item in api.get(items).json()["results"]]

    ordered = api.put(items, {"items": [numbers[2], numbers[0], numbers[1]]})
    assert (ordered.status_code, names()) == (200, ["c", "a", "b"])
    api.post(items, {"file_id": make_file(name="d").pk, "position": 1})
    assert names() == ["c", "d", "a", "b"]
    assert api.delete(f"{items}/{numbers[0]}").status_code == 204
    assert names() == ["c", "d", "b"]
    assert [item["position"] for item in api.get(items).json()["results"]] == [0, 1, 2]
    assert api.put(items, {"items": numbers}).status_code == 409
    assert names() == ["c", "d", "b"]


def test_an_order_leaves_items_of_removed_files_where_they_were(api: APIClient) -> None:
    files = [make_file(name=name) for name in "abc"]
    pk, numbers = _collection_of(api, *files)
    remove_file(files[1])

    api.put(f"/api/collections/{pk}/items", {"items": [numbers[2], numbers[0]]})

    order = Collection.objects.get().items.order_by("position").values_list("n", flat=True)
    assert list(order) == [numbers[2], numbers[0], numbers[1]]


def test_a_file_and_its_moments_are_items_of_their_own(api: APIClient) -> None:
    file = make_file()
    pk, _ = _collection_of(api, file, file)
    moment = api.post("/api/moments", {"file_id": file.pk, "start_s": 1, "end_s": 2, "name": "x"}).json()

    item = api.post(f"/api/collections/{pk}/items", {"moment_id": moment["id"]}).json()
    both = api.post(f"/api/collections/{pk}/items", {"moment_id": moment["id"], "file_id": file.pk})

    assert item["moment"]["name"] == "x"
    assert api.get(f"/api/collections/{pk}/items").json()["count"] == 2
    assert both.status_code == 400


def test_many_files_are_collected_and_taken_out_at_once(api: APIClient) -> None:
    files = [make_file() for _ in range(5)]
    pk, _ = _collection_of(api, files[0])
    options = {"collection": pk}

    plan = api.post("/api/estimate", {"action": "collect", "filter": {}, "options": options}).json()
    batch = api.post("/api/batch/collect", {"filter": {}, "options": options}).json()
    inside = api.get(f"/api/collections/{pk}").json()["item_count"]
    api.post("/api/batch/collect", {"filter": {}, "options": {**options, "take_out": True}})

    assert (plan["todo"], plan["already_done"], batch["total"], inside) == (4, 1, 5, 5)
    assert api.get(f"/api/collections/{pk}").json()["item_count"] == 0
    assert api.post("/api/batch/collect", {"filter": {}, "options": {"collection": 99}}).status_code == 400


def test_who_may_only_look_changes_nothing(api: APIClient) -> None:
    file = make_file()
    pk, numbers = _collection_of(api, file)
    reader = User.objects.create_user("reader")
    names = ("view_file", "view_tag", "view_collection", "view_moment")
    reader.user_permissions.set(Permission.objects.filter(codename__in=names))
    api.force_authenticate(reader)

    reads = [api.get(f"/api/{name}").status_code for name in ("tags", "moments", "collections", f"files/{file.pk}")]
    reads.append(api.get(f"/api/collections/{pk}/items").status_code)
    writes = [
        api.patch(f"/api/files/{file.pk}", {"rating": 1}).status_code,
        api.post("/api/tags", {"name": "x"}).status_code,
        api.post("/api/moments", {"file_id": file.pk, "start_s": 0, "end_s": 1}).status_code,
        api.post("/api/collections", {"name": "x"}).status_code,
        api.post(f"/api/collections/{pk}/items", {"file_id": file.pk}).status_code,
        api.put(f"/api/collections/{pk}/items", {"items": numbers}).status_code,
        api.delete(f"/api/collections/{pk}/items/{numbers[0]}").status_code,
        api.post("/api/batch/tag", {"file_ids": [file.pk], "options": {"add": ["x"]}}).status_code,
    ]

    assert reads == [200] * 5
    assert writes == [403] * 8


def test_a_page_of_files_with_marks_takes_as_many_queries_as_one_without(
    api: APIClient, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        file = make_file()
        api.patch(f"/api/files/{file.pk}", {"tags": [f"t{number}", "all"], "rating": 3, "note": "x"})

    with django_assert_max_num_queries(12):
        assert len(api.get("/api/files").json()["results"]) == 10


def test_the_command_tags_what_a_filter_finds(capsys: pytest.CaptureFixture[str]) -> None:
    file = make_file(path="pond/a.mp4")
    make_file(path="yard/b.mp4")

    call_command("tag", "--filter", "q=pond", "--add", "Koi", "--json")

    assert FileTag.objects.get().file == file
    assert '"succeeded": 1' in capsys.readouterr().out


def test_an_export_of_the_library_has_a_persons_order(api: APIClient, capsys: pytest.CaptureFixture[str]) -> None:
    file = make_file()
    api.patch(f"/api/files/{file.pk}", {"tags": ["Koi"], "note": "Dusk"})
    api.post("/api/moments", {"file_id": file.pk, "start_s": 0, "end_s": 1, "name": "Leap", "tags": ["Koi"]})

    call_command("export")

    lines = capsys.readouterr().out
    for words in ('"curation.tag"', '"curation.moment"', '"curation.filetag"', "Dusk", "Leap"):
        assert words in lines
    assert Moment.objects.count() == 1
