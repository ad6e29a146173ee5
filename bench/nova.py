"""A batch of thousands: planning and staging records, and collecting results, against the stand-in.

    make bench-nova              2,500 and 5,000 records planned and staged; 5,000 and 10,000 results collected
    make bench-nova SMALL=1      a fifth of it

What is measured are the verbs that the workers run: `pool.send` and `sending.send_batch` (plan, prompts,
reservations, uploads, records, the call), then `collecting.collect` (stream, keep, settle, read, make results
current, clear up). What the floors above do with a result (chunks, full text) is not in it. The stand-in runs in a
process of its own, so that the memory told here is ours. Ends with a JSON line: `…_time` is the CPU time of the
larger run over that of the smaller (2 is linear; of our process, so that a busy machine does not matter), `…_memory`
its highest memory over that of the smaller, `statements_per_result` and `writes_per_result` are those of collecting.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

#: Issue 5: the time for 10,000 over the time for 5,000. Memory is flat when twice as much adds a tenth at most.
LINEAR, FLAT = 2.3, 1.1
CLIP_BYTES, CLIP_S = 20_000, 10.0
POLLS, POLL_S = 1200, 0.5
#: SQLite keeps pages up to a size that is set (64 MB in the app): small here, so that the verbs' own memory is seen.
CACHE_KB = 2048
WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Run:
    """What one round took."""

    count: int
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    statements: int = 0
    writes: int = 0
    _process: psutil.Process = field(default_factory=psutil.Process)

    def note(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Count a statement (Django's execute wrapper)."""
        self.statements += 1
        self.writes += sql.startswith(WRITES)
        return execute(sql, *rest)

    def look(self) -> None:
        """Our own memory: pages of the database's file, which SQLite maps, are the system's to take back."""
        held = self._process.memory_info()
        self.peak_mb = max(self.peak_mb, (held.rss - getattr(held, "shared", 0)) / 1e6)


@contextmanager
def measured(run: Run) -> Iterator[None]:
    """Seconds, statements, and the highest memory."""
    from django.db import connection

    connection.cursor().execute(f"PRAGMA cache_size=-{CACHE_KB}")
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            run.look()

    watcher = threading.Thread(target=watch, daemon=True)
    run.look()
    watcher.start()
    start, cpu_start = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(run.note):
        yield
    run.seconds, run.cpu_s = time.perf_counter() - start, time.process_time() - cpu_start
    over.set()
    watcher.join()


