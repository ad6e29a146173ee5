"""The frame of every page: header, login, content security policy, error pages, API docs."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada", password="lovelace-1843"))
    return client


def test_an_anonymous_visitor_is_sent_to_the_login(client: Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 302
    assert answer["Location"] == "/login/?next=/"


def test_login_opens_the_page_that_was_asked_for(client: Client) -> None:
    User.objects.create_superuser("ada", password="lovelace-1843")

    answer = client.post("/login/", {"username": "ada", "password": "lovelace-1843", "next": "/admin/"})

    assert answer["Location"] == "/admin/"


def test_a_wrong_password_says_so_and_keeps_the_name(client: Client) -> None:
    answer = client.post("/login/", {"username": "ada", "password": "wrong"})

    assert b'role="alert"' in answer.content
    assert b'value="ada"' in answer.content


def test_the_admin_uses_the_one_login_page(client: Client) -> None:
    answer = client.get("/admin/login/")

    assert answer["Location"].startswith("/login/?next=/admin/")


def test_the_admin_wears_the_same_header_and_theme(admin: Client) -> None:
    page = admin.get("/admin/").content.decode()

    assert 'class="site-header"' in page
    assert "novaproject/theme.css" in page
    assert "dark_mode.css" not in page


def test_nobody_without_the_right_sees_the_way_into_the_admin(client: Client) -> None:
    client.force_login(User.objects.create_user("bea"))

    assert b'href="/admin/"' not in client.get("/").content


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/auth/user/", "/api/docs", "/nowhere/"])
def test_no_page_has_inline_style_or_script(admin: Client, path: str) -> None:
    answer = admin.get(path)
    page = answer.content.decode()

    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert "<style" not in page
    assert "<script>" not in page
    assert ' style="' not in page
    assert " onclick=" not in page


def test_an_unknown_address_says_what_to_do(admin: Client) -> None:
    answer = admin.get("/nowhere/")

    assert answer.status_code == 404
    assert b"Nothing is here" in answer.content


def test_the_server_error_page_needs_no_context(client: Client) -> None:
    from django.views.defaults import server_error

    client.raise_request_exception = False
    answer = server_error(client.request().wsgi_request)

    assert answer.status_code == 500
    assert b"novaproject/theme.css" in answer.content


def test_whoever_lacks_a_permission_is_told_whom_to_ask(client: Client) -> None:
    User.objects.create_superuser("grace")
    client.force_login(User.objects.create_user("eve"))

    answer = client.get("/folders/")

    assert answer.status_code == 403
    assert "You are logged in as eve" in answer.content.decode()
    assert "Ask grace to allow it." in answer.content.decode()


def test_a_stale_form_is_explained() -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/login/", {"username": "ada", "password": "x"})

    assert answer.status_code == 403
    assert b"Please send it again" in answer.content


def test_swagger_gets_its_script_from_an_address_of_its_own(admin: Client) -> None:
    script = admin.get("/api/docs?script=")

    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content
