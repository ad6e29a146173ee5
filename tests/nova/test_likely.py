"""One likely price: from one's own finished calls from twenty on, before that from usual answers."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from bedrock.models import Entry, month_of
from files.models import File
from nova.facet import plan
from nova.models import NovaJob
from nova.options import AnalysisRequest
from nova.questions import likely
from nova.questions.likely import ENOUGH
from nova.quoting import Quote, quote
from nova.tasks import request_analysis
from tests.nova.clips import make_clip, work_off
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)

LITE = AnalysisRequest(model="lite", types=("chapters", "summary"))
OPTIONS: dict[str, Any] = {
    "model": "lite", "mode": "realtime", "analysis_types": ["summary"], "language": "auto", "summary_depth": "standard",
}  # fmt: skip


@pytest.fixture
def clip(aws: World, folders: Path, tmp_path: Path) -> File:
    return make_clip(tmp_path / "media", duration_s=60.0)


def paid_calls(count: int, share: str, *, mode: str = "realtime", types: str = "chapters+summary") -> None:
    """So many finished calls of different files, which cost this share of the way from low to reserve."""
    for number in range(count):
        low, high = Decimal("0.001"), Decimal("0.011")
        Entry.objects.create(
            question=f"{types}-{mode}-{share}-{number}", purpose="analysis", model_key="lite", mode=mode,
            analysis_type=types, file_name=f"{number}.mp4", state=Entry.State.SETTLED, month=month_of(timezone.now()),
            estimated_usd=low, reserved_usd=high, actual_usd=low + Decimal(share) * (high - low),
        )  # fmt: skip


def quoted(**changes: Any) -> Quote:
    return quote(File.objects.all(), replace(LITE, **changes))


def test_before_twenty_of_ones_own_usual_answers_say_what_is_likely(clip: File) -> None:
    paid_calls(ENOUGH - 1, "0.5")

    made = quoted()

    assert (made.likely.source, made.likely.count) == ("typical", 0)
    assert made.usd_low is not None
    assert made.usd_high is not None
    assert made.usd_likely is not None
    assert made.usd_low < made.usd_likely < made.usd_high


def test_from_twenty_on_ones_own_calls_do(clip: File) -> None:
    paid_calls(ENOUGH, "0.25")

    made = quoted()

    assert (made.likely.source, made.likely.count) == ("own", ENOUGH)
    assert made.usd_low is not None
    assert made.usd_high is not None
    assert made.usd_likely == made.usd_low + (made.usd_high - made.usd_low) / 4


@pytest.mark.parametrize("changes", [{"mode": "flex"}, {"types": ("summary",)}, {"model": "pro"}])
def test_calls_of_another_mode_type_or_model_say_nothing(clip: File, changes: dict[str, Any]) -> None:
    paid_calls(ENOUGH, "0.25")

    assert quoted(**changes).likely.source == "typical"


def test_it_is_never_above_what_is_reserved(clip: File) -> None:
    paid_calls(ENOUGH, "3")  # usage passed the reservation

    made = quoted()

    assert made.usd_likely == made.usd_high


def test_the_same_file_again_and_again_is_one_analysis(clip: File) -> None:
    paid_calls(ENOUGH, "0.25")
    Entry.objects.update(file_name="one.mp4")

    assert likely.own_share("lite", "realtime", ["summary", "chapters"]) is None


def test_the_local_model_is_free(clip: File) -> None:
    made = quoted(model="local")

    assert (made.usd_likely, made.usd_high, made.likely.source) == (Decimal(0), Decimal(0), "")


def test_all_modes_stand_side_by_side_also_the_one_that_is_not_set_up(clip: File, settings: Any) -> None:
    settings.BEDROCK_BATCH_ROLE_ARN = ""

    made = quoted()

    assert [price.mode for price in made.modes] == ["realtime", "flex", "batch"]
    now, flex, batch = made.modes
    assert (now.is_available, flex.is_available, batch.is_available) == (True, True, False)
    assert "BEDROCK_BATCH_ROLE_ARN" in batch.reason
    assert now.usd_likely is not None
    assert batch.usd_likely == flex.usd_likely == pytest.approx(now.usd_likely / 2)
    assert (now.is_chosen, made.usd_likely, made.refusals) == (True, now.usd_likely, [])
    assert "BEDROCK_BATCH_ROLE_ARN" in quoted(mode="batch").refusals[0]
    assert quoted(mode="batch").usd_likely == batch.usd_likely


def test_a_mode_that_the_model_has_not_says_so(clip: File) -> None:
    flex = quoted(model="lite_v1").modes[1]

    assert (flex.is_available, flex.usd_likely) == (False, None)
    assert "no flex mode" in flex.reason


def test_without_credentials_nothing_is_offered(clip: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nova.tasks.credentials_fault", lambda: "No AWS credentials were found.")

    made = quoted()

    assert "No AWS credentials were found." in made.refusals[0]
    assert not any(price.is_available for price in made.modes)
    assert made.usd_likely is not None  # the price is told all the same


def test_videos_that_need_a_bucket_are_refused_where_there_is_none(
    clip: File, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedrock.converse.INLINE_MAX_BYTES", 10)
    assert quoted().refusals == []

    settings.S3_BUCKET_NAME = ""

    assert "S3_BUCKET_NAME" in quoted().refusals[0]


def test_a_call_beyond_any_months_cap_is_refused_before_the_button(clip: File, settings: Any) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "0.0001"

    assert "could never be made" in quoted().refusals[0]


def test_how_good_it_was_is_told(aws: World, clip: File) -> None:
    assert likely.quality() is None
    nova_job, _ = request_analysis(clip, LITE)
    work_off()
    nova_job.refresh_from_db()
    assert nova_job.likely_usd is not None
    NovaJob.objects.filter(pk=nova_job.pk).update(likely_usd=nova_job.cost_usd * Decimal("1.1"))

    good = likely.quality()

    assert good is not None
    assert (round(good.error, 3), good.count) == (0.1, 1)


def test_every_door_tells_it(clip: File, client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    paid_calls(ENOUGH, "0.25", types="summary")

    by_action = client.post(
        "/api/estimate", {"action": "nova", "file_ids": [clip.pk], "options": {**OPTIONS}}, "application/json"
    ).json()
    by_nova = client.post(
        "/api/nova/estimate",
        {"file_ids": [clip.pk], "model": "lite", "mode": "realtime", "analysis_types": ["summary"]},
        "application/json",
    ).json()
    dialog = client.get("/library/do/nova/plan/", {"file": clip.pk, **OPTIONS}).content.decode()

    for said in (by_action, by_nova):
        assert (said["likely_from"], said["likely_count"]) == ("own", ENOUGH)
        assert said["usd_low"] < said["usd_likely"] < said["usd_high"]
        assert [price["mode"] for price in said["modes"]] == ["realtime", "flex", "batch"]
        assert said["modes"][0]["usd_likely"] == said["usd_likely"]
    assert plan(File.objects.all(), OPTIONS).usd_likely is not None
    assert "20 of your own analyses" in dialog
    assert "At once" in dialog
    assert "Flex" in dialog
