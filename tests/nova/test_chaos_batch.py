"""Clips in batch mode while workers, the supervisor and the web are killed: all answered, paid once."""

import os
import random
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from knox.models import AuthToken

from jobs.models import Job
from nova.kinds import BATCH_RECORD, COLLECT_BATCH, SEND_BATCH
from nova.models import AnalysisResult, BedrockBatch, NovaJob, Question
from nova.options import AnalysisRequest
from nova.tasks import request_analysis
from tests.files.factories import make_file, make_proxy_row, make_root
from tests.jobs.workers import gone, sentinels, until, working
from tests.nova.batches import assert_settled, lower_minimum
from tests.standin.media import tiny_mp4
from tests.standin.world import BatchPlan, World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="dying with one's parent is Linux's"),
]

BAD, MINIMUM = 3, 10
#: `make chaos-nova` gives more of all three.
SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").split(",")]
CLIPS, KILLS = int(os.environ.get("CHAOS_CLIPS", "80")), int(os.environ.get("CHAOS_KILLS", "5"))
#: A batch job of the stand-in takes 30 minutes divided by this.
SPEED = 900
#: How likely each sort of victim is. The supervisor and the sentinels take seconds to be replaced.
SORTS = {"busy": 6, "web": 3, "sentinel": KILLS // 8, "supervisor": KILLS // 16}
#: A job that killed its worker five times is not started again by itself, so it is left alone before that.
MOST_CRASHES = 3
SETTINGS = "tests.nova.farm_settings"


def make_clips() -> list[NovaJob]:
    """Clips on a drive that is away, with proxies that are small; some proxies are no videos. All are asked about."""
    root = make_root()
    nova_jobs = []
    for number in range(CLIPS):
        file = make_file(root, f"clip-{number:03}.mp4", state="offline", full_hash=f"{number:064x}", duration_s=10.0)
        content = tiny_mp4(10, seed=str(number)) if number >= BAD else b"no video" * 20
        proxy = make_proxy_row(file, size_bytes=len(content))
        (django_settings.PROXY_DIR / proxy.path).write_bytes(content)
        nova_jobs.append(request_analysis(file, AnalysisRequest(model="lite", types=("summary",), mode="batch"))[0])
    return nova_jobs


class Farm:
    """Workers, and a web server that takes in results too when it is asked for a status; both to be killed."""

    def __init__(self, folders: Path, chance: random.Random) -> None:
        self.folders, self.chance = folders, chance
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.killed: Counter[str] = Counter()
        self._stack = ExitStack()

    def __enter__(self) -> "Farm":
        self._start_workers()
        self._start_web()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end_web()
        self._stack.close()

    def kill_one(self) -> None:
        """Most often whoever does something that matters; now and then everything at once."""
        sort = self.chance.choices(list(SORTS), list(SORTS.values()))[0]
        if sort == "busy":
            self._kill_busy()
        elif sort == "web":
            self._end_web()
            self.killed[sort] += 1
            self._start_web()
        elif sort == "sentinel":
            for sentinel in sentinels(self.supervisor).values():
                self._kill(sentinel, sort)
                break
        else:
            self._kill(self.supervisor, sort)
            self._stack.close()
            self._start_workers()

    def _kill_busy(self) -> None:
        busy = Job.objects.leased().filter(kind__in=[SEND_BATCH, COLLECT_BATCH, BATCH_RECORD], crashes__lt=MOST_CRASHES)
        owners = [(job.kind, int(job.lease_owner.split(":")[-2])) for job in busy if ":" in job.lease_owner]
        owners.sort(key=lambda owner: owner[0] == BATCH_RECORD)
        if owners:
            kind, pid = owners[0]
            try:
                self._kill(psutil.Process(pid), kind)
            except psutil.NoSuchProcess:
                return

    def _end_web(self) -> None:
        family = [self.web, *self.web.children(recursive=True)]
        for process in family:
            process.kill()
        gone(family)
        self.web.wait(10)

    def _kill(self, process: psutil.Process, sort: str) -> None:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return
        self.killed[sort] += 1

    def _start_workers(self) -> None:
        self._stack = ExitStack()
        variables = {"DJANGO_SETTINGS_MODULE": SETTINGS, "FARM_FOLDERS": str(self.folders)}
        self.supervisor = self._stack.enter_context(working(self.folders, **variables))

    def _start_web(self) -> None:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "FARM_DATABASE": str(connection.settings_dict["NAME"]),
            "FARM_FOLDERS": str(self.folders),
        }
        command = [sys.executable, "-m", "novaproject.web.run", "127.0.0.1", str(self.port)]
        self.web = psutil.Popen(command, env=environment)


