"""Proxies by job and by command, and rows set right."""

import json
import os
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from files import conf
from files.media import derived
from files.media.probe import probe
from files.media.proxy_lookup import proxy_path
from files.media.proxying import make_proxy
from files.models import File, Proxy
from files.signals import media_ready
from files.storage import disk
from files.tasks_media import MAKE_PROXY, proxy_options
from files.upkeep.reconciling import reconcile
from jobs.execution.running import run_now
from jobs.models import Job
from jobs.queue import enqueue
from tests import media
from tests.files.factories import make_file, make_proxy_row, make_root

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("whichever_ffmpeg")]


@pytest.fixture
def originals(folders: Path) -> Path:
    place = folders / "originals"
    place.mkdir()
    return place


@pytest.fixture
def told() -> Iterator[list[tuple[int, str]]]:
    """What `media_ready` said: (file id, reason)."""
    news: list[tuple[int, str]] = []

    def listen(sender: object, file: File, reason: str, **_kwargs: Any) -> None:
        news.append((file.pk, reason))

    # Only this listener: what the floors above do next is not tested here.
    others, media_ready.receivers = media_ready.receivers, []
    media_ready.sender_receivers_cache.clear()
    media_ready.connect(listen)
    yield news
    media_ready.receivers = others
    media_ready.sender_receivers_cache.clear()


def imported(path: Path, **fields: Any) -> File:
    info = probe(path)
    root = File.objects.first().root if File.objects.exists() else make_root(path.parent)  # type: ignore[union-attr]
    return make_file(root, path.name, **{"media_type": info.media_type, "duration_s": info.duration_s, **fields})