@contextmanager
def standin() -> Iterator[None]:
    """Both stand-ins in another process, their lines in our environment."""
    command = [sys.executable, "-m", "tests.standin", "--speed", "36000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("# Ctrl-C"):
                break
            name, _, value = line.strip().partition("=")
            if value:
                os.environ[name] = value
        try:
            yield
        finally:
            process.terminate()


def set_up(place: Path) -> None:
    """Django with a database and folders of our own."""
    for name in ("data", "proxy_video", "uploads"):
        (place / name).mkdir()
    os.environ.update(
        NOVAPROJECT_ENV_FILE="",
        SECRET_KEY="bench",
        DATA_DIR=str(place / "data"),
        PROXY_DIR=str(place / "proxy_video"),
        UPLOAD_DIR=str(place / "uploads"),
        DATABASE_URL=f"sqlite:///{place / 'data' / 'bench.db'}",
        LOG_LEVEL="ERROR",
        DJANGO_SETTINGS_MODULE="novaproject.settings",
        AWS_EC2_METADATA_DISABLED="true",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from nova.signals import analysis_ready

    analysis_ready.receivers = []


def make_waiting(count: int, clip: bytes) -> None:
    """Files with proxies whose analyses wait for a batch, each with its parked job."""
    from django.conf import settings

    from files.models import File, Proxy, Root
    from jobs.models import Job, fingerprint_of
    from nova.kinds import BATCH_RECORD
    from nova.models import NovaJob, Question
    from nova.questions.preparing import question_key
    from nova.types.registry import digest_of, resolve

    types = {one.name: digest_of(one, "standard") for one in resolve(["summary"])}
    start = File.everything.count()
    root, _ = Root.objects.get_or_create(path="/nowhere", defaults={"name": "nowhere"})
    facts = {
        "root": root,
        "media_type": "video",
        "mtime_ns": 0,
        "duration_s": CLIP_S,
        "size_bytes": 1,
        "state": "offline",
    }
    numbers = range(start, start + count)
    files = File.everything.bulk_create(
        [File(path=f"{n}.mp4", name=f"{n}.mp4", full_hash=f"{n:064x}", **facts) for n in numbers],
        batch_size=500,
    )
    for n in numbers:
        (Path(settings.PROXY_DIR) / f"{n}.mp4").write_bytes(clip + n.to_bytes(8, "big"))
    Proxy.objects.bulk_create(
        [Proxy(file=file, proxy_spec="720p15", path=file.path, size_bytes=len(clip) + 8) for file in files],
        batch_size=500,
    )
    options = {"summary_depth": "standard", "language": "auto"}
    asked = {"model": "lite", "mode": "batch", "status": "waiting", "analysis_types": ["summary"], "options": options}
    nova_jobs = NovaJob.objects.bulk_create([NovaJob(file=file, **asked) for file in files], batch_size=500)
    Question.objects.bulk_create(
        [
            Question(nova_job=nova_job, index=0, end_s=CLIP_S, content_key=f"{nova_job.pk:064x}", types=types,
                     key=question_key(f"{nova_job.pk:064x}", types))
            for nova_job in nova_jobs
        ],
        batch_size=500,
    )  # fmt: skip
    Job.objects.bulk_create(
        [
            Job(kind=BATCH_RECORD, queue="fast", subject_kind="nova_job", subject_id=nova_job.pk, state="running",
                is_parked=True, fingerprint=fingerprint_of(BATCH_RECORD, nova_job.pk, {}))
            for nova_job in nova_jobs
        ],
        batch_size=500,
    )  # fmt: skip


def _elsewhere(do: Callable[..., None], *arguments: Any) -> None:
    """In a process of its own, so that its memory is not counted here."""
    from django.db import connections

    connections.close_all()
    child = multiprocessing.get_context("fork").Process(target=do, args=arguments)
    child.start()
    child.join()
    assert child.exitcode == 0


def stage(count: int, clip: bytes) -> tuple[Run, Any]:
    """Plan, stage and send what waits."""
    from nova.batch import pool, sending

    _elsewhere(make_waiting, count, clip)
    run = Run(count)
    with measured(run):
        (batch,) = pool.send("lite")
        sending.send_batch(batch)
    assert batch.questions.filter(state="asked").count() == count
    return run, batch


def collect(batch: Any) -> Run:
    """Let the stand-in answer, and take the answers in."""
    from bedrock.errors import BusyError
    from nova.batch import collecting
    from nova.models import NovaJob

    for _ in range(POLLS):
        with suppress(BusyError):  # the stand-in answers all records inside of one poll, which may take minutes
            collecting.poll(batch, force=True)
        if batch.ended_at:
            break
        time.sleep(POLL_S)
    assert batch.remote_status == "Completed", f"{batch.remote_status}: {batch.remote_message}"
    before = NovaJob.objects.filter(status="completed").count()
    run = Run(batch.records_total)
    with measured(run):
        taken = collecting.collect(batch)
    assert taken == NovaJob.objects.filter(status="completed").count() - before == batch.records_total
    return run


def tell(name: str, one: Run) -> Run:
    """A line for people."""
    took = f"{one.seconds:7.1f} s, {one.cpu_s:6.1f} s of CPU {one.count / one.seconds:7,.0f}/s {one.peak_mb:6.0f} MB"
    each = f"{one.statements / one.count:5.1f} statements, {one.writes / one.count:4.1f} of them writes, for each"
    print(f"{name:<10} {one.count:>7,} {took}  {each}", flush=True)
    return one


def run(sizes: tuple[int, int, int]) -> dict[str, Any]:
    small, middle, large = sizes
    staged, collected = [], []
    with tempfile.TemporaryDirectory(prefix="bench-nova-") as place, standin():
        set_up(Path(place))
        from tests.standin.media import tiny_mp4

        clip = tiny_mp4(CLIP_S) + bytes(CLIP_BYTES)
        for count in (100, small, middle, large):  # the first one warms up
            staging, batch = stage(count, clip)
            staged.append(tell("staging", staging))
            collected.append(tell("collecting", collect(batch)))
    pairs = {"staging": staged[1:3], "collecting": collected[2:4]}
    ratios = {}
    for name, (less, more) in pairs.items():
        ratios[f"{name}_time"] = more.cpu_s / less.cpu_s
        ratios[f"{name}_memory"] = more.peak_mb / less.peak_mb
    ratios["statements_per_result"] = collected[-1].statements / large
    ratios["writes_per_result"] = collected[-1].writes / large
    is_linear = max(ratios["staging_time"], ratios["collecting_time"]) <= LINEAR
    is_flat = max(ratios["staging_memory"], ratios["collecting_memory"]) <= FLAT
    return {"bench": "nova", "ok": is_linear and is_flat, "ratios": {key: round(one, 3) for key, one in ratios.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a fifth of it")
    part = 5 if parser.parse_args().small else 1
    sizes = (2500 // part, 5000 // part, 10_000 // part)
    print(json.dumps(run(sizes) | {"cores": os.cpu_count(), "n": sizes[-1]}))


if __name__ == "__main__":
    main()
