"""A batch of thousands: staging clips and records, and collecting results, against the stand-in.

    make bench-nova              2,500 and 5,000 clips staged; 5,000 and 10,000 results collected
    make bench-nova FULL=1       twice as many

The stand-in runs in a process of its own, so that the memory told here is ours. Ends with a JSON line: `staging_time`
and `collecting_time` are the larger run over the smaller (2 is linear), `*_memory_mb` what the larger one added, and
`writes_per_result` the database statements of collecting.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

#: Issue 5: the time for 10,000 over the time for 5,000.
LINEAR, FLAT_MB, WRITES = 2.3, 64.0, 0.5
MODEL = "us.amazon.nova-2-lite-v1:0"
CHUNK = 500
POLLS, POLL_S = 1200, 0.5


@dataclass
class Run:
    """What one round took."""

    count: int
    seconds: float = 0.0
    memory_mb: float = 0.0
    writes: int = 0


@contextmanager
def measured(run: Run) -> Iterator[None]:
    """Seconds, and how much memory was added at the highest."""
    process, over = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    start = time.perf_counter()
    yield
    run.seconds = time.perf_counter() - start
    over.set()
    watcher.join()
    run.memory_mb = (peak - before) / 1e6


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


def set_up(folder: Path) -> None:
    """Django with a database of our own."""
    os.environ.update(
        NOVAPROJECT_ENV_FILE="",
        SECRET_KEY="bench",
        DATA_DIR=str(folder),
        DATABASE_URL=f"sqlite:///{folder / 'bench.db'}",
        LOG_LEVEL="ERROR",
        DJANGO_SETTINGS_MODULE="novaproject.settings",
        AWS_EC2_METADATA_DISABLED="true",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def stage(count: int, clip: Path) -> Run:
    """Upload `count` clips and their records."""
    from bedrock import converse, staging
    from bedrock.batch_files import BatchFolder

    run, folder = Run(count), BatchFolder(staging.new_id())
    ids = [staging.new_id() for _ in range(count)]
    with measured(run):
        staging.upload_many((clip, folder.video_key(one)) for one in ids)
        folder.write_records(
            (one, converse.batch_body(converse.Question(runtime_id=MODEL, text="?", video_uri=folder.video_uri(one))))
            for one in ids
        )
    folder.clear()
    return run


def collect(count: int) -> Run:
    """Reserve `count` questions, let the stand-in answer them, and take the answers in."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bedrock import batch_api, batch_files, converse, ledger, staging
    from bedrock.batch_files import BatchFolder
    from bedrock.models import Entry

    run, folder = Run(count), BatchFolder(staging.new_id())
    ids = [staging.new_id() for _ in range(count)]
    _reserve(ids)
    body = converse.batch_body(converse.Question(runtime_id=MODEL, text="Say what a chapter is. " * 40))
    folder.write_records((one, body) for one in ids)
    job = batch_api.create(folder.new_job(client_token=folder.name, runtime_id=MODEL))
    remote = _wait(job)
    with CaptureQueriesContext(connection) as queries, measured(run):
        some: dict[str, Any] = {}
        for record in batch_files.read_output(remote):
            some[record.record_id] = record.reply
            if len(some) == CHUNK:
                _take_in(some, Entry, ledger)
        _take_in(some, Entry, ledger)
    run.writes = sum(query["sql"].startswith(("UPDATE", "INSERT")) for query in queries.captured_queries)
    settled = Entry.objects.filter(holder__in=ids[:CHUNK], state="settled").count()
    assert settled == min(CHUNK, count), f"only {settled} were settled"
    return run


def _reserve(ids: list[str]) -> None:
    from bedrock import catalogue, ledger
    from bedrock.pricing import Range, estimate

    price = catalogue.price(catalogue.model("lite"), "batch")
    worst = estimate(price=price, input_tokens=Range(low=0, high=500), output_tokens=Range(low=0, high=500)).usd_high
    facts: dict[str, Any] = {"purpose": "analysis", "model_key": "lite", "mode": "batch", "price": price, "usd": worst}
    ledger.reserve_many([ledger.Ask(question=one, holder=one, **facts) for one in ids])


def _wait(arn: str) -> Any:
    from bedrock import batch_api

    for _ in range(POLLS):
        remote = batch_api.get(arn)
        if remote.is_over:
            break
        time.sleep(POLL_S)
    assert remote.status == "Completed", f"{remote.status}: {remote.message}"
    return remote


def _take_in(some: dict[str, Any], entries: Any, ledger: Any) -> None:
    rows = entries.objects.filter(question__in=list(some))
    ledger.settle_many([(row, some[row.question].usage) for row in rows])
    some.clear()


def run(sizes: tuple[int, int, int]) -> dict[str, Any]:
    small, middle, large = sizes
    with tempfile.TemporaryDirectory(prefix="bench-nova-") as place, standin():
        set_up(Path(place))
        from tests.standin.media import tiny_mp4

        clip = Path(place) / "clip.mp4"
        clip.write_bytes(tiny_mp4(10) + bytes(20_000))
        stage(50, clip)
        collect(100)
        staged = [stage(count, clip) for count in (small, middle)]
        collected = [collect(count) for count in (middle, large)]
    for name, runs in (("staging", staged), ("collecting", collected)):
        for one in runs:
            rate = one.count / one.seconds
            print(f"{name:<10} {one.count:>7,} {one.seconds:7.2f} s {rate:8,.0f}/s  +{one.memory_mb:5.1f} MB")
    ratios = {
        "staging_time": staged[1].seconds / staged[0].seconds,
        "collecting_time": collected[1].seconds / collected[0].seconds,
        "staging_memory_mb": staged[1].memory_mb,
        "collecting_memory_mb": collected[1].memory_mb,
        "writes_per_result": collected[1].writes / large,
    }
    is_linear = max(ratios["staging_time"], ratios["collecting_time"]) <= LINEAR
    is_flat = max(ratios["staging_memory_mb"], ratios["collecting_memory_mb"]) <= FLAT_MB
    ok = is_linear and is_flat and ratios["writes_per_result"] <= WRITES
    return {"bench": "nova", "ok": ok, "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="twice as many")
    times = 2 if parser.parse_args().full else 1
    sizes = (2500 * times, 5000 * times, 10_000 * times)
    print(json.dumps(run(sizes) | {"cores": os.cpu_count(), "n": sizes[-1]}))


if __name__ == "__main__":
    main()
