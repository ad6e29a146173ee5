"""Prices, profiles and quotas where the library is: what is known, what is estimated, and what a person chose."""

import re
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from bedrock import batch_quotas, catalogue, converse
from bedrock.models import CatalogueModel
from bedrock.pricing import Usage
from bedrock.refreshing import refresh_models
from tests.pages import as_read
from tests.standin.world import World

pytestmark = pytest.mark.django_db
#: Every region that a model card names.
CARDS = {
    "lite": ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-central-1", "eu-north-1",
             "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "ap-northeast-1", "ap-south-1",
             "il-central-1", "me-central-1"],
    "lite_v1": ["us-east-1", "us-east-2", "us-west-2", "eu-north-1", "ap-northeast-1", "us-gov-west-1"],
    "pro": ["us-east-1", "eu-west-2", "us-gov-west-1"],
    "sonic_2": ["us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1"],
    "nova_embed": ["us-east-1", "us-gov-west-1"],
}  # fmt: skip
LONDON, TOKYO, FRANKFURT, OREGON = "eu-west-2", "ap-northeast-1", "eu-central-1", "us-west-2"


@pytest.mark.parametrize(("key", "region"), [(key, region) for key, regions in CARDS.items() for region in regions])
def test_every_region_of_a_card_has_a_price_or_a_labelled_estimate_with_source_and_date(key: str, region: str) -> None:
    row = catalogue.model(key)
    price, estimate = row.price("realtime", region), catalogue.price_estimate(row, region)

    assert row.profile(region) is not None
    assert (price is None) is (estimate is not None)
    if price is not None:
        assert price.as_of
        assert price.source
    if estimate is not None:
        assert estimate["as_of"]
        assert estimate["source"].startswith("Estimate: ")
        row.prices = {**row.prices, region: estimate}
        row.full_clean()


@pytest.mark.parametrize(
    ("region", "runtime_id", "million"),
    [
        (LONDON, "global.amazon.nova-2-lite-v1:0", "0.3"),
        (TOKYO, "jp.amazon.nova-2-lite-v1:0", "0.363"),
        (FRANKFURT, "eu.amazon.nova-2-lite-v1:0", "0.363"),
        (OREGON, "us.amazon.nova-2-lite-v1:0", "0.33"),
    ],
)
def test_a_call_elsewhere_is_priced_and_made(
    aws: World, settings: Any, region: str, runtime_id: str, million: str
) -> None:
    settings.AWS_REGION = region
    row = catalogue.model("lite")
    if region != LONDON:
        assert catalogue.price(row, "realtime") is None
        catalogue.accept_estimate(row, region, by="ada")
    row.refresh_from_db()

    reply = converse.converse(converse.ConverseRequest(runtime_id=catalogue.runtime_id(row), text="What is it?"))

    assert catalogue.runtime_id(row) == runtime_id
    assert catalogue.price(row, "realtime").cost(Usage(input_tokens=1_000_000)) == Decimal(million)  # type: ignore[union-attr]
    assert catalogue.price(row, "flex").cost(Usage(input_tokens=1_000_000)) == Decimal(million) / 2  # type: ignore[union-attr]
    assert reply.usage.input_tokens > 0


def test_the_stand_in_refuses_a_profile_of_elsewhere(aws: World, settings: Any) -> None:
    settings.AWS_REGION = LONDON

    with pytest.raises(Exception, match="not offered in eu-west-2"):
        converse.converse(converse.ConverseRequest(runtime_id="eu.amazon.nova-2-lite-v1:0", text="What is it?"))


@pytest.mark.parametrize(
    ("key", "region", "runtime_id"),
    [
        ("lite", LONDON, "global.amazon.nova-2-lite-v1:0"), ("pro", LONDON, "amazon.nova-pro-v1:0"),
        ("lite_v1", LONDON, ""), ("sonic_2", LONDON, ""), ("lite", "ca-central-1", "us.amazon.nova-2-lite-v1:0"),
        ("lite", "ap-southeast-2", "global.amazon.nova-2-lite-v1:0"), ("lite_v1", "us-east-2", "amazon.nova-lite-v1:0"),
        ("sonic_2", OREGON, "amazon.nova-2-sonic-v1:0"), ("sonic_2", "us-east-2", ""),
    ],
)  # fmt: skip
def test_a_region_gets_what_exists_there(key: str, region: str, runtime_id: str) -> None:
    assert catalogue.model(key).runtime_id(region) == runtime_id


