"""The pages of a person's own order, without a script: what a form sends is done, and told."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from curation.models import Annotation, Collection, Moment, Tag
from tests.files.factories import make_file
from tests.pages import as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


def test_a_file_is_rated_tagged_and_noted_on_its_page(ada: Client) -> None:
    file = make_file()
    page = f"/files/{file.pk}/"

    ada.post(f"{page}annotate/", {"rating": "4", "favourite": "on", "note": "Keep", "add_tag": "Koi, pond"})
    ada.post(f"{page}annotate/", {"rating": "4", "favourite": "on", "note": "Keep", "remove_tag": "koi"})

    said = Annotation.objects.get()
    html = as_read(ada.get(page))
    assert (said.rating, said.favourite, said.note) == (4, True, "Keep")
    assert 'value="4" checked' in html
    assert 'href="/library/?tag=pond"' in html
    assert "?tag=Koi" not in html


def test_a_script_gets_the_panel_alone_and_is_told_what_is_wrong(ada: Client) -> None:
    file = make_file()

    saved = ada.post(f"/files/{file.pk}/annotate/", {"rating": "2"}, headers={"HX-Request": "true"})
    wrong = ada.post(
        f"/files/{file.pk}/annotate/", {"rating": "2", "add_tag": "x" * 101}, headers={"HX-Request": "true"}
    )

    assert "<html" not in saved.content.decode()
    assert "Saved" in saved.content.decode()
    assert "is no name for a tag" in wrong.content.decode()


def test_a_moment_is_marked_changed_deleted_and_taken_back(ada: Client) -> None:
    file = make_file()
    page = f"/files/{file.pk}/"

    ada.post(f"{page}mark/", {"start_s": "1:10", "end_s": "1:12.5", "name": "Leap", "tags": "Koi, slow"})
    moment = Moment.objects.get()
    shown = as_read(ada.get(page))
    ada.post(f"/moments/{moment.pk}/", {"start_s": "71", "end_s": "72", "name": "Jump", "tags": ""})
    changed = Moment.objects.get()
    ada.post(f"/moments/{moment.pk}/remove/")
    offered = ada.get(page)
    again = ada.get(page)

    assert (moment.start_s, moment.end_s) == (70.0, 72.5)
    assert "Leap" in shown
    assert f'href="/files/{file.pk}/?t=70&amp;to=72.5"' in shown
    assert (changed.name, changed.start_s, changed.tags.count()) == ("Jump", 71.0, 0)
    assert ">Undo</button>" in offered.content.decode()
    assert ">Undo</button>" not in again.content.decode()
    ada.post(f"{page}mark/", {"start_s": "71.0", "end_s": "72.0", "name": "Jump"})
    assert Moment.objects.get().name == "Jump"


@pytest.mark.parametrize("times", [("", "5"), ("a", "b"), ("9", "4"), ("0", "999")])
def test_times_that_make_no_moment_are_told(ada: Client, times: tuple[str, str]) -> None:
    file = make_file()

    answer = ada.post(f"/files/{file.pk}/mark/", {"start_s": times[0], "end_s": times[1]}, follow=True)

    assert "note bad" in answer.content.decode()
    assert not Moment.objects.exists()


def test_a_collection_is_made_filled_ordered_and_exported(ada: Client) -> None:
    files = [make_file(name=name) for name in ("a.mp4", "b.mp4", "c.mp4")]
    ada.post("/collections/add/", {"name": "Trailer"})
    collection = Collection.objects.get()
    page = f"/collections/{collection.pk}/"
    for file in files:
        ada.post(f"/files/{file.pk}/collect/", {"collection": collection.pk})

    def names() -> list[str]:
        return [row["item"].file.name for row in ada.get(page).context["rows"]]

    assert names() == ["a.mp4", "b.mp4", "c.mp4"]
    ada.post(f"{page}change/", {"up": "3"})
    assert names() == ["a.mp4", "c.mp4", "b.mp4"]
    ada.post(f"{page}change/", {"n": ["2", "3", "1"]}, headers={"HX-Request": "true"})
    assert names() == ["b.mp4", "c.mp4", "a.mp4"]
    ada.post(f"{page}change/", {"take_out": "3"})
    assert names() == ["b.mp4", "a.mp4"]
    assert ada.get(f"{page}export/edl/").content.decode().startswith("TITLE: Trailer")
    ada.post(f"{page}delete/")
    assert not Collection.objects.exists()


def test_tags_are_renamed_coloured_merged_and_deleted_on_their_page(ada: Client) -> None:
    koi, carp, pond = (Tag.objects.create(name=name) for name in ("Koi", "Carp", "Pond"))

    ada.post(f"/tags/{koi.pk}/", {"name": "Fish", "has_colour": "on", "colour": "#aa3300"})
    ada.post(f"/tags/{carp.pk}/", {"name": "Carp", "into": koi.pk})
    ada.post(f"/tags/{pond.pk}/", {"delete": "1"})

    assert [(tag.name, tag.colour) for tag in Tag.objects.all()] == [("Fish", "#aa3300")]
    assert "1 tag" in as_read(ada.get("/collections/"))


def test_a_removed_file_comes_back_by_the_undo_of_the_message(ada: Client, folders: Any) -> None:
    file = make_file()

    told = ada.post(f"/files/{file.pk}/remove/", follow=True).content.decode()
    back = ada.post(f"/files/{file.pk}/restore/", follow=True)

    assert f'action="/files/{file.pk}/restore/"' in told
    assert "is in the library again" in back.content.decode()


def test_who_may_only_look_sees_no_forms(client: Client) -> None:
    reader = User.objects.create_user("reader")
    reader.user_permissions.set(Permission.objects.filter(codename__in=("view_file", "view_collection")))
    client.force_login(reader)
    file, collection = make_file(), Collection.objects.create(name="Reel")

    page = client.get(f"/files/{file.pk}/").content.decode()

    assert "/annotate/" not in page.split("<textarea")[0] or "disabled" in page
    assert "/mark/" not in page
    assert client.get(f"/collections/{collection.pk}/").status_code == 200
    assert client.post(f"/collections/{collection.pk}/change/", {"name": "x"}).status_code == 403
    assert client.post(f"/files/{file.pk}/annotate/", {"rating": "1"}).status_code == 403
