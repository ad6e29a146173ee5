"""Tokens: a digest at rest, no more than their user may do, and ended when somebody says so."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from knox.models import AuthToken

from tests.files.factories import make_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def bea() -> User:
    return User.objects.create_user("bea")


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("api_token", *arguments)
    return capsys.readouterr().out.strip()


def ask(client: Client, token: str, path: str = "/api/files") -> int:
    return client.get(path, headers={"Authorization": f"Token {token}"}).status_code


def test_a_token_is_not_in_the_database(bea: User, capsys: pytest.CaptureFixture[str]) -> None:
    token = command(capsys, "bea")

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM knox_authtoken")
        kept = str(cursor.fetchall())
    assert len(token) == 64
    assert token not in kept
    assert token[20:] not in kept


def test_a_token_may_do_what_its_user_may_do_now(client: Client, bea: User, capsys: pytest.CaptureFixture[str]) -> None:
    token = command(capsys, "bea")
    before = ask(client, token)
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    allowed = ask(client, token)
    User.objects.filter(pk=bea.pk).update(is_active=False)

    assert (before, allowed, ask(client, token)) == (403, 200, 401)


def test_a_program_gets_a_user_who_may_do_only_this(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    file = make_file()
    token = command(capsys, "indexer", "--create", "--permission", "files.view_file")

    delete = client.delete(f"/api/files/{file.pk}", headers={"Authorization": f"Token {token}"})

    assert ask(client, token) == 200
    assert ask(client, token, "/api/search?q=a") == 403
    assert delete.status_code == 403
    assert not User.objects.get(username="indexer").has_usable_password()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "no active user"),
        (["bea", "--create", "--permission", "files.view_file"], "already"),
        (["robot", "--create"], "--permission"),
        (["robot", "--create", "--permission", "files.fly"], "no permission files.fly"),
        (["bea", "--permission", "files.view_file"], "--create"),
        (["bea", "--expires-days", "0"], "1 or more"),
        (["bea", "--revoke", "nothing"], "0 tokens"),
    ],
)
def test_what_cannot_be_is_said(bea: User, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("api_token", *arguments)

    assert not User.objects.filter(username="robot").exists()
    assert not AuthToken.objects.exists()


def test_tokens_are_listed_by_their_beginnings_and_ended(
    client: Client, bea: User, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = (command(capsys, "bea") for _ in range(3))
    listed = command(capsys, "bea", "--list")

    told = command(capsys, "bea", "--revoke", listed.split()[0])
    after_one = [ask(client, token) for token in (first, second, third)]
    command(capsys, "bea", "--revoke-all")

    assert len(listed.splitlines()) == 3
    assert first not in listed
    assert told == "Ended 1 tokens of bea."
    assert after_one == [401, 403, 403]
    assert ask(client, second) == 401


def test_scripts_read_json(client: Client, bea: User, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(command(capsys, "bea", "--expires-days", "2", "--json"))
    (listed,) = json.loads(command(capsys, "bea", "--list", "--json"))
    token = made.pop("token")

    assert made == {"username": "bea"}
    assert ask(client, token) == 403
    assert token.startswith(listed["beginning"])
    assert listed["expires_at"] > listed["created_at"]
    assert json.loads(command(capsys, "bea", "--revoke-all", "--json")) == {"username": "bea", "ended": 1}
    assert json.loads(command(capsys, "bea", "--list", "--json")) == []


def test_an_expired_token_is_none(client: Client, bea: User, capsys: pytest.CaptureFixture[str]) -> None:
    token = command(capsys, "bea", "--expires-days", "1")
    AuthToken.objects.update(expiry="2020-01-01T00:00:00Z")

    assert ask(client, token) == 401


@pytest.mark.parametrize("token", ["x" * 64, "é" * 32, "", "two words"])
def test_a_bad_token_is_401_and_says_how(client: Client, token: str) -> None:
    header = f"Token {token}".encode().decode("latin-1")

    answer = client.get("/api/files", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"


def test_the_admin_ends_tokens_and_makes_none(client: Client, bea: User, capsys: pytest.CaptureFixture[str]) -> None:
    token = command(capsys, "bea")
    row: Any = AuthToken.objects.get()
    client.force_login(User.objects.create_superuser("ada"))
    address = "/admin/knox/authtoken/"

    listed = client.get(address).content.decode()
    made = client.post(f"{address}add/", {"user": bea.pk})
    ended = client.post(f"{address}{row.pk}/delete/", {"post": "yes"})

    assert row.token_key in listed
    assert row.digest not in listed.replace(f"{row.digest}/change", "")
    assert made.status_code == 403
    assert ended.status_code == 302
    assert ask(client, token) == 401
