"""Searches under a name, and what is new in them."""

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from embeddings.indexing import index
from embeddings.models import SavedQuery
from embeddings.searching import saved
from tests.embeddings.conftest import MakeFile, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def add_talk(make_file: MakeFile, name: str, said: str) -> None:
    file = make_file(name)
    say(file, [(0.0, 5.0, said)])
    index.index_file(file)


def test_a_search_is_saved_shown_changed_and_deleted(api: APIClient) -> None:
    made = api.post("/api/searches", {"name": "Leaks", "q": "leak liner", "filter": {"media_type": ["video"]}}, "json")

    assert made.status_code == 201
    address = f"/api/searches/{made.json()['id']}"
    shown = api.get(address).json()
    assert (shown["name"], shown["q"], shown["mode"]) == ("Leaks", "leak liner", "hybrid")
    assert shown["filter"] == {"media_type": ["video"]}
    assert shown["url"] == "/search/?q=leak+liner&mode=hybrid"
    assert api.patch(address, {"name": "All leaks"}, "json").json()["name"] == "All leaks"
    assert [row["name"] for row in api.get("/api/searches").json()["results"]] == ["All leaks"]
    assert api.delete(address).status_code == 204
    assert not SavedQuery.objects.exists()


def test_without_a_name_it_is_called_by_its_question(api: APIClient) -> None:
    assert api.post("/api/searches", {"q": "leak"}, "json").json()["name"] == "leak"
    assert api.post("/api/searches", {"q": "leak"}, "json").status_code == 400


def test_a_filter_that_no_search_takes_is_refused(api: APIClient) -> None:
    answer = api.post("/api/searches", {"q": "leak", "filter": {"colour": ["red"]}}, "json")

    assert answer.status_code == 400
    assert "colour" in str(answer.json())


def test_what_came_since_it_was_opened_is_new(api: APIClient, make_file: MakeFile) -> None:
    add_talk(make_file, "a.mp4", "a leak at the liner")
    query = SavedQuery.objects.create(text="leak liner")
    address = f"/api/searches/{query.pk}"
    assert [hit["file_name"] for hit in api.get(f"{address}/new").json()["results"]] == ["a.mp4"]

    assert api.post(f"{address}/opened").json()["opened_at"]
    assert api.get(f"{address}/new").json()["results"] == []
    add_talk(make_file, "b.mp4", "another leak at the liner")

    new = api.get(f"{address}/new").json()
    assert [hit["file_name"] for hit in new["results"]] == ["b.mp4"]
    assert (new["total"], new["counts"]) == (1, {"transcript": 1})
    assert {hit.file_name for hit in saved.run(query, limit=5).results} == {"a.mp4", "b.mp4"}


def test_who_may_only_look_changes_nothing(make_file: MakeFile) -> None:
    query = SavedQuery.objects.create(text="leak")
    reader = User.objects.create_user("reader")
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_savedquery", "view_chunk"]))
    client = APIClient()
    client.force_authenticate(reader)

    assert client.get(f"/api/searches/{query.pk}/new").status_code == 200
    assert client.post(f"/api/searches/{query.pk}/opened").status_code == 403
    assert client.post("/api/searches", {"q": "x"}, "json").status_code == 403
    assert client.delete(f"/api/searches/{query.pk}").status_code == 403
