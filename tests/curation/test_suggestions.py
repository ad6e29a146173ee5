"""A class of one's own without training: suggested by words and by example, accepted or refused, and measured."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from bedrock.models import Entry, month_of
from curation import suggesting
from curation.models import FileTag, Tag, TagRefusal
from curation.suggesting import accept, refuse, suggest, take_back
from curation.tagging import set_tags
from embeddings.indexing import index, pictures
from embeddings.searching import seen
from embeddings.stores import bit_matrix
from files.models import File
from nova.models import NovaJob
from nova.questions.results import keep
from tests.embeddings.tiny_clip import SCENES, THINGS, view, write_tiny_clip
from tests.files.factories import make_root
from tests.vision.videos import add_picture

pytestmark = pytest.mark.django_db

WHALES = 6


@pytest.fixture(autouse=True)
def _fresh_samples() -> Iterator[None]:
    seen.forget()
    bit_matrix.forget()
    yield
    seen.forget()
    bit_matrix.forget()


@pytest.fixture
def library(settings: Any, folders: Path, tmp_path: Path) -> list[File]:
    """Six photographs of whales, each in another place, among forty of other things."""
    settings.PICTURE_MODEL_DIR, settings.PICTURE_MODEL, settings.PICTURE_PROVIDER = tmp_path, "tiny", "local"
    write_tiny_clip(tmp_path / "tiny")
    root = make_root(folders / "media")
    scenes = [scene for scene in SCENES if scene != "sea"]
    others = [thing for thing in THINGS if thing not in ("whale", "glacier")]
    shown = [("whale", scene) for scene in scenes[:WHALES]]
    shown += [(thing, scene) for thing, scene in islice(zip(cycle(others), cycle(scenes), strict=False), 40)]
    files = []
    for number, (thing, scene) in enumerate(shown):
        file = add_picture(folders / "media", view(thing, scene), name=f"{thing}-{number}.jpg", root=root)
        pictures.see_file(file)
        files.append(file)
    return files


@pytest.fixture
def whale(library: list[File]) -> Tag:
    return Tag.objects.create(name="whale")


def names(tag: Tag, **asked: Any) -> list[str]:
    return [one.file.name for one in suggest(tag, **asked).suggestions]


def test_words_alone_suggest_what_looks_like_them(whale: Tag) -> None:
    found = suggest(whale)

    assert {one.file.name for one in found.suggestions[:WHALES]} == {f"whale-{n}.jpg" for n in range(WHALES)}
    assert {one.reason for one in found.suggestions} == {"looks like “whale”"}
    assert all(0.5 <= one.confidence <= 1 and one.still for one in found.suggestions)
    assert not FileTag.objects.exists()


def test_examples_suggest_what_no_word_says(library: list[File]) -> None:
    tag = Tag.objects.create(name="blorf gnarp")
    for file in library[:3]:
        set_tags(file, [tag.name])

    found = suggest(tag).suggestions

    assert {one.file.name for one in found[:3]} == {"whale-3.jpg", "whale-4.jpg", "whale-5.jpg"}
    assert {one.reason for one in found[:3]} <= {f"looks like whale-{n}.jpg" for n in range(3)}


def test_other_words_than_the_name_can_say_what_it_looks_like(library: list[File]) -> None:
    tag = Tag.objects.create(name="blorf gnarp")

    assert names(tag) == []
    assert "Put the tag on a few files" in suggest(tag).notice
    assert set(names(tag, words="a whale")[:WHALES]) == {f"whale-{n}.jpg" for n in range(WHALES)}


def test_what_is_accepted_is_tagged_and_what_is_refused_is_not_suggested_again(whale: Tag, library: list[File]) -> None:
    accept(whale, library[0])
    refuse(whale, library[1])
    refuse(whale, library[1])

    assert list(library[0].tags.all()) == [whale]
    assert set(names(whale)).isdisjoint({"whale-0.jpg", "whale-1.jpg"})
    take_back(whale, library[0])
    take_back(whale, library[1])
    assert {"whale-0.jpg", "whale-1.jpg"} <= set(names(whale))
    assert not FileTag.objects.exists()
    assert not TagRefusal.objects.exists()


def test_what_is_like_refused_files_is_suggested_less(library: list[File]) -> None:
    tag = Tag.objects.create(name="blorf gnarp")
    for file in library[:2]:
        set_tags(file, [tag.name])
    before = {one.n: one.confidence for one in suggest(tag).suggestions}

    for file in library[2:4]:
        refuse(tag, file)

    after = {one.n: one.confidence for one in suggest(tag).suggestions}
    for file in library[4:WHALES]:
        assert after.get(file.pk, 0) < before[file.pk]


def test_held_out_labels_tell_how_often_they_were_right(whale: Tag, library: list[File]) -> None:
    assert suggest(whale).own is None
    for file in library[:4]:
        accept(whale, file)
    for file in library[WHALES : WHALES + 4]:
        refuse(whale, file)

    own = suggest(whale).own

    assert own is not None
    assert (own.count, own.positive, own.negative, own.found) == (8, 4, 4, 4)
    assert own.right == 8 - own.wrong >= 7


def test_what_nova_said_of_the_same_files_stands_beside_it_with_its_price(whale: Tag, library: list[File]) -> None:
    for file in library[:4]:
        accept(whale, file)
    for number, text in enumerate(["A whale swims.", "Something blue."]):
        job = NovaJob.objects.create(file=library[number], model="lite", mode="realtime", status="COMPLETED")
        keep(job, {"summary": {"text": text}}, version="1")
        index.index_text(library[number])
        Entry.objects.create(
            question=f"q{number}", purpose="analysis", model_key="lite", mode="realtime", state="settled",
            reserved_usd=Decimal("0.02"), actual_usd=Decimal("0.01"), counted_usd=Decimal("0.01"),
            file_id=library[number].pk, month=month_of(timezone.now()),
        )  # fmt: skip

    nova = suggest(whale).nova

    assert nova is not None
    assert (nova.score.count, nova.score.found, nova.usd) == (2, 1, Decimal("0.02"))


def test_over_http_they_are_listed_accepted_and_refused(whale: Tag, library: list[File]) -> None:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("owner", password="x"))
    address = f"/api/tags/{whale.pk}/suggestions"

    answer = client.get(f"{address}?limit=2").json()
    first, second = answer["results"]

    assert set(first) == {"n", "file_id", "file_name", "at_s", "confidence", "reason", "still", "url"}
    assert client.post(f"{address}/{first['n']}/accept").status_code == 204
    assert client.post(f"{address}/{second['n']}/refuse").status_code == 204
    assert client.post(f"{address}/{first['n']}/refuse").json()["code"] == "not_suggested"
    assert client.post(f"{address}/{second['n']}/take-back").status_code == 204
    assert client.post(f"{address}/999999/accept").status_code == 404
    assert client.get(f"{address}?word=x").status_code == 400


def test_who_may_only_look_cannot_tag(whale: Tag, library: list[File]) -> None:
    user = User.objects.create_user("reader", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_tag", "view_file", "view_chunk"]))
    client = Client()
    client.force_login(user)

    page = client.get(f"/tags/{whale.pk}/suggestions/")

    assert page.status_code == 200
    assert "Accept<" not in page.content.decode()
    assert client.post(f"/tags/{whale.pk}/suggestions/{library[0].pk}/accept/").status_code == 403


def test_the_page_works_without_a_script(admin_client: Client, whale: Tag, library: list[File]) -> None:
    page = f"/tags/{whale.pk}/suggestions/"
    assert "whale-0.jpg" in admin_client.get(page).content.decode()

    answer = admin_client.post(f"{page}{library[0].pk}/accept/", follow=True)

    assert "Tagged whale-0.jpg" in answer.content.decode()
    assert list(FileTag.objects.values_list("file_id", flat=True)) == [library[0].pk]


def test_a_shell_does_the_same(whale: Tag, library: list[File]) -> None:
    out = StringIO()

    call_command(
        "suggest", "Whale", "--accept", str(library[0].pk), "--refuse", str(library[1].pk), "--json", stdout=out
    )

    shown = {row["file"] for row in json.loads(out.getvalue())["suggestions"]}
    assert shown >= {"whale-2.jpg", "whale-3.jpg", "whale-4.jpg", "whale-5.jpg"}
    assert shown.isdisjoint({"whale-0.jpg", "whale-1.jpg"})


def test_nova_can_be_asked_about_what_is_in_doubt_alone_and_what_that_saves_is_told(
    admin_client: Client, library: list[File], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = Tag.objects.create(name="blorf gnarp")
    for file in library[:2]:
        set_tags(file, [tag.name])
    shown = suggest(tag).suggestions
    monkeypatch.setattr(suggesting, "SURE", shown[2].confidence)

    doubt = suggest(tag).doubt

    assert doubt is not None
    assert doubt.file_ids == [one.n for one in shown if one.confidence < shown[2].confidence]
    assert 0 < len(doubt.file_ids) < len(shown)
    assert doubt.usd_likely is not None
    assert doubt.usd_saved is not None
    assert doubt.usd_likely > 0 < doubt.usd_saved
    html = admin_client.get(f"/tags/{tag.pk}/suggestions/").content.decode()
    assert f"/library/do/nova/?file={doubt.file_ids[0]}&amp;" in html
    assert "that saves about $" in html
