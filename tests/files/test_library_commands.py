"""The library from a shell."""

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from files import import_tasks
from files.checks import check_import_roots, check_import_steps
from files.humanize import length, size
from files.importing.directories import import_directory
from files.importing.ingest import SettleClock
from files.importing.reports import ImportReport, Pace, about
from files.models import File, Root
from files.signals import media_ready
from files.terminal import TerminalProgress
from jobs.models import Job
from tests.files.library import copy, names

pytestmark = pytest.mark.django_db


def run(*arguments: Any) -> tuple[str, str, int]:
    """Output, errors and exit status of a command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue(), err.getvalue(), int(end.code or 0)
    return out.getvalue(), err.getvalue(), 0


def ours() -> list[Job]:
    """The jobs of this floor; the one above looks for subtitle files after each scan."""
    return list(Job.objects.exclude(kind="read_sidecars"))


def test_import_directory_imports_any_folder_and_asks_for_proxies(library: Path, clip: Path) -> None:
    copy(clip, library / "deep" / "a.mp4")

    out, _, status = run("import_directory", library)

    assert (status, names()) == (0, {"deep/a.mp4"})
    assert "1 imported" in out
    assert [job.kind for job in ours()] == ["make_proxy"]


def test_import_directory_without_recursion_and_proxies(
    library: Path, clip: Path, django_capture_on_commit_callbacks: Any
) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "deep" / "b.mp4")
    told: list[str] = []

    def listen(sender: object, file: File, reason: str, **kwargs: Any) -> None:
        told.append(f"{file.name}: {reason}")

    media_ready.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        run("import_directory", library, "--no-recursive", "--no-proxies")
    media_ready.disconnect(listen)

    assert names() == {"a.mp4"}
    assert told == ["a.mp4: Making proxies is switched off."]
    assert not Job.objects.filter(kind="make_proxy").exists()


def test_import_directory_as_json_with_a_problem_ends_with_1(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    (library / "bad.mp4").write_text("no")

    out, err, status = run("import_directory", library, "--dry-run", "--json")

    report = json.loads(out)
    assert (status, report["imported"], report["dry_run"]) == (1, 1, True)
    assert report["problems"][0]["path"] == "bad.mp4"
    assert not File.objects.exists()

    _, err, status = run("import_directory", library)
    assert status == 1
    assert "bad.mp4 holds no video" in err


def test_import_directory_of_nothing_says_what_to_do(folders: Path) -> None:
    with pytest.raises(CommandError, match=r"/nowhere does not exist\. Check the path"):
        run("import_directory", "/nowhere")


def test_import_directory_stopped_by_hand_keeps_what_it_has(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("files.management.commands.import_directory.import_now", interrupt)
    with pytest.raises(CommandError, match="stays") as caught:
        run("import_directory", library)
    assert caught.value.returncode == 130


def test_scan_goes_over_all_roots_and_an_absent_one_stops_no_other(library: Path, clip: Path) -> None:
    one, two = library / "one", library / "two"
    copy(clip, one / "a.mp4")
    copy(clip, two / "b.mp4", different=True)
    run("import_directory", one)
    run("import_directory", two)
    one.rename(library / "away")
    copy(clip, two / "c.mp4", different=True)

    out, err, status = run("scan")

    assert status == 1
    assert "“one” is away" in err
    assert "1 imported" in out
    assert names() == {"a.mp4", "b.mp4", "c.mp4"}


def test_scan_of_one_root_as_json(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    run("import_directory", library)

    out, _, status = run("scan", str(library), "--json")

    assert (status, json.loads(out)[0]["unchanged"]) == (0, 1)
    with pytest.raises(CommandError, match="not a library root"):
        run("scan", "77")


def test_relocate_root_tries_first_then_moves_and_scans(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    run("import_directory", library, "--no-proxies")
    root = Root.objects.get()
    moved = library.rename(library.parent / "moved")

    out, _, status = run("relocate_root", str(root.pk), moved, "--dry-run")
    assert (status, "1 of 1 files" in out) == (0, True)
    assert Root.objects.get().path == str(library)
    assert not ours()

    out, _, status = run("relocate_root", str(root.pk), moved, "--json")
    assert (status, json.loads(out)["same"]) == (0, 1)
    assert Root.objects.get().path == str(moved)
    assert [job.kind for job in ours()] == ["scan_root"]


def test_relocate_root_to_something_else_fails(library: Path, clip: Path) -> None:
    copy(clip, library / "a.mp4")
    copy(clip, library / "b.mp4", different=True)
    run("import_directory", library)
    other = library.parent / "other"
    copy(clip, other / "a.mp4", different=True)

    _, err, status = run("relocate_root", str(library), other, "--dry-run")
    assert status == 1
    assert "a.mp4: other content" in err
    assert "b.mp4: not there" in err
    with pytest.raises(CommandError, match="does not hold the files"):
        run("relocate_root", str(library), other)


def test_a_growing_file_is_looked_at_again_later(
    library: Path, clip: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IMPORT_SETTLE_S = 30
    growing = copy(clip, library / "a.mp4")

    def grow(seconds: float) -> None:
        growing.write_bytes(clip.read_bytes() + b"more")

    clock = SettleClock(sleep=grow)
    monkeypatch.setattr(import_tasks, "import_directory", partial(import_directory, clock=clock))

    out, _, _ = run("import_directory", library)

    assert "1 still being copied" in out
    [job] = ours()
    assert (job.kind, job.options) == ("scan_root", {"again": 1})
    assert job.run_after > job.created_at


# --- words ---


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_nowhere_else() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        progress = TerminalProgress(stream)
        progress.update(0.5, "1 of 2 files")
        progress.update(0.6, "too soon")
        progress.update(1, "done")
        progress.check()
        progress.close()

    assert "50% 1 of 2 files" in terminal.getvalue()
    assert "too soon" not in terminal.getvalue()
    assert "100% done" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_progress_forecasts_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = Terminal(), iter([0.0, 100.0, 110.0, 130.0])
    monkeypatch.setattr("files.terminal.time.monotonic", lambda: next(clock))

    progress = TerminalProgress(terminal, forecasts=True)
    for fraction in (0.5, 0.01, 0.5):
        progress.update(fraction, "copying")

    said = [line.strip() for line in terminal.getvalue().split("\r")]
    assert said[1].endswith("50% copying, about 2 min left")
    assert said[2].endswith("1% copying")
    assert said[3].endswith("50% copying, about 20 s left")


def test_a_pace_says_count_rate_and_time_left() -> None:
    pace = Pace(1000)
    pace.started -= 10
    for _ in range(100):
        pace.step()

    assert pace.fraction == pytest.approx(0.1)
    assert pace.message() == "100 of 1,000 files · 10/s · about 2 min left"
    assert about(0.1) == "about 1 s left"
    assert about(7200) == "about 2.0 h left"
    assert Pace(0).fraction == 0


def test_a_report_has_no_zeros_in_its_words() -> None:
    assert ImportReport(path="/x").summary() == "No media files found"
    assert ImportReport(path="/x", imported=1200, moved=1).summary() == "1,200 imported, 1 moved"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_530_000_000, "1.5 GB"), (10**16, "10 PB")],
)
def test_sizes(value: int | None, words: str) -> None:
    assert size(value) == words


@pytest.mark.parametrize(("value", "words"), [(None, "–"), (0.9, "0:00"), (222.4, "3:42"), (3723, "1:02:03")])
def test_lengths(value: float | None, words: str) -> None:
    assert length(value) == words


# --- checks ---


def test_checks_say_what_is_wrong_with_the_settings(folders: Path, settings: Settings) -> None:
    settings.IMPORT_ROOTS = [folders, folders / "nowhere", folders / "data" / "x"]
    settings.IMPORT_STEPS = ["proxy", "analyse"]

    assert [found.id for found in check_import_roots(None)] == ["files.W001", "files.E001"]
    assert [found.id for found in check_import_steps(None)] == ["files.E002"]


def test_checks_are_content_with_the_defaults() -> None:
    assert check_import_roots(None) == []
    assert check_import_steps(None) == []
