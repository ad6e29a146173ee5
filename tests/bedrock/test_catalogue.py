"""Models: ids by region, refusals, prices, and the API that lists them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from bedrock import catalogue
from bedrock.errors import ModelRefusedError
from bedrock.models import CatalogueModel
from bedrock.pricing import Usage

pytestmark = pytest.mark.django_db
CONTRACT_KEYS = {"lite", "lite_v1", "pro", "premier", "pro_2_preview", "omni_2_preview", "local"}


def test_has_exactly_the_keys_of_the_contract_for_analyses() -> None:
    assert set(catalogue.models("analysis").values_list("key", flat=True)) == CONTRACT_KEYS


@pytest.mark.parametrize(
    ("key", "region", "expected"),
    [
        ("lite", "us-east-1", "us.amazon.nova-2-lite-v1:0"),
        ("lite", "eu-central-1", "eu.amazon.nova-2-lite-v1:0"),
        ("lite", "ap-northeast-1", "jp.amazon.nova-2-lite-v1:0"),
        ("lite", "ap-south-1", "global.amazon.nova-2-lite-v1:0"),
        ("lite", "sa-east-1", "global.amazon.nova-2-lite-v1:0"),
        ("pro", "us-east-1", "amazon.nova-pro-v1:0"),
        ("pro", "us-west-2", "us.amazon.nova-pro-v1:0"),
        ("pro", "ap-northeast-1", "apac.amazon.nova-pro-v1:0"),
        ("pro", "sa-east-1", ""),
        ("pro", "us-gov-west-1", "amazon.nova-pro-v1:0"),
        ("lite", "us-gov-west-1", ""),
    ],
)
def test_each_region_calls_its_own_profile(key: str, region: str, expected: str) -> None:
    assert catalogue.model(key).runtime_id(region) == expected


def test_reports_the_bare_id_and_calls_the_profile() -> None:
    lite = catalogue.model("lite")

    assert lite.model_id == "amazon.nova-2-lite-v1:0"
    assert catalogue.runtime_id(lite) == "us.amazon.nova-2-lite-v1:0"
    assert catalogue.by_model_id("us.amazon.nova-2-lite-v1:0") == lite
    assert catalogue.by_model_id("amazon.nova-2-lite-v1:0") == lite
    assert catalogue.by_model_id("something.else") is None


def test_a_model_past_its_end_is_listed_and_refused_with_the_reason() -> None:
    assert catalogue.model("premier").is_past()
    with pytest.raises(ModelRefusedError, match="AWS ended Nova Premier on 2026-09-14"):
        catalogue.require("premier", "realtime")


def test_a_model_is_refused_from_the_day_it_ends() -> None:
    lite = catalogue.model("lite")
    lite.end_of_life = date(2027, 1, 1)

    assert not lite.refuse_reason(mode="batch", region="us-east-1", today=date(2026, 12, 31))
    assert "ended" in lite.refuse_reason(mode="batch", region="us-east-1", today=date(2027, 1, 1))


def test_refuses_a_mode_that_the_model_lacks_and_a_region_without_it() -> None:
    with pytest.raises(ModelRefusedError, match="no batch mode, only realtime"):
        catalogue.require("omni_2_preview", "batch")
    with override_settings(AWS_REGION="sa-east-1"), pytest.raises(ModelRefusedError, match="not offered in sa-east-1"):
        catalogue.require("pro", "realtime")


def test_an_unknown_key_names_the_known_ones() -> None:
    with pytest.raises(ModelRefusedError) as caught:
        catalogue.model("micro")

    assert "lite_v1" in caught.value.remedy


def test_flex_and_batch_are_half_price_and_an_unknown_region_is_unpriced() -> None:
    lite, usage = catalogue.model("lite"), Usage(input_tokens=1000, output_tokens=1000)
    cost = {mode: catalogue.price(lite, mode).cost(usage) for mode in lite.modes}  # type: ignore[union-attr]

    assert cost == {"realtime": Decimal("0.00308"), "flex": Decimal("0.00154"), "batch": Decimal("0.00154")}
    assert lite.discount("batch", "us-east-1") == Decimal("0.5")
    assert lite.price("realtime", "eu-west-1") is None
    assert lite.discount("batch", "eu-west-1") is None
    assert lite.price("realtime", "sa-east-1").cost(usage) == Decimal("0.0028")  # type: ignore[union-attr]


def test_every_row_can_be_read_and_each_price_says_from_where_and_when() -> None:
    for row in CatalogueModel.objects.all():
        row.video_sampling()
        assert row.source
        for place, at in row.prices.items():
            price = row.price("realtime", place)
            assert at["as_of"]
            assert at["source"]
            assert place == "global" or (price and price.source)


def test_an_update_of_the_program_brings_new_prices_but_not_over_a_persons_edit() -> None:
    newer = {"key": "lite", "name": "Nova 2 Lite", "purpose": "analysis", "as_of": "2027-01-01", "source": "x"}
    newer["prices"] = {}  # type: ignore[assignment]

    CatalogueModel.objects.filter(key="lite").update(is_edited=True)
    assert catalogue.sync([newer]) == 0
    CatalogueModel.objects.filter(key="lite").update(is_edited=False)
    assert catalogue.sync([newer]) == 1
    assert catalogue.sync([newer]) == 0
    assert catalogue.sync() == 0
    assert catalogue.price(catalogue.model("lite"), "realtime") is None


def test_takes_in_what_bedrock_lists_of_a_model_and_takes_away_what_it_does_not() -> None:
    lite = catalogue.model("lite")
    listing = catalogue.ModelFacts(
        status="LEGACY", end_of_life=date(2099, 1, 1), is_direct=False, profiles=("apac.amazon.nova-2-lite-v1:0",)
    )

    changes = catalogue.take_listing(lite, listing, region="ap-south-1")

    lite.refresh_from_db()
    assert (lite.status, lite.end_of_life) == ("legacy", date(2099, 1, 1))
    assert lite.runtime_id("ap-south-1") == "apac.amazon.nova-2-lite-v1:0"
    assert lite.runtime_id("us-east-1") == "us.amazon.nova-2-lite-v1:0"
    assert [change.partition(": ")[2] for change in changes] == [
        "Active is now Legacy",
        "ends on 2099-01-01",
        "apac.amazon.nova-2-lite-v1:0 can be called in ap-south-1",
        "global.amazon.nova-2-lite-v1:0 is gone from ap-south-1",
    ]
    assert catalogue.take_listing(lite, listing, region="ap-south-1") == []


def test_a_model_that_a_region_lists_no_more_is_refused_there_and_a_preview_is_not() -> None:
    pro, preview = catalogue.model("pro"), catalogue.model("pro_2_preview")

    changes = catalogue.take_listing(pro, None, region="us-east-1")

    assert {change.rpartition(" is ")[2] for change in changes} == {"gone from us-east-1"}
    assert "not offered in us-east-1" in pro.refuse_reason(mode="flex", region="us-east-1")
    assert not pro.refuse_reason(mode="flex", region="eu-west-2")
    assert catalogue.take_listing(preview, None, region="us-east-1") == []
    assert not preview.refuse_reason(mode="realtime", region="us-east-1")


def test_a_model_whose_end_has_come_is_past_it_and_a_preview_stays_one() -> None:
    pro, preview = catalogue.model("pro"), catalogue.model("pro_2_preview")

    catalogue.take_listing(pro, catalogue.ModelFacts(status="LEGACY", end_of_life=date(2026, 1, 1)), region="us-east-1")
    catalogue.take_listing(preview, catalogue.ModelFacts(status="ACTIVE"), region="us-east-1")

    assert pro.status == "end_of_life"
    assert preview.status == "preview"


@pytest.fixture
def reader(client: Client) -> Client:
    user = User.objects.create_user("reader")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_cataloguemodel", "view_entry"]))
    client.force_login(user)
    return client


def test_the_api_lists_models_with_ids_state_and_prices(reader: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(8):
        answer = reader.get("/api/nova/models")

    rows = {row["key"]: row for row in answer.json()}
    assert set(rows) == CONTRACT_KEYS
    assert rows["lite"]["runtime_id"] == "us.amazon.nova-2-lite-v1:0"
    assert rows["lite"]["prices"]["flex"]["input_per_1k"] == "0.000165"
    assert "ended" in rows["premier"]["refused"]
    assert rows["local"]["prices"] == {"realtime": {"input_per_1k": "0", "output_per_1k": "0"}}
    assert rows["lite"]["as_of"] == "2026-11-28"
    assert rows["lite"]["route"] == "answered in any North American region (us. profile)"
    assert rows["lite"]["estimated_prices"] is None


def test_the_api_is_closed_without_a_login_or_the_permission(client: Client) -> None:
    assert client.get("/api/nova/models").status_code == 401
    client.force_login(User.objects.create_user("nobody"))
    assert client.get("/api/nova/models").status_code == 403
    assert client.get("/api/spend").status_code == 403


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("prices", {"us-east-1": {"realtime": {"input_per_1k": "0,0003", "output_per_1k": "1"}}}, "'0,0003'"),
        ("prices", {"us-east-1": {"realtime": {"input_per_1k": "-1", "output_per_1k": "1"}}}, "no sum of money"),
        ("prices", {"us-east-1": {"realtime": {"input_per_1k": "1"}}}, "has no output_per_1k"),
        ("prices", {"us-east-1": {"realtime": {"input": "1"}}}, "unknown rates: input"),
        ("prices", {"us-east-1": "0.0003"}, "cannot be read"),
        ("discounts", {"batch": "half"}, "'half' is no number"),
        ("sampling", {"frames": 960}, "frames"),
    ],
)
def test_figures_that_cannot_be_read_are_refused_where_they_are_typed_in(name: str, value: Any, words: str) -> None:
    """They stopped the page of spending and every call, also one that was paid already."""
    row = CatalogueModel.objects.get(key="lite")
    row.full_clean()
    setattr(row, name, value)

    with pytest.raises(ValidationError) as caught:
        row.full_clean()

    assert list(caught.value.message_dict) == [name]
    assert words in caught.value.message_dict[name][0]
