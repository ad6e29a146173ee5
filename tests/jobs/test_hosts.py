"""Several hosts on one database: who is who, whose clock counts, and who does what must be done once."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from files.storage import locks
from jobs import clock, owners
from jobs.models import Cluster
from jobs.workers import clusters, election, ticks
from novaproject.setup import doctor

SAME_NAME = "container"


def _forget() -> None:
    for cached in (owners.host, owners.host_id, owners._name_of_process):
        cached.cache_clear()


@pytest.fixture
def as_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Be the container with this space of process ids; all of them have one name."""
    monkeypatch.setattr("socket.gethostname", lambda: SAME_NAME)

    def be(space: str) -> None:
        link = tmp_path / space
        link.unlink(missing_ok=True)
        link.symlink_to(f"pid:[{space}]")
        monkeypatch.setattr(owners, "PROCESS_IDS", link)
        _forget()

    yield be
    _forget()


def test_containers_of_one_name_do_not_take_each_other_for_dead(as_host: Any) -> None:
    as_host("1")
    living = owners.me()

    as_host("2")

    assert owners.me().startswith(SAME_NAME)
    assert owners.pid_here(living) is None
    assert not owners.is_dead_here(living.replace(f":{living.split(':')[1]}:", ":999999:"))


def test_one_host_stays_the_same(as_host: Any) -> None:
    as_host("1")
    living = owners.me()

    as_host("1")

    assert owners.me() == living
    assert owners.pid_here(living) is not None


@pytest.mark.django_db
def test_rows_of_a_host_that_is_long_silent_go(as_host: Any) -> None:
    as_host("2")
    elsewhere = owners.me()
    as_host("1")
    now = clock.now()
    silent = Cluster.objects.create(queue="fast", workers=1, owner=elsewhere, seen_at=now - timedelta(hours=1))
    living = Cluster.objects.create(queue="fast", workers=1, owner=elsewhere, seen_at=now)

    clusters.forget_dead()

    assert list(Cluster.objects.all()) == [living]
    assert silent != living


@pytest.mark.django_db
@pytest.mark.postgres("its clock is the one of all hosts")
@pytest.mark.parametrize("wrong_by_s", [-90, 90])
def test_a_clock_that_is_wrong_moves_no_lease(monkeypatch: pytest.MonkeyPatch, wrong_by_s: float) -> None:
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(seconds=wrong_by_s))
    monkeypatch.setattr(clock, "_readings", {})

    first, second = clock.now(), clock.now()

    assert abs((first - right()).total_seconds()) < 30
    assert first <= second


@pytest.mark.django_db
@pytest.mark.postgres("its clock is the one of all hosts")
def test_the_doctor_says_whose_clock_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    (agreeing,) = doctor._host()
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(seconds=90))

    (apart,) = doctor._host()

    assert (agreeing.level, apart.level) == (doctor.Level.READY, doctor.Level.WARN)
    assert owners.host_id() in agreeing.text


@pytest.mark.django_db
@pytest.mark.postgres("its clock is the one of all hosts")
def test_a_host_that_slept_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_readings", {})
    clock.now()
    name = str(connection.settings_dict["NAME"])
    before = clock._readings[name]
    clock._readings[name] = before._replace(wall_s=before.wall_s - 3600, shared=before.shared - timedelta(hours=1))

    assert abs((clock.now() - timezone.now()).total_seconds()) < 30


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres("a lock of its own elects")
def test_what_must_be_done_once_is_done_by_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(ticks, "_ticks", {})
    ticks.register_tick("for all", lambda: 60, lambda: done.append("for all"))
    ticks.register_tick("here", lambda: 60, lambda: done.append("here"), on_each_host=True)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [election.KEY])

    assert ticks.start_due(0.0) == 1
    other.close()  # that host dies
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s), pg_advisory_unlock(%s)", [election.KEY, election.KEY])
    assert ticks.start_due(1000.0) == 2

    for tick in ticks.ticks():
        assert tick.thread is not None
        tick.thread.join()
    assert sorted(done) == ["for all", "here", "here"]
    election.resign()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("folders")
def test_a_lock_is_held_by_one_and_free_afterwards() -> None:
    seen: list[bool] = []

    def try_elsewhere() -> None:
        try:
            with locks.tried("batch-1") as is_held:
                seen.append(is_held)
        finally:
            connection.close()

    for _ in range(2):
        with locks.tried("batch-1") as is_held:
            assert is_held
            other = threading.Thread(target=try_elsewhere)
            other.start()
            other.join()
    try_elsewhere()

    assert seen == [False, False, True]
