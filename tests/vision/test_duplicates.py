"""Files that show the same are grouped, and what only begins alike is not."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client

from files.models import File
from jobs.execution.running import run_until_idle
from tests.files.factories import make_file
from tests.vision.videos import add_picture, add_video, scene
from vision.duplicates.grouping import GroupedFiles, Looks, groups_of
from vision.frames.choosing import choose_frames
from vision.models import DuplicateGroup

NOISE = np.random.default_rng(1)


def film(file_id: int, hashes: list[int], *, every_s: float = 4.0, length_s: float | None = None) -> Looks:
    return Looks(
        file_id=file_id,
        hashes=np.array(hashes, dtype=np.uint64),
        seconds=np.arange(len(hashes), dtype=np.float64) * every_s,
        length_s=len(hashes) * every_s if length_s is None else length_s,
    )


def photo(file_id: int, content: int, *, taken_s: float = 0.0) -> Looks:
    return Looks(file_id=file_id, hashes=np.array([content], dtype=np.uint64), seconds=np.zeros(1), taken_s=taken_s)


def scenes(count: int) -> list[int]:
    return [int(value) for value in NOISE.integers(0, 2**63, count)]


def recoded(hashes: list[int]) -> list[int]:
    """The same frames in another coding: two bits differ in each."""
    return [value ^ (1 << int(NOISE.integers(0, 63))) ^ (1 << int(NOISE.integers(0, 63))) for value in hashes]


class TestGrouping:
    def test_another_coding_is_the_same_film(self) -> None:
        own = scenes(20)

        assert groups_of([film(1, own), film(2, recoded(own)), film(3, scenes(20))]) == [
            GroupedFiles(kind="recoded", file_ids=(1, 2))
        ]

    def test_a_part_is_cut_from_the_whole(self) -> None:
        own = scenes(40)

        assert groups_of([film(1, own), film(2, recoded(own[10:20]))]) == [GroupedFiles(kind="cut", file_ids=(1, 2))]

    def test_a_common_intro_makes_no_copy(self) -> None:
        intro = scenes(3)

        assert groups_of([film(1, intro + scenes(20)), film(2, recoded(intro) + scenes(20))]) == []

    def test_a_title_that_all_have_leads_to_no_comparison_and_no_group(self) -> None:
        title = scenes(1)

        assert groups_of([film(number, title + scenes(5)) for number in range(60)]) == []

    def test_the_same_frames_in_another_order_are_no_copy(self) -> None:
        own = scenes(20)

        assert groups_of([film(1, own), film(2, own[::-1])]) == []

    def test_photographs_of_a_burst_are_alike_and_taken_together(self) -> None:
        own = scenes(1)[0]
        moved = own ^ 0b1010101010101010101010101  # 13 bits

        assert groups_of([photo(1, own), photo(2, moved, taken_s=2.0)]) == [GroupedFiles(kind="burst", file_ids=(1, 2))]
        assert groups_of([photo(1, own), photo(2, moved, taken_s=3600.0)]) == []
        recoded = GroupedFiles(kind="recoded", file_ids=(1, 2))
        assert groups_of([photo(1, own), photo(2, own ^ 3, taken_s=9e6)]) == [recoded]

    def test_a_picture_is_no_copy_of_a_film(self) -> None:
        own = scenes(1)

        assert groups_of([photo(1, own[0]), film(2, own)]) == []

    def test_nothing_at_all_gives_no_group(self) -> None:
        assert groups_of([]) == []
        assert groups_of([film(1, []), film(2, [])]) == []


@pytest.mark.django_db(transaction=True)
class TestLibrary:
    @pytest.fixture
    def library(self, folders: Path) -> dict[str, File]:
        """A film, a copy of it, its second half, another film, and two photographs."""
        shots = [scene(colour, (kind, ink, left)) for colour, kind, ink, left in (
            ("white", "circle", "red", 40), ("black", "square", "blue", 400), ("gray", "bar", "yellow", 200),
            ("navy", "circle", "white", 300), ("green", "square", "black", 100), ("orange", "bar", "black", 500),
        )]  # fmt: skip
        made = {
            "film": add_video(folders / "a", [(2.0, one) for one in shots]),
            "copy": add_video(folders / "b", [(2.0, one.resize((320, 180))) for one in shots]),
            "half": add_video(folders / "c", [(2.0, one) for one in shots[3:]]),
            "other": add_video(folders / "d", [(2.0, scene("white", ("square", "black", 480)))]),
            "photo": add_picture(folders / "e", shots[0]),
            "again": add_picture(folders / "f", shots[0].resize((200, 112))),
        }
        for file in made.values():
            choose_frames(file)
        return made

    def test_groups_are_found_and_told_by_api_and_command(
        self, library: dict[str, File], admin_client: Client, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = admin_client.post("/api/duplicates/find")
        run_until_idle()

        told = {
            (group["kind"], tuple(file["file_id"] for file in group["files"]))
            for group in admin_client.get("/api/duplicates").json()["results"]
        }
        film, copy, half = (library[name].pk for name in ("film", "copy", "half"))
        assert asked.status_code == 202
        assert {(kind, frozenset(ids)) for kind, ids in told} == {
            ("recoded", frozenset({film, copy})),
            ("cut", frozenset({film, half})),
            ("cut", frozenset({copy, half})),
            ("recoded", frozenset({library["photo"].pk, library["again"].pk})),
        }
        call_command("duplicates", "--json")
        assert len(json.loads(capsys.readouterr().out)) == 4

    def test_the_largest_is_named_and_each_file_knows_its_groups(
        self, library: dict[str, File], admin_client: Client
    ) -> None:
        call_command("duplicates", "--json")

        (group,) = admin_client.get(f"/api/files/{library['photo'].pk}/duplicates").json()["results"]

        assert [(file["file_id"], file["is_largest"]) for file in group["files"]] == [
            (library["photo"].pk, True), (library["again"].pk, False),
        ]  # fmt: skip
        assert admin_client.get(f"/api/files/{library['other'].pk}/duplicates").json()["count"] == 0

    def test_equal_bytes_are_the_same_even_without_frames(self, folders: Path) -> None:
        one, other = (make_file(full_hash="f" * 64) for _ in range(2))

        call_command("duplicates", "--json")

        group = DuplicateGroup.objects.get()
        assert group.kind == "same"
        assert {member.file_id for member in group.members.all()} == {one.pk, other.pk}

    def test_looking_again_replaces_what_was_found_and_removes_nothing(self, library: dict[str, File]) -> None:
        library["again"].created_at = datetime.now(UTC) - timedelta(days=900)
        library["again"].save()
        call_command("duplicates", "--json")
        call_command("duplicates", "--json")

        assert DuplicateGroup.objects.count() == 4
        assert File.objects.count() == len(library)

    def test_a_page_shows_the_groups_and_looks_for_them(
        self, library: dict[str, File], admin_client: Client, client: Client
    ) -> None:
        empty = admin_client.get("/duplicates/").content.decode()
        admin_client.post("/duplicates/find/")
        run_until_idle()

        page = admin_client.get("/duplicates/").content.decode()

        assert "No duplicates yet" in empty
        assert "4 groups of duplicates" in page
        assert page.count("Same picture in another coding") == 2
        assert page.count("Largest") == 4
        assert client.get("/duplicates/").status_code == 302
