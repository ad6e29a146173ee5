"""Embedding for money: through the ledger, never twice for the same text, and never by itself."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bedrock.embed_api import FORMATS
from bedrock.errors import BusyError, OverBudgetError
from bedrock.models import Entry
from embeddings import facet, registry, tasks
from embeddings.errors import ProviderUnavailableError
from embeddings.indexing import index, spaces
from embeddings.models import Embedding, PaidVector
from embeddings.searching.search import search
from files.selection.resolving import resolve
from jobs.models import Notice
from tests.embeddings.conftest import MakeFile, say
from tests.standin import world as at
from tests.standin.rules import EMBED_INPUT_ID
from tests.standin.world import World

LINES = [(0.0, 3.0, "The pond loses water."), (60.0, 64.0, "There is a leak at the liner seam.")]


@pytest.fixture
def nova(aws: World, settings: Any) -> World:
    settings.EMBEDDING_PROVIDER = "nova"
    return aws


@pytest.mark.django_db
def test_a_file_is_embedded_and_each_text_is_booked(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)

    report = index.index_file(file)

    assert report.embedded == 3
    assert len(nova.bill) == 3
    assert spaces.active().key == registry.default_key("nova")
    entries = Entry.objects.filter(purpose="embedding")
    assert {entry.state for entry in entries} == {"settled"}
    assert {entry.file_id for entry in entries} == {file.pk}


@pytest.mark.django_db
def test_the_same_text_is_never_paid_twice(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)
    index.index_file(file)
    index.remove_file(file.pk)

    index.index_file(file)
    index.index_file(file, force=True)

    assert len(nova.bill) == 3
    assert Embedding.objects.count() == 3


@pytest.mark.django_db
def test_a_question_is_paid_once_and_finds_with_its_own_purpose(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)
    index.index_file(file)

    first = search("There is a leak at the liner seam.", mode="semantic")
    search("There is a leak at the liner seam.", mode="semantic")

    assert first.results[0].start_s == 60
    assert len(nova.bill) == 4
    assert PaidVector.objects.filter(purpose="query").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["/api/search", "/search/"])
def test_whoever_may_not_spend_searches_by_words(nova: World, make_file: MakeFile, client: Client, door: str) -> None:
    say(file := make_file(), LINES)
    index.index_file(file)
    viewer = User.objects.create_user("eve")
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_chunk", "view_file"]))
    client.force_login(viewer)
    before = len(nova.bill)

    found = client.get(door, {"q": "leak"}).content.decode()
    refused = client.get(door, {"q": "leak", "mode": "semantic"})
    viewer.user_permissions.add(Permission.objects.get(codename="add_embedding"))
    client.get(door, {"q": "leak"})

    assert "permission to spend" in found.replace("&#x27;", "'")
    assert "liner seam" in found
    assert (refused.status_code, "permission to spend" in refused.content.decode()) == (
        (403, True) if door == "/api/search" else (200, True)
    )
    assert len(nova.bill) == before + 1


@pytest.mark.django_db
def test_a_question_beyond_the_cap_is_answered_by_words(nova: World, make_file: MakeFile, settings: Any) -> None:
    say(file := make_file(), LINES)
    index.index_file(file)
    settings.NOVA_MONTHLY_BUDGET_USD = "0.00000001"

    answer = search("leak")

    assert answer.results
    assert "Found by words only" in answer.notice
    with pytest.raises(OverBudgetError):
        search("seam", mode="semantic")


@pytest.mark.django_db
def test_a_question_that_aws_has_no_time_for_is_to_be_asked_again(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)
    index.index_file(file)
    nova.break_next("InvokeModel", at.THROTTLED)

    answer = search("leak")

    assert answer.results
    assert answer.notice.endswith("Ask again in a minute.")


@pytest.mark.django_db
def test_a_failure_is_made_good_by_the_next_run(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)
    nova.break_next("InvokeModel", at.THROTTLED)

    with pytest.raises(BusyError):
        index.index_file(file)
    index.index_file(file)

    assert Embedding.objects.count() == 3
    assert len(nova.bill) == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("request_format", "model"),
    [
        ("nova-multimodal-embed-v1", "amazon.nova-2-multimodal-embeddings-v1:0"),
        ("inputText", "amazon.titan-embed-text-v2:0"),
        ("input", EMBED_INPUT_ID),
    ],
)
def test_each_request_format_is_a_space_of_its_own(
    nova: World, make_file: MakeFile, settings: Any, request_format: str, model: str
) -> None:
    settings.NOVA_EMBED_REQUEST_FORMAT, settings.NOVA_EMBED_MODEL_ID = request_format, model

    assert index.index_file(make_file()).embedded == 1

    assert spaces.active().request_format == request_format
    assert request_format in FORMATS


@pytest.mark.django_db
def test_the_plan_says_what_it_costs(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)
    index.index_text(file)

    plan = facet.plan(resolve(filter={}), {})

    assert plan.todo == 1
    assert Decimal(0) < plan.usd_low <= plan.usd_high < Decimal("0.01")
    assert plan.input_tokens


@pytest.mark.django_db
def test_what_waits_for_money_is_listed_with_its_price(nova: World, make_file: MakeFile) -> None:
    say(file := make_file(), LINES)
    index.index_text(file)

    tasks.sweep()

    notice = Notice.objects.get(key=tasks.TO_PAY)
    assert notice.text.startswith("3 texts to embed, up to $0.0")
    assert "found by their words" in notice.remedy
    assert nova.bill == []
    index.index_file(file)
    tasks.sweep()
    assert not Notice.objects.filter(key=tasks.TO_PAY).exists()


@pytest.mark.parametrize(("name", "value"), [("NOVA_EMBED_DIMENSION", 1000), ("NOVA_EMBED_REQUEST_FORMAT", "protobuf")])
def test_settings_that_cannot_be_are_told_with_the_known_values(settings: Any, name: str, value: object) -> None:
    setattr(settings, name, value)

    with pytest.raises(ProviderUnavailableError) as caught:
        registry.default_key("nova")

    assert name in caught.value.remedy
