"""Spaces over HTTP and in a shell: made, built, compared, used and used back, for texts and for pictures."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from embeddings import registry
from embeddings.indexing import index, pictures, spaces
from embeddings.models import Chunk, PaidVector, SavedQuery, Space
from embeddings.searching.search import search
from files.models import File
from jobs.execution.running import run_until_idle
from tests.embeddings.conftest import MakeFile, add_file, say
from tests.embeddings.tiny_clip import view, write_tiny_clip
from tests.vision.videos import add_video

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [(0.0, 3.0, "Hello there."), (12.5, 15.0, "That is a leak at the liner seam.")]


def client_with(*codenames: str) -> APIClient:
    user = User.objects.create_user(f"user-{User.objects.count()}", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def owner() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("owner", password="x"))
    return client


@pytest.fixture
def talk(make_file: MakeFile) -> File:
    file = make_file("friday.mp4")
    say(file, LINES)
    index.index_file(file)
    return file


@pytest.fixture
def clip(folders: Path) -> File:
    shots = [(2.0, view("apple", "snow")), (2, view("lemon", "night"))]
    return add_video(folders / "media", shots)


def made(owner: APIClient, **wanted: Any) -> dict[str, Any]:
    answer = owner.post("/api/spaces", wanted, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


class TestOfTexts:
    def test_one_is_built_beside_the_other_and_search_goes_there_and_back(self, owner: APIClient, talk: File) -> None:
        first = spaces.active()
        second = made(owner, provider="words", model="other", dimension=32)

        assert (second["contents"], second["in_use_for"]) == (["text"], [])
        assert second["coverage"]["text"] == {"made": 0, "waiting": 3, "usd": 0.0}
        refused = owner.post(f"/api/spaces/{second['id']}/use", {"for": "text"}, format="json")
        assert (refused.status_code, "is empty" in refused.json()["detail"]) == (409, True)

        built = owner.post(f"/api/spaces/{second['id']}/build", {"for": "text"}, format="json")
        run_until_idle()

        assert built.status_code == 202
        assert owner.get(f"/api/spaces/{second['id']}").json()["coverage"]["text"]["made"] == 3
        used = owner.post(f"/api/spaces/{second['id']}/use", {"for": "text"}, format="json").json()
        assert used["in_use_for"] == ["text"]
        assert search("leak seam", mode="semantic").results[0].start_s == 12.5
        owner.post(f"/api/spaces/{first.pk}/use", {"for": "text"}, format="json")
        assert spaces.active() == first

    def test_two_are_compared_on_the_saved_searches(self, owner: APIClient, talk: File) -> None:
        SavedQuery.objects.create(text="a leak at the liner seam")
        second = made(owner, provider="words", dimension=32)
        index.index_file(talk, space=Space.objects.get(pk=second["id"]))

        answer = owner.post(
            f"/api/spaces/{spaces.active().pk}/compare", {"with_space": second["id"], "for": "text"}, format="json"
        ).json()

        (row,) = answer["rows"]
        assert (answer["questions_to_pay"], row["shared"]) == (0, 1)
        assert row["first"] == row["second"] == ["friday.mp4 at 12.5 s"]

    def test_two_are_compared_on_ones_own_transcripts_without_saved_searches(self, owner: APIClient) -> None:
        """Texts that share their words with their neighbours only: a space that hears words finds them first."""
        second = made(owner, provider="words", dimension=32)
        for number in range(4):
            file = add_file(f"{number}.mp4")
            lines = [(float(at), at + 9.0, f"topic{number} topic{number} take{at} " * 30) for at in range(0, 60, 10)]
            say(file, lines)
            index.index_file(file)
            index.index_file(file, space=Space.objects.get(pk=second["id"]))

        answer = owner.post(
            f"/api/spaces/{spaces.active().pk}/compare", {"with_space": second["id"], "for": "text"}, format="json"
        ).json()

        assert answer["rows"] == []
        count, first = answer["transcripts"]["count"], answer["transcripts"]["first"]
        by_chance = 2 * sum(1 / rank for rank in range(1, count)) / (count - 1)
        assert count > 4
        assert first > by_chance

    def test_what_paid_questions_cost_is_said_before_they_are_asked(self, owner: APIClient, talk: File) -> None:
        SavedQuery.objects.create(text="a leak")
        paid = made(owner, provider="paid")
        index.index_file(talk, space=Space.objects.get(pk=paid["id"]))
        body = {"with_space": paid["id"], "for": "text"}

        answer = owner.post(f"/api/spaces/{spaces.active().pk}/compare", body, format="json").json()

        assert (answer["questions_to_pay"], answer["usd"], answer["rows"]) == (1, None, None)

    def test_one_in_use_stays_and_paid_vectors_go_only_where_that_is_said(self, owner: APIClient, talk: File) -> None:
        paid = made(owner, provider="paid")
        index.index_file(talk, space=Space.objects.get(pk=paid["id"]))
        address = f"/api/spaces/{paid['id']}"

        assert owner.get(address).json()["cost"]["vectors"] == 3
        assert owner.delete(f"/api/spaces/{spaces.active().pk}").json()["code"] == "space"
        assert owner.delete(address).json()["code"] == "paid_vectors"
        assert owner.delete(f"{address}?forget_paid=true").status_code == 204
        assert list(Space.objects.all()) == [spaces.active()]

    @pytest.mark.parametrize(
        ("wanted", "field"),
        [
            ({"provider": "nobody"}, "provider"),
            ({"provider": "local", "model": "../../etc"}, "model"),
            ({"provider": "local", "model": "multilingual-e5-small", "dimension": 12}, "dimension"),
            ({"provider": "nova", "dimension": 5}, "dimension"),
            ({"provider": "nova", "model": "a b"}, "model"),
            ({"provider": "pictures", "model": "../secret"}, "model"),
            ({"provider": "words", "modell": "x"}, "modell"),
        ],
    )
    def test_what_no_provider_has_is_refused_by_its_field(
        self, owner: APIClient, wanted: dict[str, Any], field: str
    ) -> None:
        answer = owner.post("/api/spaces", wanted, format="json")

        assert (answer.status_code, field in answer.json()) == (400, True)
        assert not Space.objects.exclude(provider="words").exists()

    def test_looking_at_them_does_not_allow_to_change_them(self, talk: File) -> None:
        reader, pk = client_with("view_space"), spaces.active().pk

        assert reader.get("/api/spaces").json()["count"] == 1
        for address, body in (("", {"provider": "words"}), (f"/{pk}/use", {"for": "text"})):
            assert reader.post(f"/api/spaces{address}", body, format="json").status_code == 403
        assert reader.post(f"/api/spaces/{pk}/build", {"for": "text"}, format="json").status_code == 403
        assert reader.delete(f"/api/spaces/{pk}").status_code == 403


class TestOfPictures:
    def test_one_is_built_beside_the_other_and_search_goes_there_and_back(
        self, owner: APIClient, clip: File, picture_model: Path
    ) -> None:
        pictures.see_file(clip)
        first = pictures.picture_space()
        write_tiny_clip(picture_model.parent / "second")
        second = made(owner, provider="pictures", model="second")

        assert second["coverage"]["picture"] == {"made": 0, "waiting": 2, "usd": 0.0}
        assert owner.post(f"/api/spaces/{second['id']}/use", {"for": "picture"}, format="json").status_code == 409
        assert owner.post(f"/api/spaces/{second['id']}/use", {"for": "text"}, format="json").status_code == 409
        owner.post(f"/api/spaces/{second['id']}/build", {"for": "picture"}, format="json")
        run_until_idle()

        used = owner.post(f"/api/spaces/{second['id']}/use", {"for": "picture"}, format="json").json()
        assert (used["in_use_for"], used["coverage"]["picture"]["made"]) == (["picture"], 2)
        assert search("lemon", kind="seen").results[0].file_id == clip.pk
        owner.post(f"/api/spaces/{first.pk}/use", {"for": "picture"}, format="json")
        assert pictures.picture_space() == first
        assert spaces.active().in_use_for == ["text"]

    def test_two_are_compared_by_what_they_find(self, owner: APIClient, clip: File, picture_model: Path) -> None:
        SavedQuery.objects.create(text="lemon")
        pictures.see_file(clip)
        write_tiny_clip(picture_model.parent / "second")
        second = made(owner, provider="pictures", model="second")
        body = {"with_space": second["id"], "for": "picture"}
        address = f"/api/spaces/{pictures.picture_space().pk}/compare"

        assert owner.post(address, body, format="json").json()["rows"][0]["second"] == []
        pictures.see_file(clip, space=Space.objects.get(pk=second["id"]))
        (row,) = owner.post(address, body, format="json").json()["rows"]

        assert row["shared"] == row["most"] == 1
        body["with_space"] = spaces.active().pk
        assert owner.post(address, body, format="json").status_code == 409

    def test_a_shell_does_the_same(self, clip: File, picture_model: Path) -> None:
        pictures.see_file(clip)
        first = pictures.picture_space()
        write_tiny_clip(picture_model.parent / "second")
        out = StringIO()

        call_command(
            "embed", "--new-space", "--for", "picture", "--provider", "pictures", "--model", "second", stdout=StringIO()
        )
        second = Space.objects.get(model="second")
        call_command("embed", "--switch", str(second.pk), "--for", "picture", "--json", stdout=out)

        listed = {row["id"]: row for row in json.loads(out.getvalue())}
        assert (listed[second.pk]["in_use_for"], listed[second.pk]["vectors"]) == (["picture"], 2)
        assert listed[first.pk]["in_use_for"] == []


class TestThePage:
    @pytest.fixture
    def page(self) -> Client:
        client = Client()
        client.force_login(User.objects.create_superuser("owner", password="x"))
        return client

    def test_makes_builds_uses_and_deletes_a_space(self, page: Client, talk: File) -> None:
        first = spaces.active()
        page.post("/spaces/add/", {"provider": "words", "model": "other", "dimension": "32"})
        second = Space.objects.get(model="other")
        assert "3 are missing, free" in " ".join(page.get("/spaces/").content.decode().split())

        page.post(f"/spaces/{second.pk}/build/", {"for": "text"})
        run_until_idle()
        page.post(f"/spaces/{second.pk}/use/", {"for": "text"})
        assert spaces.active() == second
        page.post(f"/spaces/{first.pk}/delete/")

        assert list(Space.objects.all()) == [second]

    def test_asks_before_questions_are_paid_for(self, page: Client, talk: File) -> None:
        SavedQuery.objects.create(text="a leak")
        nova = spaces.get_or_make(registry.default_key("nova"))
        chunk = Chunk.objects.get(text__contains="leak")
        index.insert_vectors(nova, [chunk], np.eye(1, nova.dimension, dtype=np.float32))
        pair = {"first": str(spaces.active().pk), "second": str(nova.pk), "for": "text"}

        html = " ".join(page.post("/spaces/compare/", pair).content.decode().split())

        assert "Ask 1 paid question for up to $0.0" in html
        assert not PaidVector.objects.exists()

    def test_says_what_stands_in_the_way(self, page: Client, talk: File) -> None:
        for address, sent in (
            ("add/", {"provider": "nobody"}),
            ("add/", {"provider": "words", "dimension": "many"}),
            (f"{spaces.active().pk}/delete/", {}),
            (f"{spaces.active().pk}/use/", {"for": "picture"}),
        ):
            answer = page.post(f"/spaces/{address}", sent, follow=True)
            assert [message.level_tag for message in answer.context["messages"]] == ["error"], address
