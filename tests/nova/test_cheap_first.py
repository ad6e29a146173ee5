"""What need not be paid for is left out where somebody says so, and what that saves is told before and after."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from files.models import File
from files.selection import actions
from nova.models import NovaJob
from nova.questions.results import keep
from tests.files.factories import make_file, make_proxy_row, make_root
from tests.standin.world import World
from vision.models import DuplicateGroup, DuplicateMember, FrameSelection

pytestmark = pytest.mark.django_db

LITE = {"model": "lite", "analysis_types": ["summary"]}


@pytest.fixture
def library(aws: World, folders: Any) -> dict[str, File]:
    """A film, the same re-encoded, a cut of it, a slide that stands, and one of its own."""
    root = make_root(folders / "media")
    facts = {"film": 600.0, "again": 600.0, "cut": 120.0, "slide": 300.0, "other": 60.0}
    files = {}
    for number, (name, length_s) in enumerate(facts.items(), start=1):
        file = make_file(
            root, f"{name}.mp4", duration_s=length_s, size_bytes=10_000 - number, sampled_hash=f"{number:064x}",
            full_hash=f"{number:064x}",
        )  # fmt: skip
        make_proxy_row(file, size_bytes=1000)
        frames = 1 if name == "slide" else 20
        FrameSelection.objects.create(file=file, source_hash=file.sampled_hash, every_s=4, frame_count=frames)
        files[name] = file
    for kind, names in (("recoded", ("film", "again")), ("cut", ("film", "cut"))):
        group = DuplicateGroup.objects.create(kind=kind)
        for name in names:
            DuplicateMember.objects.create(group=group, file=files[name])
    return files


def plan(**options: Any) -> Any:
    return actions.estimate("nova", File.objects.all(), {**LITE, **options})


def test_by_itself_nothing_is_left_out(library: dict[str, File]) -> None:
    assert (plan().todo, plan().left_out) == (5, [])


def test_what_shows_the_same_is_asked_about_once(library: dict[str, File]) -> None:
    whole, chosen = plan(), plan(skip=["same"])

    (group,) = chosen.left_out
    assert (chosen.todo, group["reason"], group["count"]) == (3, "same", 2)
    assert float(group["usd_saved"]) == pytest.approx(float(whole.usd_likely - chosen.usd_likely), abs=1e-4)
    assert float(group["usd_saved"]) > 0


def test_videos_in_which_nothing_changes_are_told_apart(library: dict[str, File]) -> None:
    chosen = plan(skip=["still", "same"])

    assert [(group["reason"], group["count"]) for group in chosen.left_out] == [("same", 2), ("still", 1)]
    assert chosen.todo == 2


def test_what_nova_saw_stands_for_the_others_but_a_cut_not_for_the_whole(library: dict[str, File]) -> None:
    for name in ("again", "cut"):
        job = NovaJob.objects.create(file=library[name], model="lite", mode="realtime", status="COMPLETED")
        keep(job, {"summary": {"text": "A film."}}, version="1")
    only_cut = File.objects.filter(pk__in=[library["film"].pk, library["cut"].pk])

    by_copy = actions.estimate("nova", only_cut, {**LITE, "skip": ["same"]})
    DuplicateGroup.objects.filter(kind="recoded").delete()
    by_cut = actions.estimate("nova", only_cut, {**LITE, "skip": ["same"]})

    assert by_copy.left_out[0]["count"] == 2
    assert by_cut.left_out[0]["count"] == 1  # the cut itself: the film was not seen


def test_the_local_model_costs_nothing_and_leaves_nothing_out(library: dict[str, File]) -> None:
    assert plan(model="local", skip=["same", "still"]).left_out == []


def test_what_was_saved_stands_with_the_batch(library: dict[str, File], admin_client: Client) -> None:
    batch = actions.start_action("nova", File.objects.all(), {**LITE, "mode": "flex", "skip": ["same"]})

    asked = set(NovaJob.objects.values_list("file__name", flat=True))
    assert asked == {"film.mp4", "slide.mp4", "other.mp4"}
    (group,) = admin_client.get(f"/api/batch/{batch.pk}").json()["left_out"]
    assert (group["reason"], group["count"]) == ("same", 2)
    html = " ".join(admin_client.get(f"/batches/{batch.pk}/").content.decode().split())
    assert f"2 files show the same as another one, and are left out: that saves about ${group['usd_saved']}" in html


def test_a_shell_says_it_too(library: dict[str, File], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("analyze", "--all", "--model", "lite", "--types", "summary", "--skip", "same", "still", "--dry-run")

    out = capsys.readouterr().out
    assert "2 left out (same), which saves about $0." in out
    assert "1 left out (still), which saves about $0." in out
