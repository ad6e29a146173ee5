"""How a file can be found is told as what it is: a name alone makes nothing searchable."""

from pathlib import Path

import pytest
from django.test import Client

from embeddings import found_by
from embeddings.found_by import FoundBy
from embeddings.indexing.index import index_file
from embeddings.models import Chunk
from files.models import File
from files.selection.facets import applicable, flag
from files.selection.resolving import resolve
from tests.embeddings.conftest import add_file, say

pytestmark = pytest.mark.django_db


def names(**filters: object) -> list[str]:
    return sorted(resolve(filter=filters).values_list("name", flat=True))


@pytest.fixture
def silent() -> File:
    """A file of which nothing but the name is known, embedded all the same."""
    file = add_file("IMG_0001.mp4")
    index_file(file)
    assert Chunk.objects.filter(file=file, source_kind=Chunk.Kind.NAME, embeddings__isnull=False).exists()
    return file


@pytest.fixture
def spoken() -> File:
    file = add_file("friday.mp4")
    say(file, [(0.0, 4.0, "the leak at the liner seam")])
    index_file(file)
    return file


def test_a_file_of_which_only_the_name_is_embedded_is_not_searchable(silent: File, spoken: File) -> None:
    assert not flag(silent, "has_embeddings")
    assert flag(spoken, "has_embeddings")
    assert names(found_by=["name"]) == [silent.name]
    assert names(found_by=["said", "seen", "described"]) == [spoken.name]
    counted = {count.way: count.count for count in found_by.counts()}
    assert counted == {FoundBy.SAID: 1, FoundBy.SEEN: 0, FoundBy.DESCRIBED: 0, FoundBy.NAME: 1}


def test_making_searchable_is_not_asked_of_a_file_with_nothing_but_a_name(silent: File, spoken: File) -> None:
    assert [file.name for file in applicable(File.objects.all(), "has_embeddings")] == [spoken.name]


def test_what_a_person_wrote_of_a_file_counts_as_described(silent: File) -> None:
    Chunk.objects.create(file=silent, source_kind=Chunk.Kind.NOTE, source_id=1, ordinal=0, text="the night of the leak")

    assert names(found_by=["described"]) == [silent.name]
    assert found_by.ways_of([silent.pk]) == {silent.pk: ["described"]}


def test_frames_count_only_in_a_space_that_is_in_use(silent: File, picture_model: Path, tmp_path: Path) -> None:
    from embeddings.indexing import pictures, spaces
    from embeddings.models import Embedding

    space = pictures.picture_space()
    chunk = Chunk.objects.create(file=silent, source_kind=Chunk.Kind.SEEN, source_id=silent.pk, ordinal=0, text="")
    Embedding.objects.create(chunk=chunk, space=space, file=silent, kind_code=7, bits=b"", content_hash="")
    spaces.use_for_pictures(space)
    assert names(found_by=["seen"]) == [silent.name]

    space.is_used_for_pictures = False
    space.save(update_fields=["is_used_for_pictures"])
    assert names(found_by=["seen"]) == []


def test_a_way_that_there_is_not_is_refused(admin_client: Client) -> None:
    answer = admin_client.get("/api/files", {"found_by": "smelled"})

    assert answer.status_code == 400
    assert "found_by" in answer.json()


def test_the_api_says_how_a_file_is_found(admin_client: Client, silent: File, spoken: File) -> None:
    listed = {file["name"]: file["found_by"] for file in admin_client.get("/api/files").json()["results"]}

    assert listed == {silent.name: [], spoken.name: ["said"]}


def test_home_and_library_say_how_files_are_found(admin_client: Client, silent: File, spoken: File) -> None:
    home = admin_client.get("/").content.decode()
    assert "How files are found" in home
    assert '<a class="small nowrap" href="/library/?found_by=name">' in home

    library = admin_client.get("/library/", {"found_by": "name"}).content.decode()
    assert "Found by: name only" in library
    assert "Name only</span>" in library
    assert spoken.name not in library
