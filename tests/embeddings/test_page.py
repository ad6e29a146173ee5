"""The search page: results, filters, the player's side, and what htmx asks for."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from embeddings.errors import ProviderError
from embeddings.indexing import index
from embeddings.models import Chunk
from files.models import File
from novaproject.web.limits import Limits
from tests.embeddings.conftest import MakeFile, make_poster, say
from tests.embeddings.fakes import WordsProvider
from tests.pages import as_read

LINES = [
    (0.0, 3.0, "Hello there."),
    (12.5, 15.0, "That is a leak at the liner seam."),
    (80, 84, "Patched with <rubber>."),
]


@pytest.fixture
def friday(make_file: MakeFile) -> File:
    file = make_file("friday.mp4", folder="2026")
    say(file, LINES)
    index.index_file(file)
    return file


@pytest.fixture
def viewer(db: None) -> Client:
    user = User.objects.create_user("viewer", password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_chunk", "view_file", "view_transcript"]))
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, query: str, **headers: str) -> str:
    answer = client.get(f"/search/?{query}", headers=headers)
    assert answer.status_code == 200
    return as_read(answer)


def test_an_empty_page_says_the_next_step(viewer: Client) -> None:
    html = page(viewer, "")

    assert "Find a moment" in html
    assert "autofocus" in html


def test_a_question_shows_moments_counts_and_the_player_beside_them(
    viewer: Client, friday: File, folders: Path
) -> None:
    make_poster(friday, b"a picture")

    html = page(viewer, "q=leak+seam")

    assert "<mark>leak</mark>" in html
    assert "friday.mp4" in html
    assert f"/files/{friday.pk}/player/?t=12.5" in html
    assert f"/api/files/{friday.pk}/thumbnail?t=12.5" in html
    assert "Said 1" in html
    assert "Around 0:12" in html
    assert 'data-seek="80"' in html
    assert "&lt;rubber&gt;" in html


def test_a_picture_that_was_not_made_is_not_asked_for(viewer: Client, friday: File, folders: Path) -> None:
    assert "/thumbnail" not in page(viewer, "q=leak+seam")


def test_an_address_names_its_moment(viewer: Client, friday: File) -> None:
    other = Chunk.objects.get(text__startswith="Patched")
    html = page(viewer, f"q=leak+patched&at={other.pk}")

    assert f"/files/{friday.pk}/player/?t=80" in html


def test_a_kind_narrows_and_keeps_the_other_counts(viewer: Client, friday: File) -> None:
    html = page(viewer, "q=friday&kind=transcript")

    assert "Name 1" in html
    assert "Nothing close" in html


def test_typing_asks_by_words_alone_and_brings_only_the_answer(viewer: Client, friday: File) -> None:
    WordsProvider.asked.clear()

    html = page(viewer, "q=lea&typing=1", **{"HX-Request": "true"})

    assert "<mark>leak</mark>" in html
    assert "<html" not in html
    assert WordsProvider.asked == []


def test_going_back_in_history_brings_the_whole_page(viewer: Client, friday: File) -> None:
    html = page(viewer, "q=leak", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert "<html" in html


def test_nothing_close_is_said(viewer: Client, friday: File) -> None:
    assert "Nothing close" in page(viewer, "q=zebra")


def test_a_model_that_is_away_is_told_above_what_words_found(viewer: Client, friday: File) -> None:
    WordsProvider.failing = ProviderError("The model is away.")

    html = page(viewer, "q=leak")

    assert "Found by words only. The model is away." in html
    assert "<mark>leak</mark>" in html
    assert "The model is away." in page(viewer, "q=leak&mode=semantic")


@pytest.mark.parametrize(
    "query",
    [
        "q=leak&kind=poem&mode=magic&limit=0&at=x",
        "q=%00",
        "q=" + "w" * 3000,
        "q=<script>alert(1)</script>",
        "like=999",
        f"like={10**30}",
        f"like_file={10**30}",
    ],
)
def test_wrong_addresses_have_an_answer(viewer: Client, friday: File, query: str) -> None:
    assert "<script>alert" not in page(viewer, query)


def test_filters_of_the_page_narrow(viewer: Client, friday: File) -> None:
    assert "friday.mp4" in page(viewer, "q=leak&directory=/library&filmed=30")
    File.objects.update(created_at="2020-01-01T00:00:00Z")
    assert "Nothing close" in page(viewer, "q=leak&filmed=30")


def test_more_like_this_shows_other_files(viewer: Client, friday: File, make_file: MakeFile) -> None:
    say(other := make_file("monday.mp4"), [(5, 9, "A leak at the liner seam.")])
    index.index_file(other)
    chunk = Chunk.objects.get(text__startswith="That is a leak")

    html = page(viewer, f"like={chunk.pk}")

    assert "monday.mp4" in html
    assert "Like that moment of friday.mp4: 1 moment in 1 file" in html
    whole = page(viewer, f"like_file={friday.pk}")
    assert "Like friday.mp4: " in whole
    assert "monday.mp4" in whole


def test_a_kind_and_a_folder_narrow_what_is_like_a_file_too(viewer: Client, friday: File, make_file: MakeFile) -> None:
    say(other := make_file("monday.mp4", folder="2026"), [(5, 9, "A leak at the liner seam.")])
    index.index_file(other)

    html = page(viewer, f"like_file={friday.pk}&kind=chapter")

    assert "All 1" in html
    assert "Nothing close" in html
    assert "monday.mp4" in page(viewer, f"like_file={friday.pk}&kind=transcript&filmed=30")
    File.objects.update(created_at="2020-01-01T00:00:00Z")
    assert "Nothing close" in page(viewer, f"like_file={friday.pk}&filmed=30")


def test_where_a_page_ends_before_the_moments_do_it_says_what_helps(
    viewer: Client, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.views.MAX_LIMIT", 20)
    for number in range(25):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, f"The pump hums in clip {number}.")])
        index.index_file(file)

    html = page(viewer, "q=pump+hums")

    assert "A page shows no more than these" in html
    assert "Show more" not in html


def test_a_question_as_long_as_the_boxes_take_fits_the_address_line(viewer: Client) -> None:
    html = page(viewer, "")

    boxes = [int(length) for length in re.findall(r'type="search"[^>]*maxlength="(\d+)"', html)]

    assert boxes
    assert max(boxes) * len("%F0%9F%8E%AC") < Limits().head_bytes - 500


def test_more_moments_are_a_link_away(viewer: Client, make_file: MakeFile) -> None:
    for number in range(25):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, f"The pump hums in clip {number}.")])
        index.index_file(file)

    html = page(viewer, "q=pump+hums")

    assert "1–20 of 25" in html
    assert "limit=40" in html
    assert "1–25 of 25" in page(viewer, "q=pump+hums&limit=40")


def test_a_page_takes_few_queries_however_many_moments(
    viewer: Client, make_file: MakeFile, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, f"The pump hums in clip {number}.")])
        index.index_file(file)
    page(viewer, "q=pump")

    with django_assert_max_num_queries(35):
        page(viewer, "q=pump+hums")


def test_the_moment_alone_is_a_fragment(viewer: Client, friday: File) -> None:
    chunk = Chunk.objects.get(text__startswith="That is a leak")

    html = viewer.get(f"/search/moment/{chunk.pk}/?q=leak&t=12.5").content.decode()

    assert "<mark>leak</mark>" in html
    assert f"/files/{friday.pk}/player/?t=12.5" in html
    assert viewer.get(f"/search/moment/{chunk.pk}/?t=soon").status_code == 200
    assert viewer.get("/search/moment/999999/").status_code == 404


@pytest.mark.parametrize("wrong", ["inf", "nan", "-5", "1e400", "x"])
def test_a_second_that_is_none_opens_the_moment_at_its_own(viewer: Client, friday: File, wrong: str) -> None:
    chunk = Chunk.objects.get(text__startswith="That is a leak")

    answer = viewer.get(reverse("search-moment", args=[chunk.pk]), {"t": wrong})

    assert answer.status_code == 200
    assert f"?t={chunk.start_s:g}" in answer.content.decode()


def test_the_page_is_closed_without_login_or_permission(db: None, friday: File) -> None:
    assert Client().get("/search/?q=leak").status_code == 302
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger"))
    assert stranger.get("/search/?q=leak").status_code == 403
