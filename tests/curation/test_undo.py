"""What was done to many files at once is taken back: tags and removals, by the message that follows and the API."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.test import APIClient

from curation.models import FileTag
from files.models import File
from files.selection.actions import start_action
from jobs.execution.running import run_until_idle
from jobs.queue import create_batch
from tests.files.factories import make_file
from tests.pages import as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def tags_of(file: File) -> set[str]:
    return set(FileTag.objects.filter(file=file).values_list("tag__name", flat=True))


def test_tags_of_a_selection_are_as_before(api: APIClient) -> None:
    had, had_not = make_file(), make_file()
    api.patch(f"/api/files/{had.pk}", {"tags": ["pond", "raw"]}, format="json")
    options = {"add": ["pond"], "remove": ["raw"]}
    batch = start_action("tag", File.objects.all(), options)
    done = (tags_of(had), tags_of(had_not))

    undone = api.post(f"/api/batch/{batch.pk}/undo")
    again = api.post(f"/api/batch/{batch.pk}/undo")

    assert done == ({"pond"}, {"pond"})
    assert (tags_of(had), tags_of(had_not)) == ({"pond", "raw"}, set())
    assert undone.json()["message"] == "2 files have the tags of before again."
    assert again.json()["message"] == "It was undone before."


def test_removed_files_come_back_and_those_that_were_removed_before_stay_away(api: APIClient, folders: object) -> None:
    early, late = make_file(), make_file()
    first = start_action("remove", File.objects.filter(pk=early.pk), {})
    run_until_idle()
    second = start_action("remove", File.objects.filter(pk=late.pk), {})
    run_until_idle()
    gone = File.objects.count()

    answer = api.post(f"/api/batch/{second.pk}/undo").json()
    run_until_idle()

    assert gone == 0
    assert list(File.objects.all()) == [late]
    assert answer["message"] == "Undone: 1 file is on the way back to the library."
    assert first.pk != second.pk


def test_a_removal_that_has_not_begun_is_called_off(api: APIClient) -> None:
    file = make_file()
    batch = start_action("remove", File.objects.all(), {})

    answer = api.post(f"/api/batch/{batch.pk}/undo").json()
    run_until_idle()

    assert list(File.objects.all()) == [file]
    assert answer["message"] == "Undone: nothing had been removed yet."


def test_what_cannot_be_taken_back_says_so(api: APIClient) -> None:
    answer = api.post(f"/api/batch/{create_batch('Make proxies', 'proxy').pk}/undo")

    assert answer.status_code == 409
    assert "cannot be undone" in answer.json()["detail"]


def test_undoing_needs_the_right_to_do_it() -> None:
    viewer = User.objects.create_user("eve")
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_file", "view_batch"]))
    client = APIClient()
    client.force_authenticate(viewer)
    make_file()
    batch = start_action("tag", File.objects.all(), {"add": ["pond"]})

    assert client.post(f"/api/batch/{batch.pk}/undo").status_code == 403
    assert FileTag.objects.count() == 1


def test_the_message_after_tagging_has_an_undo(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    file = make_file()

    shown = as_read(client.post("/library/do/tag/", {"file": file.pk, "add": "pond"}, follow=True))
    address = shown.split('class="undo" method="post" action="')[1].split('"')[0]
    told = as_read(client.post(address, follow=True))

    assert "Tag 1 file: done." in shown
    assert "1 file has the tags of before again." in told
    assert tags_of(file) == set()