def test_the_global_profile_is_a_choice_with_its_price_and_a_word_on_where_data_goes(settings: Any) -> None:
    lite = catalogue.model("lite")
    assert catalogue.route(lite) == "answered in any North American region (us. profile)"

    lite.prefers_global = True

    assert catalogue.runtime_id(lite) == "global.amazon.nova-2-lite-v1:0"
    assert catalogue.price(lite, "realtime").rates["input_per_1k"] == Decimal("0.00030")  # type: ignore[union-attr]
    assert "any region of the world" in catalogue.route(lite)
    pro = catalogue.model("pro")
    pro.prefers_global = True
    assert catalogue.runtime_id(pro) == "amazon.nova-pro-v1:0"
    assert catalogue.route(pro) == ""


# --- estimates ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(client: Client, settings: Any) -> Client:
    settings.AWS_REGION = FRANKFURT
    user = User.objects.create_user("ada", is_staff=True)
    names = ["view_entry", "view_cataloguemodel", "change_cataloguemodel"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


def test_an_estimate_is_shown_as_one_and_accepted_by_a_click(ada: Client) -> None:
    page = ada.get("/spend/").content.decode()
    assert "estimated" in page
    assert page.count("Use the estimate") == 3

    answer = ada.post("/spend/models/lite/accept-estimate", follow=True)

    row = CatalogueModel.objects.get(key="lite")
    assert "priced by an estimate now" in answer.content.decode()
    assert row.price("realtime", FRANKFURT).rates["output_per_1k"] == Decimal("0.003025")  # type: ignore[union-attr]
    assert "Accepted by ada on 20" in row.prices[FRANKFURT]["source"]
    assert row.is_estimate(FRANKFURT)
    assert not row.is_edited
    assert catalogue.price_estimate(row, FRANKFURT) is None
    assert (
        "There is no estimate to accept" in ada.post("/spend/models/lite/accept-estimate", follow=True).content.decode()
    )


def test_speech_and_embeddings_are_priced_by_a_click_too(ada: Client, settings: Any) -> None:
    settings.AWS_REGION = TOKYO
    before = as_read(ada.get("/spend/"))
    assert re.search(r"\$3\.30\W*<span[^>]*>\W*1M tokens of speech in", before)

    answer = ada.post("/spend/models/sonic_2/accept-estimate", follow=True).content.decode()

    assert "Nova 2 Sonic is priced by an estimate now" in answer
    price = CatalogueModel.objects.get(key="sonic_2").price("realtime", TOKYO)
    assert price is not None
    assert price.rates["speech_input_per_1k"] == Decimal("0.0033")


def test_an_estimate_needs_a_permission_and_a_post(client: Client) -> None:
    user = User.objects.create_user("reader")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_entry"]))
    client.force_login(user)

    assert client.post("/spend/models/lite/accept-estimate").status_code == 403
    assert client.get("/spend/models/lite/accept-estimate").status_code == 405
    assert "Use the estimate" not in client.get("/spend/").content.decode()


def test_an_accepted_estimate_stays_until_a_price_is_known(settings: Any) -> None:
    catalogue.accept_estimate(catalogue.model("lite"), FRANKFURT, by="ada")
    newer = {"key": "lite", "name": "Nova 2 Lite", "purpose": "analysis", "as_of": "2027-01-01", "source": "x"}
    base = {"us-east-1": {"realtime": {"input_per_1k": "1", "output_per_1k": "1"}}}

    catalogue.sync([{**newer, "prices": base}])
    assert set(catalogue.model("lite").prices) == {"us-east-1", FRANKFURT}

    known = {FRANKFURT: {"realtime": {"input_per_1k": "2", "output_per_1k": "2"}}}
    catalogue.sync([{**newer, "as_of": "2027-02-01", "prices": {**base, **known}}])
    assert catalogue.model("lite").prices[FRANKFURT] == known[FRANKFURT]
    assert not catalogue.model("lite").is_estimate(FRANKFURT)


def test_the_admin_and_the_command_accept_estimates_and_choose_profiles_too(client: Client, settings: Any) -> None:
    settings.AWS_REGION = FRANKFURT
    client.force_login(User.objects.create_superuser("root"))
    rows = {row.key: row.pk for row in CatalogueModel.objects.all()}

    def act(action: str, key: str) -> None:
        data = {"action": action, "_selected_action": [rows[key]]}
        assert client.post("/admin/bedrock/cataloguemodel/", data).status_code == 302

    act("accept_estimate", "lite")
    act("use_global_profile", "lite")
    act("use_global_profile", "pro")
    assert catalogue.model("lite").is_estimate(FRANKFURT) is False  # the global profile has a price of its own
    assert (catalogue.model("lite").prefers_global, catalogue.model("pro").prefers_global) == (True, False)
    act("use_nearest_profile", "lite")
    assert catalogue.model("lite").is_estimate(FRANKFURT)

    out = StringIO()
    choice = ["--accept-estimates", "--global-profile", "lite"]
    call_command("refresh_models", "--offline", *choice, stdout=out)
    assert "Priced by an estimate now: Nova Lite, Nova Pro" in out.getvalue()
    assert "Nova 2 Lite is answered in any region of the world (global profile) now." in out.getvalue()
    assert catalogue.model("pro").is_estimate(FRANKFURT)
    with pytest.raises(CommandError, match="Nova Pro has no global profile in eu-central-1"):
        call_command("refresh_models", "--offline", "--global-profile", "pro")
    call_command("refresh_models", "--offline", "--nearest-profile", "lite", stdout=out)
    assert not catalogue.model("lite").prefers_global


def test_the_api_accepts_estimates_and_chooses_profiles_too(ada: Client) -> None:
    def patch(key: str, **body: Any) -> Any:
        return ada.patch(f"/api/nova/models/{key}", body, content_type="application/json")

    estimated = ada.post("/api/nova/models/lite/accept-estimate").json()
    assert (estimated["is_estimate"], estimated["prices"]["realtime"]["output_per_1k"]) == (True, "0.003025")
    assert "Accepted by ada" in catalogue.model("lite").prices[FRANKFURT]["source"]
    again = ada.post("/api/nova/models/lite/accept-estimate")
    assert (again.status_code, again.json()["code"]) == (409, "not_offered")

    chosen = patch("lite", prefers_global=True).json()
    assert (chosen["runtime_id"], chosen["prefers_global"]) == ("global.amazon.nova-2-lite-v1:0", True)
    assert chosen["prices"]["realtime"]["output_per_1k"] == "0.0025"
    assert "any region of the world" in chosen["route"]
    assert patch("lite", prefers_global=False).json()["runtime_id"] == "eu.amazon.nova-2-lite-v1:0"
    refused = patch("pro", prefers_global=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_offered")
    assert not catalogue.model("lite").is_edited


def test_the_api_refuses_fields_that_there_are_not_and_who_may_not(ada: Client, client: Client) -> None:
    misspelt = ada.patch("/api/nova/models/lite", {"prefers_globl": True}, content_type="application/json")
    assert (misspelt.status_code, list(misspelt.json())) == (400, ["prefers_globl"])
    body = ada.post("/api/nova/models/lite/accept-estimate", {"region": "x"}, content_type="application/json")
    assert (body.status_code, list(body.json())) == (400, ["region"])
    assert ada.get("/api/nova/models/none").status_code == 404

    reader = User.objects.create_user("reader")
    reader.user_permissions.set(Permission.objects.filter(codename="view_cataloguemodel"))
    client.force_login(reader)
    assert client.get("/api/nova/models/lite").status_code == 200
    assert client.patch("/api/nova/models/lite", {}, content_type="application/json").status_code == 403
    assert client.post("/api/nova/models/lite/accept-estimate").status_code == 403


def test_the_page_offers_the_global_profile_with_its_price_and_a_word_on_data(ada: Client) -> None:
    page = as_read(ada.get("/spend/"))
    assert page.count("Use the global profile") == 1
    assert "$0.3000 / $2.50, answered anywhere in the world" in page

    said = ada.post("/spend/models/lite/global-profile", follow=True).content.decode()

    assert "Nova 2 Lite is answered in any region of the world (global profile) from now on." in said
    assert "Stay near this region" in said
    assert "no global profile" in ada.post("/spend/models/pro/global-profile", follow=True).content.decode()
    ada.post("/spend/models/lite/nearest-profile")
    assert catalogue.runtime_id(catalogue.model("lite")) == "eu.amazon.nova-2-lite-v1:0"


# --- what Bedrock lists ---------------------------------------------------------------------------------------------


def test_a_refresh_takes_away_what_the_region_has_no_more(aws: World, settings: Any) -> None:
    settings.AWS_REGION = LONDON
    CatalogueModel.objects.filter(key="sonic_2").update(direct_regions=["*"])
    CatalogueModel.objects.filter(key="lite").update(profile_regions={})

    report = refresh_models()

    assert "Nova 2 Sonic: amazon.nova-2-sonic-v1:0 is gone from eu-west-2" in report.changes
    assert "Nova 2 Lite: eu.amazon.nova-2-lite-v1:0 is gone from eu-west-2" in report.changes
    assert catalogue.runtime_id(catalogue.model("lite")) == "global.amazon.nova-2-lite-v1:0"
    assert "not offered in eu-west-2" in catalogue.refuse_reason(catalogue.model("sonic_2"), "realtime")
    assert refresh_models().changes == []


# --- quotas ---------------------------------------------------------------------------------------------------------


def test_the_quotas_of_a_batch_are_those_of_the_pages_with_their_date() -> None:
    quotas = batch_quotas.of(catalogue.model("pro"))

    assert (quotas.min_records, quotas.max_records, quotas.max_jobs) == (100, 50_000, 100)
    assert (quotas.max_file_bytes, quotas.max_job_bytes) == (1_000_000_000, 4_500_000_000)
    assert quotas.as_of == "2026-11-28"
    assert "General Reference" in quotas.source


def test_the_account_s_own_quotas_are_read_where_the_policy_allows_it(aws: World) -> None:
    aws.quotas = {
        f"Some other quota {number}": 1.0 for number in range(60)
    } | {
        "Minimum number of records per batch inference job for Nova Lite V1": 50.0,
        "Records per input file per batch inference job for Amazon Nova Lite V1": 20_000.0,
        "Records per batch inference job for Amazon Nova Lite V1": 30_000.0,
        "Batch inference input file size (in GB) for Amazon Nova Lite V1": 0.5,
        "Batch inference job size (in GB) for Amazon Nova Lite V1": 2.0,
        "Sum of in-progress and submitted batch inference jobs using a base model for Amazon Nova 2 Lite": 7.0,
    }  # fmt: skip

    changes = batch_quotas.refresh()

    quotas = batch_quotas.of(catalogue.model("lite_v1"))
    assert (quotas.min_records, quotas.max_records, quotas.max_jobs) == (50, 20_000, 100)
    assert (quotas.max_file_bytes, quotas.max_job_bytes) == (500_000_000, 2_000_000_000)
    assert quotas.records_file_bytes == 475_000_000
    assert "Service Quotas of this account" in quotas.source
    assert batch_quotas.of(catalogue.model("lite")).max_jobs == 7
    assert len(changes) == 2
    assert batch_quotas.refresh() == []


def test_a_minimum_of_ones_own_counts_instead_of_that_of_aws(settings: Any) -> None:
    settings.NOVA_BATCH_MIN_RECORDS = 7

    assert batch_quotas.of(catalogue.model("lite")).min_records == 7


def test_the_api_tells_the_limits_of_a_batch_with_their_date(ada: Client) -> None:
    limits = ada.get("/api/nova/models/lite").json()["batch_limits"]

    assert (limits["min_records"], limits["max_jobs"], limits["as_of"]) == (100, 100, "2026-11-28")
    assert ada.get("/api/nova/models/omni_2_preview").json()["batch_limits"] is None


def test_without_the_right_the_pages_hold_and_nothing_is_said(aws: World) -> None:
    aws.denied.add("servicequotas:ListServiceQuotas")

    assert batch_quotas.refresh() == []
    assert batch_quotas.of(catalogue.model("lite_v1")).max_jobs == 100


def test_a_model_without_known_quotas_gets_the_smallest() -> None:
    CatalogueModel.objects.filter(key="lite").update(quotas={})

    quotas = batch_quotas.of(catalogue.model("lite"))

    assert (quotas.max_records, quotas.max_jobs) == (50_000, 20)
    assert "smallest" in quotas.source
