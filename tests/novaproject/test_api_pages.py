"""The API in a browser: a root to click through, forms with examples; and what it does not know, it refuses by name."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from novaproject.views_api import readable_addresses
from tests.files.factories import make_file, make_root
from tests.pages import as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


def test_the_root_names_every_list_and_each_can_be_opened(ada: Client) -> None:
    make_file()

    named = ada.get("/api", headers={"Accept": "application/json"}).json()

    assert {"files", "tags", "collections", "moments", "jobs", "roots", "transcripts", "nova/jobs"} <= named.keys()
    assert named["files"] == "http://testserver/api/files"
    assert ada.get("/api/").status_code == 200
    opened = {
        name: ada.get(f"/api/{name}").status_code for name in readable_addresses() if name not in ("docs", "schema")
    }
    assert {name: status for name, status in opened.items() if status not in (200, 400, 409)} == {}


def test_a_page_of_the_api_has_a_form_with_an_example_for_what_one_may_do(ada: Client) -> None:
    file = make_file()

    listed = as_read(ada.get("/api/tags?format=api"))
    one = as_read(ada.get(f"/api/files/{file.pk}?format=api"))
    only_post = ada.get("/api/batch/transcribe?format=api")

    assert 'data-api-form="POST"' in listed
    assert "&quot;colour&quot;" in listed
    assert 'data-api-form="PATCH"' in one
    assert 'data-api-form="DELETE"' in one
    assert only_post.status_code == 405
    assert "&quot;media_type&quot;" in only_post.content.decode()


def test_who_may_only_read_sees_no_form(client: Client) -> None:
    reader = User.objects.create_user("reader")
    reader.user_permissions.set(Permission.objects.filter(codename="view_tag"))
    client.force_login(reader)

    assert "data-api-form" not in as_read(client.get("/api/tags?format=api"))


@pytest.mark.parametrize(
    "address",
    ["files", "files/{file}", "roots", "jobs", "tags", "moments", "collections", "search?q=x&", "health",
     "files/{file}/thumbnail", "transcripts", "nova/jobs", "proxies", "files/export"],
)  # fmt: skip
def test_a_parameter_that_there_is_not_is_refused_by_name(ada: Client, address: str) -> None:
    file = make_file(make_root())
    where = f"/api/{address.format(file=file.pk)}"

    answer = ada.get(f"{where}{'' if where.endswith('&') else '?'}nonsense=1")

    assert answer.status_code == 400
    assert "nonsense" in answer.content.decode()


@pytest.mark.parametrize(
    "address",
    ["files?page=1&page_size=5&ordering=name&format=json&tag=", "health?details=false", "transcripts?segments=false",
     "spend?by=month", "jobs?state=failed&file_id=1", "moments?q=x", "search?q=x&mode=keyword&media_type=video"],
)  # fmt: skip
def test_parameters_that_there_are_stay_known(ada: Client, address: str) -> None:
    assert ada.get(f"/api/{address}").status_code == 200


def test_fields_of_a_body_that_there_are_not_are_refused_by_name(ada: Client) -> None:
    sent: dict[str, Any] = {"name": "x", "color": "#000000"}

    answer = ada.post("/api/tags", sent, content_type="application/json")

    assert answer.status_code == 400
    assert "color" in answer.json()
