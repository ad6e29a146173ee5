"""`/metrics`: off by default, behind a token, and true."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from jobs.control import pause
from jobs.models import Cluster, Job
from jobs.queue import enqueue
from novaproject import metrics
from tests.files.factories import make_file, make_root

pytestmark = pytest.mark.django_db
LINE = re.compile(r"^novaproject_\w+(\{(\w+=\"[^\"]*\",?)*\})? -?[0-9.]+$")


def read(client: Client, token: str | None = "let-me-in") -> dict[str, float]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.match(line) for line in lines), lines
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def is_on(settings: Settings) -> None:
    settings.METRICS_TOKEN = "let-me-in"


def test_they_are_off_by_default(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))

    for token in ("", "None", "let-me-in"):
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 403
        assert b"METRICS_TOKEN" in answer.content


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer let-me", "Basic let-me-in", "Bearer é"])
def test_without_the_token_they_say_nothing(client: Client, is_on: None, sent: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})

    assert answer.status_code == 401
    assert b"novaproject_" not in answer.content


def test_they_tell_what_waits_since_when_and_who_works(client: Client, is_on: None, folders: Path) -> None:
    now = timezone.now()
    root = make_root()
    for file in (make_file(root), make_file(root), make_file(root, state="offline")):
        enqueue("make_proxy", file.pk)
    Job.objects.filter(pk=Job.objects.earliest("pk").pk).update(run_after=now - timedelta(minutes=5))
    Job.objects.filter(pk=Job.objects.latest("pk").pk).update(run_after=now + timedelta(hours=1))
    pause("fast", by=None)
    Cluster.objects.create(queue="long", workers=2, seen_at=now - timedelta(seconds=20))

    told = read(client)

    assert told['novaproject_jobs{queue="long",state="queued"}'] == 3
    assert told['novaproject_jobs{queue="fast",state="failed"}'] == 0
    assert told['novaproject_queue_depth{queue="long"}'] == 2
    assert 300 <= told['novaproject_queue_oldest_wait_seconds{queue="long"}'] < 330
    assert told['novaproject_queue_paused{queue="fast"}'] == 1
    assert 20 <= told['novaproject_workers_seen_seconds{queue="long"}'] < 50
    assert 'novaproject_workers_seen_seconds{queue="fast"}' not in told
    assert told['novaproject_files{state="offline"}'] == 1
    assert told['novaproject_disk_free_bytes{folder="PROXY_DIR"}'] > 0


def test_they_tell_what_was_spent_and_the_cap(client: Client, is_on: None, settings: Settings) -> None:
    settings.NOVA_MONTHLY_BUDGET_USD = "12.5"

    told = read(client)

    assert told["novaproject_month_cap_usd"] == 12.5
    assert told["novaproject_month_spent_usd"] == 0


def test_they_cost_the_same_few_queries_however_many_jobs(
    folders: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for file in (make_file() for _ in range(5)):
        enqueue("make_proxy", file.pk)

    with django_assert_max_num_queries(10):
        metrics.text()


def test_a_label_cannot_break_the_line() -> None:
    (*_, line) = metrics.Gauge("a", "b", [({"c": 'x"y\n\\'}, Decimal("1.5"))]).lines()

    assert line == 'novaproject_a{c="x\\"y\\n\\\\"} 1.5'
