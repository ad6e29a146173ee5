"""Taking jobs back from workers that are gone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from jobs import owners, queue
from jobs.execution import claims
from jobs.models import Job
from jobs.signals import job_ended
from jobs.workers import reaper

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_memory_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reaper of this process remembers goes by ids, and those begin anew with each test."""
    monkeypatch.setattr(reaper, "_overdue", {})


def leased_by(owner: str, kind: str, *, expires_in_s: float = 60, **changes: object) -> Job:
    job = claims.claim_job(queue.enqueue(kind, 7))
    assert job is not None
    expires = timezone.now() + timedelta(seconds=expires_in_s)
    Job.objects.filter(pk=job.pk).update(lease_owner=owner, lease_expires_at=expires, **changes)
    job.refresh_from_db()
    return job


def dead_owner() -> str:
    """The name of a process of this machine that is gone."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = owners.name_of(process.pid)
    process.communicate(b"\n")
    return name


@contextmanager
def ends_heard() -> Iterator[list[int]]:
    """The ids of the jobs whose end is announced meanwhile."""
    heard: list[int] = []

    def hear(*, job: Job, **_: object) -> None:
        heard.append(job.pk)

    job_ended.connect(hear)
    try:
        yield heard
    finally:
        job_ended.disconnect(hear)


def test_the_job_of_a_dead_worker_of_this_machine_is_taken_back_at_once(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = leased_by(dead_owner(), kind)

    assert reaper.take_back() == 1

    job.refresh_from_db()
    assert (job.state, job.crashes, job.failures, job.lease_owner) == ("queued", 1, 0, "")
    assert "The worker of job" in caplog.text


def test_a_process_id_used_again_is_not_the_owner(kind: str) -> None:
    host, pid, started, boot = owners.me().replace("@", ":").rsplit(":", 3)
    job = leased_by(f"{host}:{pid}:{float(started) - 100:.2f}@{boot}", kind)

    assert reaper.take_back() == 1
    assert reaper.take_back() == 0

    job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.parametrize(
    ("owner", "expires_in_s", "is_taken"),
    [
        ("elsewhere:1:2.00", 1, False),
        ("elsewhere:1:2.00", -1, True),
        ("me", 1, False),
        ("me", -3600, False),  # this machine slept: the worker gets the time to renew
    ],
)
def test_other_leases_are_taken_back_when_they_are_over(
    owner: str, expires_in_s: float, is_taken: bool, kind: str
) -> None:
    leased_by(owners.me() if owner == "me" else owner, kind, expires_in_s=expires_in_s)

    assert reaper.take_back() == is_taken


def test_a_living_worker_that_does_not_renew_loses_its_job_after_one_more_lease(kind: str) -> None:
    job = leased_by(owners.me(), kind, expires_in_s=-3600)

    assert reaper.take_back(uptime_s=1000.0) == 0
    assert reaper.take_back(uptime_s=1060.0) == 0
    assert reaper.take_back(uptime_s=1060.5) == 1

    job.refresh_from_db()
    assert (job.state, job.crashes) == ("queued", 1)


def test_a_worker_that_renews_after_all_gets_the_whole_time_the_next_time(kind: str) -> None:
    job = leased_by(owners.me(), kind, expires_in_s=-3600)
    assert reaper.take_back(uptime_s=1000.0) == 0
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() + timedelta(seconds=60))
    assert reaper.take_back(uptime_s=1030.0) == 0

    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=60))

    assert reaper.take_back(uptime_s=1061.0) == 0
    assert reaper.take_back(uptime_s=1122.0) == 1


def test_a_second_attempt_at_a_job_has_a_time_of_its_own(kind: str) -> None:
    job = leased_by(owners.me(), kind, expires_in_s=-3600)
    assert reaper.take_back(uptime_s=1000.0) == 0

    Job.objects.filter(pk=job.pk).update(attempts=2)

    assert reaper.take_back(uptime_s=1100.0) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells starts from the machine's own")
def test_a_clock_that_is_put_right_makes_no_worker_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = owners.me()
    booted = f"btime {int(psutil.boot_time())}"
    (tmp_path / "stat").write_text(Path("/proc/stat").read_text().replace(booted, f"btime {int(time.time()) + 3600}"))
    (tmp_path / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")

    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))

    assert psutil.boot_time() > time.time()
    assert not owners.is_dead_here(worker)
    assert owners.name_of(os.getpid()) == worker


def test_a_process_of_before_the_machine_started_is_gone() -> None:
    assert owners.is_dead_here(f"{owners.me().partition('@')[0]}@00000000")


def test_a_job_that_keeps_killing_its_worker_is_given_up(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = leased_by(dead_owner(), kind, crashes=3)
    reaper.take_back()
    job.refresh_from_db()
    assert (job.state, job.crashes) == ("queued", 4)
    claims.claim_job(job)
    Job.objects.filter(pk=job.pk).update(lease_owner=dead_owner())

    with ends_heard() as heard, django_capture_on_commit_callbacks(execute=True):
        reaper.take_back()

    job.refresh_from_db()
    assert (job.state, heard) == ("failed", [job.pk])
    assert job.error == "The worker died 5 times while it did this."
    assert "memory" in job.remedy


def test_a_job_to_be_cancelled_is_not_queued_again(
    kind: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = leased_by(dead_owner(), kind, cancel_requested_at=timezone.now())

    with ends_heard() as heard, django_capture_on_commit_callbacks(execute=True):
        reaper.take_back()

    job.refresh_from_db()
    assert (job.state, heard) == ("cancelled", [job.pk])


def test_a_parked_job_is_left_alone(kind: str) -> None:
    leased_by("", kind, is_parked=True, expires_in_s=-1000)

    assert reaper.take_back() == 0


def test_after_an_orderly_end_jobs_are_given_back_without_a_crash(kind: str) -> None:
    job = leased_by(dead_owner(), kind)

    assert reaper.give_back_of_dead() == 1

    job.refresh_from_db()
    assert (job.state, job.crashes) == ("queued", 0)


def test_this_process_is_alive_and_has_one_name() -> None:
    assert owners.me() == owners.me()
    assert owners.pid_here(owners.me()) == os.getpid()
    assert not owners.is_dead_here(owners.me())
    assert not owners.is_dead_here("elsewhere:1:2.00")
    assert not owners.is_dead_here("")
