"""The page of spending."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bedrock import price_list
from bedrock.ledger import booking, spend
from bedrock.models import CatalogueModel, Entry
from bedrock.pricing import Usage
from tests.bedrock.test_ledger import ask
from tests.files.factories import make_file
from tests.pages import as_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def spent() -> Any:
    file = make_file(name="=cmd.mp4")
    entry = booking.reserve(ask("q1", analysis_type="summary", file_id=file.pk, file_name=file.name))
    booking.settle(entry, usage=Usage(input_tokens=50_000))
    booking.possibly_paid(booking.reserve(ask("q2")), "lost")
    booking.reserve(ask("q3", "0.25"))
    return file


def text(site: Client, path: str) -> str:
    answer = site.get(path)
    assert answer.status_code == 200
    return as_read(answer)


def test_an_empty_ledger_says_what_is_free_and_shows_the_prices(site: Client) -> None:
    page = text(site, "/spend/")

    assert "Nothing was spent" in page
    assert "Ended by AWS, 2026-09-14" in page
    assert "$0.3300 / $2.75" in page
    assert "unpriced" not in page.split("Models and prices")[1].split("“Unpriced”")[0]


@pytest.mark.parametrize("by", ["day", "model", "mode", "type", "file", "month"])
def test_each_table_shows_spent_beside_its_estimate(site: Client, spent: Any, settings: Any, by: str) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "10"

    page = text(site, f"/spend/?by={by}")

    assert "$0.5000 spent in" in page
    assert "−50 %" in page
    assert "$8.25 left" in page
    assert 'value="0.175"' in page


def test_models_stand_under_their_key_and_the_id_that_aws_reports(site: Client, spent: Any) -> None:
    page = text(site, "/spend/?by=model")
    sheet = csv.DictReader(io.StringIO(site.get("/spend/?by=model&as_csv=1").content.decode()))

    assert page.count("amazon.nova-2-lite-v1:0</div>") == 1
    assert [(row["key"], row["model_id"]) for row in sheet] == [("lite", "amazon.nova-2-lite-v1:0")]
    assert site.get("/api/spend?by=model").json()["rows"][0]["model_id"] == "amazon.nova-2-lite-v1:0"


def test_the_home_page_names_every_part_of_the_cap(site: Client, spent: Any, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "10"

    page = text(site, "/")

    assert "of $10.00; $8.25 left, $0.2500 reserved, $1.00 possibly charged" in page


def test_a_file_links_to_its_page(site: Client, spent: Any) -> None:
    assert f'href="/files/{spent.pk}/"' in text(site, "/spend/?by=file")


def test_days_that_make_no_sense_are_told_and_empty_days_say_so(site: Client, spent: Any) -> None:
    assert "Enter a valid date" in text(site, "/spend/?since=soon")
    assert "in these days" in text(site, "/spend/?since=2099-01-01")
    for ends in ("until=9999-12-31", "until=0001-01-01", "since=0001-01-01&until=9999-12-31"):
        assert text(site, f"/spend/?{ends}")
    assert text(site, "/spend/?by=colour")


def test_the_csv_has_all_rows_and_no_formulas(site: Client, spent: Any) -> None:
    answer = site.get("/spend/?by=file&as_csv=1")

    rows = {row["label"]: row for row in csv.DictReader(io.StringIO(answer.content.decode()))}
    assert answer["Content-Disposition"] == 'attachment; filename="spend-by-file.csv"'
    assert Decimal(rows["'=cmd.mp4"]["spent_usd"]) == Decimal("0.5")


def test_the_sum_of_the_csv_is_that_of_the_ledger(site: Client) -> None:
    """Rounded to millionths, a row of short clips in a batch would not be."""
    for number in range(40):
        entry = booking.reserve(ask(f"q{number}", analysis_type=f"own-{number}"))
        Entry.objects.filter(pk=entry.pk).update(state="settled", actual_usd=Decimal("0.000330412501"))

    answer = site.get("/spend/?by=type&as_csv=1")

    rows = csv.DictReader(io.StringIO(answer.content.decode()))
    assert sum(Decimal(row["spent_usd"]) for row in rows) == spend.month().spent_usd


def test_the_page_asks_few_questions_of_the_database(
    site: Client, spent: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        site.get("/spend/?by=file")


def test_the_page_is_closed_without_the_permission(client: Client) -> None:
    client.force_login(User.objects.create_user("nobody"))
    assert client.get("/spend/").status_code == 403


def test_an_hour_of_video_is_priced_and_an_unknown_price_is_not_nothing() -> None:
    lines = {line.key: line for line in price_list.lines()}

    assert lines["lite"].prices[0].hour_usd == Decimal("0.346269")
    assert lines["lite"].prices[1].hour_usd == lines["lite"].prices[2].hour_usd == Decimal("0.1731345")
    assert not lines["lite_v1"].prices[1].is_offered
    assert lines["pro_2_preview"].level == "warn"
    CatalogueModel.objects.filter(key="lite").update(prices={})
    assert price_list.lines()[0].prices[0].per_1m is None


def test_spending_is_drawn_by_day_and_by_month_where_days_are_too_many(site: Client, spent: Any) -> None:
    days, months = text(site, "/spend/"), text(site, "/spend/?since=2020-01-01&by=model")

    assert "Spend by day</title>" in days
    assert days.count("<rect class=") == 3 + 3  # a column of three parts, and the key of three colours
    assert "The numbers as a table" in days
    assert "Spend by month</title>" in months
    assert "Spend by" not in text(site, "/spend/?since=2099-01-01").split("<main")[1].split("<table")[0]
