"""The admin's first page groups what there is, the rare below."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client

from novaproject.admin_index import GROUPS, REST
from tests.pages import as_read

pytestmark = pytest.mark.django_db


def test_everything_is_there_once_and_the_rare_comes_last(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))

    page = as_read(client.get("/admin/"))

    places = [page.index(f"<caption>{heading}</caption>") for heading in (*GROUPS, REST)]
    assert places == sorted(places)
    for model in admin.site._registry:
        assert page.count(f'href="/admin/{model._meta.app_label}/{model._meta.model_name}/"') == 1, model
    assert page.index("<summary>Rarely needed") < page.index("/admin/nova/rawreply/")


def test_every_model_that_a_group_names_is_registered() -> None:
    registered = {model.__name__ for model in admin.site._registry}

    assert {name for names in GROUPS.values() for name in names} <= registered


def test_whoever_may_see_little_sees_no_empty_groups(client: Client) -> None:
    eve = User.objects.create_user("eve", is_staff=True)
    eve.user_permissions.set(Permission.objects.filter(codename="view_file"))
    client.force_login(eve)

    page = as_read(client.get("/admin/"))

    assert page.count("<caption>") == 1
    assert "<caption>Library</caption>" in page