class Visitor(threading.Thread):
    """Asks the web for one analysis after the other, which asks Bedrock and takes in what is done."""

    def __init__(self, port: int, nova_job_ids: list[int], chance: random.Random) -> None:
        super().__init__(daemon=True)
        user = User.objects.create_superuser("visitor")
        self.headers = {"Authorization": f"Token {AuthToken.objects.create(user)[1]}"}
        self.port, self.ids, self.chance = port, nova_job_ids, chance
        self.over = threading.Event()
        self.answers: Counter[int] = Counter()

    def run(self) -> None:
        while not self.over.wait(0.2):
            server = HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                server.request("GET", f"/api/nova/status/{self.chance.choice(self.ids)}", headers=self.headers)
                self.answers[server.getresponse().status] += 1
            except (OSError, HTTPException):  # killed, or not up yet
                continue
            finally:
                server.close()


def stage() -> int:
    """1 until Bedrock has the first batch, 2 until its results are taken in, then 3: kills are spread over them."""
    sent = BedrockBatch.objects.exclude(arn="")
    return 1 + sent.exists() + sent.filter(collected_at__isnull=False).exists()


def is_over() -> bool:
    return not NovaJob.objects.open().exists() and not BedrockBatch.objects.open().exists()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_clip_has_its_result_or_a_reason_and_nothing_is_paid_twice(
    aws: World, folders: Path, settings: Any, seed: int
) -> None:
    lower_minimum(aws, settings, MINIMUM)
    nova_jobs = make_clips()
    chance = random.Random(seed)
    aws.reset(speed=SPEED)
    aws.min_records = MINIMUM
    aws.plan = BatchPlan(errors=7, missing=5, duplicates=4, strangers=2, seed=seed)

    with Farm(folders, chance) as farm:
        visitor = Visitor(farm.port, [nova_job.pk for nova_job in nova_jobs], random.Random(seed))
        visitor.start()
        until(Job.objects.filter(kind=SEND_BATCH).exists, 60)
        begun = time.monotonic()
        while not is_over():
            assert time.monotonic() - begun < 200, "waited in vain"
            time.sleep(chance.uniform(0.05, 0.5))
            if sum(farm.killed.values()) < KILLS * stage() / 3:
                farm.kill_one()
            if any(job.status == "Completed" for job in list(aws.jobs.values())):
                aws.plan = BatchPlan()  # the second round goes well
        visitor.over.set()
        visitor.join(40)

    assert set(visitor.answers) == {200}
    for nova_job in nova_jobs:
        nova_job.refresh_from_db()
    states = Counter(nova_job.status for nova_job in nova_jobs)
    assert states == {"completed": CLIPS - BAD, "failed": BAD}, farm.killed
    assert all("corrupt" in nova_job.error for nova_job in nova_jobs[:BAD])
    assert AnalysisResult.objects.filter(is_current=True).count() == CLIPS - BAD
    assert len(aws.bill) == CLIPS - BAD
    assert_settled(aws)
    assert not Question.objects.open().exists()
    assert not Job.objects.active().filter(kind=BATCH_RECORD).exists()
    assert sum(farm.killed.values()) >= min(KILLS, 3), farm.killed
