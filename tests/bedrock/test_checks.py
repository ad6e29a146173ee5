"""Checks of the setup, the refresh of the catalogue, and the admin."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from bedrock import catalogue, checks
from bedrock.ledger import booking
from bedrock.models import CatalogueModel, Entry
from tests.bedrock.test_ledger import ask
from tests.standin import world as at
from tests.standin.world import World


def named(found: list[checks.AwsCheck]) -> dict[str, checks.AwsCheck]:
    return {check.name: check for check in found}


@pytest.mark.parametrize(
    ("empty", "ok", "words"),
    [
        ([], True, "On, with the role"),
        (["NOVA_BATCH_INPUT_PREFIX"], False, "NOVA_BATCH_INPUT_PREFIX is not set"),
        (["BEDROCK_BATCH_ROLE_ARN", "NOVA_BATCH_OUTPUT_PREFIX"], False, "NOVA_BATCH_OUTPUT_PREFIX are not set"),
        (["S3_BUCKET_NAME"], False, "S3_BUCKET_NAME is not set"),
        (
            ["BEDROCK_BATCH_ROLE_ARN", "NOVA_BATCH_INPUT_PREFIX", "NOVA_BATCH_OUTPUT_PREFIX"],
            None,
            "Flex costs the same",
        ),
    ],
)
def test_says_which_batch_setting_is_missing(
    aws: World, settings: Any, empty: list[str], ok: bool | None, words: str
) -> None:
    for name in empty:
        setattr(settings, name, "")

    check = named(checks.local())["Batch mode"]

    assert check.ok is ok
    assert words in check.text


def test_says_that_the_role_is_no_role_and_the_budget_no_number(aws: World, settings: Any) -> None:
    settings.BEDROCK_BATCH_ROLE_ARN = "my-role"
    settings.NOVA_MONTHLY_BUDGET_USD = "much"

    found = named(checks.local())

    assert found["Batch mode"].ok is False
    assert found["Monthly budget"].ok is False
    settings.NOVA_MONTHLY_BUDGET_USD = "20"
    assert "$20.00" in named(checks.local())["Monthly budget"].text


def test_says_that_person_tracking_is_retired_and_no_policy_is_missing() -> None:
    check = checks.person_tracking()

    assert "2025-10-31" in check.text
    assert check.ok is None


@pytest.mark.django_db
class TestAskingAws:
    def test_all_is_well(self, aws: World) -> None:
        found = named(checks.remote())

        assert all(check.ok is not False for check in found.values())
        assert {"AWS credentials", "Nova 2 Lite", "Nova Pro", "Staging bucket"} <= set(found)
        assert found["bedrock:ListModelInvocationJobs"].ok
        assert "Nova Premier" not in found
        assert aws.bill == []

    def test_without_credentials_nothing_else_is_asked(self, aws: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

        found = checks.remote()

        assert [(check.name, check.ok) for check in found] == [("AWS credentials", False)]
        assert "Sign in" in found[0].remedy

    def test_a_bucket_that_is_not_there_or_elsewhere(self, aws: World, settings: Any) -> None:
        settings.S3_BUCKET_NAME = "no-such-bucket"
        assert named(checks.remote())["Staging bucket"].ok is False

        aws.s3.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        settings.S3_BUCKET_NAME = "far-away"
        assert "eu-west-1" in named(checks.remote())["Staging bucket"].text

        settings.S3_BUCKET_NAME = ""
        assert named(checks.remote())["Staging bucket"].ok is None

    def test_one_failure_does_not_hide_the_others(self, aws: World) -> None:
        aws.break_next("ListFoundationModels", at.Fault(code="AccessDeniedException", status=403, message=""))

        found = named(checks.remote())

        assert found["Models"].ok is False
        assert "retired" in found["Models"].remedy
        assert found["Staging bucket"].ok

    def test_refresh_takes_in_lifecycle_and_profiles_and_adds_the_rule(self, aws: World) -> None:
        CatalogueModel.objects.filter(key="lite").update(runtime_ids={"us": "us.amazon.nova-2-lite-v1:0"})
        CatalogueModel.objects.filter(key="premier").update(status="active", end_of_life=None)
        out = StringIO()

        call_command("refresh_models", "--lifecycle-rule", "--json", stdout=out)

        report = json.loads(out.getvalue())
        assert any("global.amazon.nova-2-lite" in change for change in report["changes"])
        assert catalogue.model("premier").is_past()
        assert catalogue.model("lite").refreshed_at
        assert report["unlisted"] == ["sonic_v1"]
        assert named(checks.remote())["Forgotten copies"].ok

    def test_refresh_tells_a_person_and_fails_in_plain_words(self, aws: World) -> None:
        out = StringIO()
        call_command("refresh_models", "--lifecycle-rule", stdout=out)
        assert "models were looked up" in out.getvalue()
        call_command("refresh_models", "--offline", stdout=out)

        aws.break_next("ListFoundationModels", at.EXPIRED)
        with pytest.raises(CommandError, match="sign in again"):
            call_command("refresh_models")


@pytest.mark.django_db
class TestAdmin:
    @pytest.fixture
    def root(self, client: Client) -> Client:
        client.force_login(User.objects.create_superuser("root"))
        return client

    def test_models_can_be_looked_at_and_an_edit_is_kept(self, root: Client) -> None:
        lite = catalogue.model("lite")
        page = root.get("/admin/bedrock/cataloguemodel/")
        assert b"us.amazon.nova-2-lite-v1:0" in page.content
        assert b"unpriced" not in page.content.split(b"Nova 2 Lite")[1][:400]

        form = root.get(f"/admin/bedrock/cataloguemodel/{lite.pk}/change/").context["adminform"].form
        data = {name: form[name].value() for name in form.fields}
        data |= {"name": "Ours", "is_edited": ""}
        data = {name: "" if value is None else value for name, value in data.items()}
        answer = root.post(f"/admin/bedrock/cataloguemodel/{lite.pk}/change/", data)

        assert answer.status_code == 302
        lite.refresh_from_db()
        assert (lite.name, lite.is_edited) == ("Ours", True)

    def test_the_ledger_is_read_only_but_for_what_was_not_charged(self, root: Client) -> None:
        lost = booking.possibly_paid(booking.reserve(ask()), "no answer")
        page = root.get("/admin/bedrock/entry/")
        assert b"Possibly paid" in page.content
        assert root.get(f"/admin/bedrock/entry/{lost.pk}/change/").status_code == 200
        assert root.get("/admin/bedrock/ledgermonth/").status_code == 200
        assert root.get("/admin/bedrock/entry/add/").status_code == 403
        assert root.post(f"/admin/bedrock/entry/{lost.pk}/delete/", {"post": "yes"}).status_code == 403
        assert root.get("/admin/bedrock/ledgermonth/add/").status_code == 403

        root.post("/admin/bedrock/entry/", {"action": "was_not_charged", "_selected_action": [lost.pk]})

        row = Entry.objects.get()
        assert (row.state, row.counted_usd, row.note) == ("released", 0, "Given back by root.")
        assert booking.reserve(ask())
