"""Thirty proxies while workers, sentinels and ffmpeg are killed: each is made once, whole, and nothing is left over."""

import os
import random
import shutil
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from pytest_django import Settings

from files.importing.directories import import_directory
from files.media.probe import probe
from files.models import File, Proxy
from files.tasks_media import MAKE_PROXY
from jobs import queue
from jobs.models import Job
from tests.jobs.workers import gone, sentinels, until, working
from tests.media import make_clip

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="dying with one's parent is Linux's"),
]

CLIPS, CLIP_S, KILLS = 30, 2.0, 10
#: `make chaos-library` gives more seeds.
SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").replace(",", " ").split()]


def make_library(folder: Path) -> None:
    """Clips of the same picture whose bytes differ: an ISO `free` box at the end is skipped by every reader."""
    first = make_clip(folder / "clip-00.mp4", seconds=CLIP_S, size="480x270")
    for number in range(1, CLIPS):
        copy = folder / f"clip-{number:02}.mp4"
        shutil.copyfile(first, copy)
        with copy.open("ab") as file:
            file.write((16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))


def victims(supervisor: psutil.Process) -> dict[str, list[psutil.Process]]:
    """What may be killed now."""
    found: dict[str, list[psutil.Process]] = {"ffmpeg": [], "worker": [], "sentinel": []}
    for process in supervisor.children(recursive=True):
        try:
            if "ffmpeg" in process.name():
                found["ffmpeg"].append(process)
        except psutil.NoSuchProcess:
            continue
    for sentinel in sentinels(supervisor).values():
        found["sentinel"].append(sentinel)
        found["worker"] += sentinel.children()[: settings.LONG_WORKERS]
    return {name: processes for name, processes in found.items() if processes}


def kill_one(supervisor: psutil.Process, chance: random.Random) -> None:
    """Kill one of them; each sort is as likely as the others."""
    alive: dict[str, list[psutil.Process]] = {}

    def found() -> bool:
        alive.update(victims(supervisor))
        return bool(alive)

    until(found)
    sort = chance.choice(sorted(alive))
    try:
        chance.choice(alive[sort]).kill()
    except psutil.NoSuchProcess:
        return


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_thirty_proxies_survive_ten_kills(seed: int, folders: Path, settings: Settings) -> None:
    settings.IMPORT_SETTLE_S = 0.0
    settings.IMPORT_STEPS = []
    make_library(folders / "library")
    import_directory(folders / "library")
    batch = queue.create_batch("Make 30 proxies", "proxy")
    queue.enqueue_many(MAKE_PROXY, File.objects.values_list("pk", flat=True), batch=batch)
    chance = random.Random(seed)

    with working(folders, FARM_FOLDERS=str(folders)) as supervisor:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.8))
            kill_one(supervisor, chance)
        until(lambda: not batch.jobs.filter(state__in=Job.ACTIVE).exists(), 120)
        family = supervisor.children(recursive=True)
    gone(family)

    assert list(batch.jobs.exclude(state="succeeded").values_list("state", "error")) == []
    proxies = list(Proxy.objects.all())
    assert len({proxy.file_id for proxy in proxies}) == len(proxies) == CLIPS
    on_disk = {path.name for path in (folders / "proxy_video").iterdir()}
    assert on_disk == {proxy.path for proxy in proxies}
    for proxy in proxies:
        copy = probe(folders / "proxy_video" / proxy.path)
        assert copy.duration_s == pytest.approx(CLIP_S, abs=0.2)
    assert list((folders / "data").rglob("*.part")) == []
