"""What the doctor says of the workers."""

import pytest

from jobs import control
from jobs.models import Cluster
from novaproject.setup.doctor import Check, Level, checks

pytestmark = pytest.mark.django_db


def workers() -> Check:
    return next(check for check in checks() if check.name == "Workers")


def test_it_says_whether_workers_run_and_whether_a_queue_is_paused() -> None:
    none = workers()
    Cluster.objects.create(queue="long", workers=2)
    some = workers()
    control.pause("long")
    paused = workers()

    assert (none.level, none.text) == (Level.WARN, "None is running.")
    assert "manage.py work" in none.remedy
    assert (some.level, some.text) == (Level.READY, "2 are running.")
    assert (paused.level, paused.text) == (Level.WARN, "2 are running; paused: long.")
