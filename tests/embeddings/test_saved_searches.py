"""Searches under a name, and what is new in them."""

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from embeddings.indexing import index
from embeddings.models import PaidVector, SavedQuery
from embeddings.searching import saved
from tests.embeddings.conftest import MakeFile, say
from tests.pages import as_read

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
    assert shown["url"] == f"/search/?saved={made.json()['id']}"
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


# --- on the page ----------------------------------------------------------------------------------------------------


def test_a_search_is_saved_opened_and_deleted_on_the_page(admin_client: Client, make_file: MakeFile) -> None:
    add_talk(make_file, "a.mp4", "a leak at the liner")
    made = admin_client.post("/search/saved/", {"name": "Leaks", "q": "leak liner", "mode": "keyword"}, follow=True)
    query = SavedQuery.objects.get()
    assert (query.name, query.text, query.mode) == ("Leaks", "leak liner", "keyword")
    assert "Saved search “Leaks”" in as_read(made)

    add_talk(make_file, "b.mp4", "another leak of the liner")
    empty = as_read(admin_client.get("/search/"))
    assert f'hx-get="/search/saved/{query.pk}/new/"' in empty
    assert "1 new" in admin_client.get(f"/search/saved/{query.pk}/new/").content.decode()

    opened = as_read(admin_client.post(f"/search/saved/{query.pk}/open/", follow=True))
    assert "1 new since" in opened
    assert opened.count('<span class="badge run">New</span>') == 1
    assert 'value="leak liner"' in opened
    assert "new" not in admin_client.get(f"/search/saved/{query.pk}/new/").content.decode().replace("new in", "")

    admin_client.post(f"/search/saved/{query.pk}/forget/")
    assert not SavedQuery.objects.exists()


def test_the_filters_of_a_saved_search_hold_on_the_page(admin_client: Client, make_file: MakeFile) -> None:
    add_talk(make_file, "a.mp4", "a leak at the liner")
    short = make_file("short.mp4", duration_s=3.0)
    say(short, [(0.0, 3.0, "a leak at the liner")])
    index.index_file(short)
    query = SavedQuery.objects.create(text="leak", mode="keyword", filter={"max_duration": "10"})

    page = as_read(admin_client.get("/search/", {"saved": query.pk}))

    assert "short.mp4" in page
    assert "a.mp4" not in page


def test_a_name_that_is_taken_is_told_and_nothing_is_saved(admin_client: Client) -> None:
    SavedQuery.objects.create(name="Leaks", text="leak")

    page = as_read(admin_client.post("/search/saved/", {"name": "Leaks", "q": "seam"}, follow=True))

    assert "There is a saved search of this name." in page
    assert SavedQuery.objects.count() == 1


def test_what_would_cost_money_is_not_asked_by_the_page(
    admin_client: Client, settings: LazySettings, make_file: MakeFile
) -> None:
    settings.EMBEDDING_PROVIDER = "paid"
    query = SavedQuery.objects.create(text="leak", opened_at=timezone.now())

    answer = admin_client.get(f"/search/saved/{query.pk}/new/")

    assert answer.status_code == 200
    assert not PaidVector.objects.exists()
    assert not saved.is_free(query)


def test_who_may_not_save_is_not_offered_to(client: Client, make_file: MakeFile) -> None:
    add_talk(make_file, "a.mp4", "a leak at the liner")
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_chunk"))
    client.force_login(bea)

    assert "Save this search" not in as_read(client.get("/search/", {"q": "leak"}))
    assert client.post("/search/saved/", {"q": "leak"}).status_code == 403


def test_a_shell_asks_a_saved_search_and_names_those_there_are(
    make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    add_talk(make_file, "a.mp4", "a leak at the liner")
    query = SavedQuery.objects.create(name="Leaks", text="leak", mode="keyword")
    query.open()
    add_talk(make_file, "b.mp4", "another leak")

    call_command("search", "--saved", "Leaks")
    assert "2 moments" in capsys.readouterr().out
    call_command("search", "--saved", "Leaks", "--new")
    out = capsys.readouterr().out
    assert "b.mp4" in out
    assert "a.mp4" not in out
    with pytest.raises(CommandError, match="There are: “Leaks”"):
        call_command("search", "--saved", "Seams")
