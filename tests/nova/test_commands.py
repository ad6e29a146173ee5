"""`analyze` says the price first; `reparse` reads again for free and shows the difference before it keeps it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from files.models import File
from nova.models import AnalysisResult, AnalysisType, NovaJob, RawReply
from nova.questions.results import current_for
from nova.replies import parsing
from nova.types.built_in import BUILT_IN
from nova.types.registry import add_version
from tests.nova.clips import make_clip
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clip(aws: World, folders: Path, tmp_path: Path, settings: Any) -> File:
    settings.IMPORT_STEPS = []
    return make_clip(tmp_path / "media")


def run(*args: str) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_nothing_is_sent_before_the_price_was_agreed_to(aws: World, clip: File) -> None:
    with pytest.raises(CommandError, match=r"costs about \$0\.\d+ \(\$0\.\d+ to \$0\.\d+\).*--yes"):
        run("analyze", str(clip.pk), "--model", "lite")
    plan = json.loads(run("analyze", str(clip.pk), "--model", "lite", "--mode", "flex", "--dry-run", "--json"))

    assert (plan["todo"], plan["records"], aws.calls["Converse"]) == (1, 1, 0)
    assert 0 < float(plan["usd_low"]) < float(plan["usd_high"])

    said = json.loads(run("analyze", str(clip.pk), "--model", "lite", "--yes", "--json", "--types", "summary"))
    assert said["succeeded"] == 1
    assert set(current_for(clip)) == {"summary"}


def test_another_reading_is_shown_then_kept_and_costs_nothing(aws: World, clip: File) -> None:
    run("analyze", str(clip.pk), "--model", "lite", "--yes", "--types", "summary")
    before = AnalysisResult.objects.get().result
    AnalysisResult.objects.update(result={**before, "text": "What an older parser read."})

    shown = run("reparse")
    assert "What an older parser read." in shown
    assert current_for(clip)["summary"].result["text"] == "What an older parser read."

    run("reparse", "--apply")
    assert current_for(clip)["summary"].result == before
    assert aws.calls["Converse"] == 1


def test_what_could_not_be_read_is_completed_by_a_newer_parser(
    aws: World, clip: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.fixed_answer = "no JSON at all"
    with pytest.raises(SystemExit):
        run("analyze", str(clip.pk), "--model", "lite", "--yes", "--types", "summary")
    assert NovaJob.objects.get().status == NovaJob.Status.FAILED
    with pytest.raises(CommandError, match="cannot be read"):
        run("reparse", "--failed")

    summary = {"text": "Three words here", "depth": "standard", "language": "en", "word_count": 3}
    assert set(summary) == set(BUILT_IN["summary"].schema["properties"])
    monkeypatch.setattr(
        "nova.questions.reply_store.parse_reply", lambda *_, **__: parsing.Parsed({"summary": summary}, ["new"])
    )
    run("reparse", "--failed", "--apply")

    assert NovaJob.objects.get().status == NovaJob.Status.COMPLETED
    assert current_for(clip)["summary"].notes == ["new"]
    assert RawReply.objects.count() == len(aws.bill) == 1


def test_a_type_of_ones_own_is_made_in_the_admin_and_each_change_is_a_version(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    inline = {f"versions-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    form = {"name": "safety", "label": "Safety", "prompt": "Who wears a helmet?", **inline}
    bad = client.post("/admin/nova/analysistype/add/", {**form, "schema": '{"type": "array"}'})
    assert b"outermost" in bad.content
    assert not AnalysisType.objects.exists()

    schema = {"type": "object", "properties": {"helmets": {"type": "integer"}}}
    made = client.post("/admin/nova/analysistype/add/", {**form, "schema": json.dumps(schema)})
    assert made.status_code == 302, made.content
    kind = AnalysisType.objects.get()
    url = f"/admin/nova/analysistype/{kind.pk}/change/"
    client.post(url, {**form, "schema": json.dumps(schema)})
    assert kind.versions.count() == 1
    inline |= {"versions-TOTAL_FORMS": "1", "versions-INITIAL_FORMS": "1", "versions-0-id": str(kind.versions.get().pk)}
    client.post(url, {**form, **inline, "prompt": "Who wears none?", "schema": json.dumps(schema)})
    assert [version.prompt for version in kind.versions.order_by("number")] == [
        "Who wears a helmet?",
        "Who wears none?",
    ]


def test_who_edits_a_type_is_told_of_a_schema_that_is_too_deep(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    parts = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
    things = {"type": "array", "items": {"type": "object", "properties": {"parts": parts}}}
    version = add_version("deep", prompt="What?", schema={"type": "object", "properties": {"things": things}})

    page = client.get(f"/admin/nova/analysistype/{version.type_id}/change/").content.decode()

    assert "3 layers of objects" in page
