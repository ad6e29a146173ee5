"""Guessing passwords is ended, and the owner is told how to get in."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def guess(client: Client, password: str) -> object:
    return client.post("/login/", {"username": "admin", "password": password})


def test_who_guessed_too_often_is_told_how_long_and_how_to_get_in(client: Client, settings: Settings) -> None:
    settings.AXES_ENABLED = True
    User.objects.create_superuser("admin", password="the right one")
    for number in range(settings.AXES_FAILURE_LIMIT):
        said = guess(client, f"wrong {number}")

    page = said.content.decode()  # type: ignore[attr-defined]
    assert said.status_code == 429  # type: ignore[attr-defined]
    assert "15 min" in page
    assert "manage.py axes_reset_username admin" in page
    assert guess(client, "the right one").status_code == 429  # type: ignore[attr-defined]

    call_command("axes_reset_username", "admin", verbosity=0)

    assert guess(client, "the right one").status_code == 302  # type: ignore[attr-defined]