def run(name: str, **options: Any) -> str:
    out = StringIO()
    call_command(name, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def request_proxy(file: File, **options: Any) -> Job:
    return enqueue(MAKE_PROXY, file.pk, proxy_options(**options))


def done(file: File, **options: Any) -> Job:
    return run_now(request_proxy(file, **options))


def test_job_makes_the_proxy_and_tells(
    originals: Path, told: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    file = imported(media.make_clip(originals / "a.mp4"))

    with django_capture_on_commit_callbacks(execute=True):
        job = done(file)

    assert (job.state, job.message, job.progress) == ("succeeded", "720p15 is ready.", 1.0)
    assert Proxy.objects.get().file == file
    assert told == [(file.pk, "")]


def test_job_that_fails_for_good_tells_why(
    originals: Path, told: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    file = imported(media.make_clip(originals / "a.mp4"))
    (originals / "a.mp4").write_bytes(b"")

    with django_capture_on_commit_callbacks(execute=True):
        job = done(file)

    assert (job.state, job.error) == ("failed", "a.mp4 is empty.")
    assert job.remedy
    assert told == [(file.pk, "a.mp4 is empty.")]


def test_absent_drive_is_tried_again_later(
    originals: Path, told: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = done(make_file(make_root("/nowhere/blue", name="Blue drive")))

    assert job.state == "queued"
    assert "Blue drive" in job.error
    assert told == []


def test_other_kinds_of_ends_tell_nothing(told: list[tuple[int, str]], originals: Path) -> None:
    file = imported(media.make_image(originals / "a.png"))

    job = done(file)
    file.mark_removed()
    gone = run_now(request_proxy(file, spec="720p5"))

    assert job.message == "Poster is ready."
    assert gone.message == "The file is no longer in the library."


def test_messages_of_sound_and_of_half_a_clip(originals: Path) -> None:
    whole = media.make_clip(originals / "whole.mp4", seconds=6, extra=("-movflags", "+faststart"))
    half = imported(media.cut_in_half(whole, originals / "half.mp4"))
    sound = imported(media.make_audio(originals / "memo.wav"))

    assert done(sound).message == "Sound is ready."
    assert "cut short: 3 of 6 s" in done(half).message


def test_message_of_a_sound_track_that_is_empty(originals: Path) -> None:
    clip = originals / "empty-track.mkv"
    media.run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=duration=1:size=64x64", "-f", "lavfi", "-i", "sine", "-af", "atrim=end=0",
        "-t", "1", "-c:v", "libx264", "-c:a", "pcm_s16le", clip,
    )  # fmt: skip

    assert "without sound" in done(imported(clip, audio_codec="pcm_s16le")).message


def test_default_options_are_one_request(originals: Path) -> None:
    file = imported(media.make_image(originals / "a.png"))

    assert request_proxy(file) == request_proxy(file, spec=conf.proxy_profile())
    assert request_proxy(file, audio_track=1) != request_proxy(file)
    assert {job.kind for job in Job.objects.all()} == {MAKE_PROXY}


def test_command_makes_what_is_missing_and_then_nothing(originals: Path) -> None:
    for name in ("a.mp4", "b.mkv"):
        imported(media.make_clip(originals / name, seconds=1))
    imported(media.make_audio(originals / "c.mp3", seconds=1))
    imported(media.make_image(originals / "d.jpg"))

    counted = run("make_proxies", dry_run=True)
    first = json.loads(run("make_proxies", json=True))
    second = run("make_proxies")

    assert counted == "4 to make.\n"
    assert (first["asked"], first["made"], first["errors"]) == (4, 4, [])
    assert second == "Nothing to make: 4 files have their 720p15.\n"
    assert Proxy.objects.count() == 2


def test_command_says_what_failed_and_goes_on(originals: Path) -> None:
    bad = imported(media.make_clip(originals / "bad.mp4", seconds=1))
    imported(media.make_clip(originals / "good.mp4", seconds=1))
    bad.local_path.write_bytes(b"")
    errors = StringIO()

    with pytest.raises(CommandError, match="1 could not be made"):
        call_command("make_proxies", stdout=StringIO(), stderr=errors)

    assert "bad.mp4: bad.mp4 is empty. Copy the file again" in errors.getvalue()
    assert Proxy.objects.count() == 1


def test_command_only_enqueues_in_the_background(originals: Path) -> None:
    imported(media.make_image(originals / "a.png"))

    assert run("make_proxies", background=True) == "Left to the workers: 1 file.\n"
    assert Job.objects.get().state == "queued"


def test_another_profile_makes_proxies_stale(originals: Path, settings: Any) -> None:
    file = imported(media.make_clip(originals / "a.mp4", seconds=1))
    make_proxy(file)
    settings.PROXY_PROFILE = "360p10"

    told = run("make_proxies")
    made = json.loads(run("make_proxies", stale=True, json=True))

    assert "1 are of another profile" in told
    assert made["made"] == 1
    assert set(Proxy.objects.values_list("proxy_spec", flat=True)) == {"720p15", "360p10"}


def test_changed_content_makes_a_proxy_stale(originals: Path) -> None:
    file = imported(media.make_clip(originals / "a.mp4", seconds=1), sampled_hash="what it is now")
    make_proxy_row(file, source_hash="what it was")
    disk.write(conf.folders().proxies / Proxy.objects.get().path, b"x" * Proxy.objects.get().size_bytes)
    make_file(file.root, "away.mp4", state=File.State.OFFLINE)

    report = json.loads(run("make_proxies", dry_run=True, stale=True, json=True))

    assert (report["asked"], report["stale"], report["unavailable"]) == (1, 1, 1)


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(CommandError, match=r"no proxy profile '4k'.*720p15"):
        call_command("make_proxies", profile="4k")


def test_reconcile_says_first_and_does_then(originals: Path, folders: Path) -> None:
    file = imported(media.make_clip(originals / "a.mp4", seconds=1))
    kept = make_proxy(file)
    assert kept is not None
    make_proxy_row(file, "720p5", path="lost_1_720p5.mp4")
    proxies, uploads = conf.folders().proxies, conf.folders().uploads
    orphan = disk.write(proxies / "orphan_99_720p15.mp4", b"12345")
    residue = disk.write(proxies / ".7-1-clip.mp4.part", b"123")
    stranger = disk.write(proxies / "holiday.mp4", b"not made by us")
    left = disk.write(conf.folders().derived / "999999" / derived.POSTER, b"jpeg")
    upload = disk.write(uploads / "precious_5.mp4", b"an original")
    young = disk.write(proxies / "young_98_720p15.mp4", b"just renamed, its row is coming")
    long_ago = time.time() - 7200
    for path in (orphan, residue, left.parent):
        os.utime(path, (long_ago, long_ago))

    plan = reconcile()

    assert plan.rows_without_file == ["lost_1_720p5.mp4"]
    assert plan.proxies_without_row == ["orphan_99_720p15.mp4"]
    assert plan.derived_without_file == ["999999"]
    assert plan.residue == [".7-1-clip.mp4.part"]
    assert plan.uploads_without_row == ["precious_5.mp4"]
    assert plan.not_ours == ["holiday.mp4"]
    assert (orphan.exists(), residue.exists(), Proxy.objects.count()) == (True, True, 2)

    said = run("reconcile", apply=True)

    assert "4 put right" in said
    assert not any(path.exists() for path in (orphan, residue, left))
    assert all(path.exists() for path in (stranger, upload, young, proxy_path(kept)))
    assert Proxy.objects.get() == kept
    assert "Nothing was changed" not in said
    assert json.loads(run("reconcile", json=True))["rows_without_file"] == []


def test_reconcile_forgets_no_proxy_while_their_disk_is_away(originals: Path, folders: Path) -> None:
    make_proxy_row(imported(media.make_image(originals / "a.png")))

    assert reconcile().rows_without_file == [Proxy.objects.get().path]
    with pytest.raises(CommandError, match=r"none of the proxies in the library \(1\).*Connect the disk"):
        call_command("reconcile", apply=True)

    assert Proxy.objects.count() == 1


def test_reconcile_with_nothing_to_do(folders: Path) -> None:
    assert run("reconcile") == "Rows and files agree.\n"


def test_reconcile_lists_only_the_first_of_many(folders: Path) -> None:
    for number in range(25):
        disk.write(conf.folders().proxies / f"mine-{number:02}.txt", b"")

    said = run("reconcile")

    assert "25 other things in PROXY_DIR" in said
    assert "and 5 more" in said
