"""What every list of files can be narrowed by, and what a file says of itself, through each door that takes filters."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from curation.models import Collection
from embeddings.indexing import index
from files.importing.problems import note_of_file
from files.models import File
from jobs import owners
from jobs.models import Job, fingerprint_of
from novaproject.pages import folder_tree
from tests.files.factories import make_file, make_root
from tests.pages import as_read
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript
from vision.models import DuplicateGroup, DuplicateMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def fail(file: File, error: str = "It broke.") -> Job:
    fingerprint = fingerprint_of("make_proxy", file.pk, {})
    return Job.objects.create(
        kind="make_proxy", subject_kind="file", subject_id=file.pk, queue="long", state="failed", error=error,
        remedy="Try again.", fingerprint=fingerprint,
    )  # fmt: skip


def ids(api: APIClient, query: str) -> set[int]:
    return {row["id"] for row in api.get(f"/api/files?{query}").json()["results"]}


def test_a_file_says_what_is_wrong_with_it_and_where_it_can_be_read(api: APIClient) -> None:
    listed, failed, well = make_file(), make_file(), make_file(state="offline")
    note_of_file(listed, "unreadable", "It is cut off.", "Copy it again.")
    fail(failed)

    rows = {row["id"]: row for row in api.get("/api/files").json()["results"]}

    assert rows[listed.pk]["problems"] == [
        {"kind": "unreadable", "reason": "It is cut off.", "remedy": "Copy it again."}
    ]
    assert rows[failed.pk]["problems"][0]["reason"] == "It broke."
    assert (rows[well.pk]["problems"], rows[well.pk]["available_on"]) == ([], [])
    assert rows[listed.pk]["available_on"] == [owners.host()]
    assert ids(api, "has_problems=true") == {listed.pk, failed.pk}
    assert ids(api, "has_problems=false") == {well.pk}


def test_a_failure_that_was_asked_for_again_is_no_problem(api: APIClient) -> None:
    file = make_file()
    failed = fail(file)
    Job.objects.create(
        kind="make_proxy", subject_kind="file", subject_id=file.pk, queue="long", state="queued",
        fingerprint=failed.fingerprint,
    )  # fmt: skip

    assert ids(api, "has_problems=true") == set()


def test_the_duplicates_of_a_file_are_the_others(api: APIClient) -> None:
    file, same_bytes, same_picture, other = make_file(full_hash="a"), make_file(full_hash="a"), make_file(), make_file()
    group = DuplicateGroup.objects.create(kind="recoded")
    DuplicateMember.objects.bulk_create([DuplicateMember(group=group, file=shown) for shown in (file, same_picture)])

    assert ids(api, f"duplicate_of={file.pk}") == {same_bytes.pk, same_picture.pk}
    assert ids(api, f"duplicate_of={other.pk}") == set()
    assert "duplicate_of" in api.get("/api/files?duplicate_of=999").json()


def said_file(api: APIClient) -> tuple[File, dict[str, Any]]:
    """A file that every filter of the contract matches, and these filters."""
    file = make_file(full_hash="a")
    twin = make_file(full_hash="a")
    segments = [SpokenSegment(start_s=0, end_s=2, text="The pond is deep.", speaker="Ada")]
    spoken = NewTranscript(
        provider="whisper", engine="faster-whisper", model="base", language="de", language_probability=0.3,
        segments=segments,
    )  # fmt: skip
    save_transcript(file, spoken)
    index.index_text(file)
    changes = {"rating": 4, "favourite": True, "note": "The best take", "tags": ["pond", "raw"]}
    api.patch(f"/api/files/{file.pk}", changes, format="json")
    collection = Collection.objects.create(name="Reel")
    api.post(f"/api/collections/{collection.pk}/items", {"file_id": file.pk}, format="json")
    fail(file)
    return file, {
        "tag": ["pond", "RAW"], "collection": collection.pk, "min_rating": 3, "favourite": True, "has_note": True,
        "has_problems": True, "duplicate_of": twin.pk, "language": "de", "language_uncertain": True, "speaker": "ada",
        "root": file.root_id,
    }  # fmt: skip


def test_the_filters_of_the_contract_hold_in_lists_batches_search_and_saved_searches(api: APIClient) -> None:
    file, filters = said_file(api)
    other = make_file()
    save_transcript(
        other, NewTranscript(provider="whisper", segments=[SpokenSegment(start_s=0, end_s=2, text="The pond.")])
    )
    index.index_text(other)

    for name, value in filters.items():
        words = [value] if not isinstance(value, list) else value
        query = "&".join(f"{name}={str(word).lower() if isinstance(word, bool) else word}" for word in words)
        hits = api.get(f"/api/search?q=pond&mode=keyword&kind=transcript&{query}").json()
        estimate = {"action": "tag", "filter": {name: value}, "options": {"add": ["x"]}}
        saved = api.post("/api/searches", {"name": name, "q": "pond", "filter": {name: value}}, format="json")

        assert ids(api, query) == {file.pk}, name
        assert {hit["file_id"] for hit in hits["results"]} == {file.pk}, name
        assert api.post("/api/estimate", estimate, format="json").json()["total"] == 1, name
        assert saved.status_code == 201, name
        assert api.get(f"/api/searches/{saved.json()['id']}/new").json()["total"] == 1, name


def test_a_file_has_every_field_of_the_contract(api: APIClient) -> None:
    file = make_file(metadata={"latitude": 1.5, "longitude": -2.5, "camera": "FX3"})

    shown = api.get(f"/api/files/{file.pk}").json()

    expected = {
        "tags": [], "rating": None, "favourite": False, "note": "", "has_frames": False, "is_seen": False,
        "is_read": False, "latitude": 1.5, "longitude": -2.5, "camera": "FX3", "problems": [],
        "available_on": [owners.host()],
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected


def test_folders_are_a_tree_with_counts_opened_down_to_the_one_that_is_shown() -> None:
    root = make_root("/drive/Films")
    for path in ("top.mp4", "2026/a.mp4", "2026/09 Ridge/b.mp4", "2026/09 Ridge/c.mp4", "2027/d.mp4"):
        make_file(root, path)
    make_file(make_root("/drive/Other"))

    films, other = folder_tree.tree("/drive/Films/2026/09 Ridge")

    assert (films.name, films.count, films.is_open, other.has_folders) == ("Films", 5, True, False)
    assert [(folder.name, folder.count, folder.is_open) for folder in films.folders] == [
        ("2026", 3, True),
        ("2027", 1, False),
    ]
    [ridge] = films.folders[0].folders
    assert (ridge.path, ridge.count, ridge.is_shown, ridge.has_folders) == (
        "/drive/Films/2026/09 Ridge",
        2,
        True,
        False,
    )


def test_the_library_page_shows_the_tree_and_opens_a_folder_when_asked(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    make_file(make_root("/drive/Films"), "2026/09 Ridge/b.mp4")

    page = as_read(client.get("/library/"))
    part = as_read(client.get("/library/tree/?directory=/drive/Films"))
    chosen = as_read(client.get("/library/?directory=/drive/Films/2026"))

    assert 'hx-get="/library/tree/?directory=/drive/Films"' in page
    assert 'href="/library/?directory=/drive/Films/2026"' in part
    assert "<html" not in part
    assert 'href="/library/?directory=/drive/Films/2026" aria-current="true"' in chosen


def test_the_page_of_a_file_leads_to_its_duplicates(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    file, twin = make_file(full_hash="a"), make_file(full_hash="a")

    page = as_read(client.get(f"/files/{file.pk}/"))
    listed = as_read(client.get(f"/library/?duplicate_of={file.pk}"))

    assert f'href="/library/?duplicate_of={file.pk}"' in page
    assert f"Duplicates of: {file.name}" in listed
    assert twin.name in listed


def test_a_filter_that_came_by_a_link_stays_when_the_form_is_sent(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    file = make_file()

    form = as_read(client.get(f"/library/?root={file.root_id}")).split('role="search"', 2)[-1].split("</form>")[0]

    assert f'<input type="hidden" name="root" value="{file.root_id}">' in form
    assert form.count('name="media_type"') == 1
