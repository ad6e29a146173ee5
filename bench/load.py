"""Eight clients on a large library while the workers work: how long they wait, what fails, and the memory afterwards.

`FILES` (default 100,000, each with a chunk) are rows alone; the workers make proxies of a clip of their own, again and
again. `MINUTES` (default 30) is how long it lasts. The goals: no answer fails, and afterwards the library takes at most
600 MB (PSS, what is shared divided among those who share it).
"""

import itertools
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections import defaultdict

from bench import size
from bench.served import Served, measured, served

CLIENTS = 8
MOST_MB = 600
ADDRESSES = (
    "/api/search?q={word}&mode=keyword",
    "/api/search?q={word}+by+the+sea",
    "/api/files?page={page}",
    "/api/files?has_transcript=true&ordering=name&page={page}",
    "/api/files/{id}",
    "/api/transcripts?file_id={id}",
    "/api/jobs",
    "/api/proxies?page={page}",
    "/api/nova/jobs",
    "/api/health",
)


def client(library: Served, files: int, until: float, times: dict[str, list[float]], failures: list[str]) -> None:
    """Ask for one address after the other until the time is over."""
    chance = random.Random(threading.get_ident())
    while time.monotonic() < until:
        address = chance.choice(ADDRESSES)
        values = {
            "word": chance.choice(size.WORDS),
            "page": chance.randint(1, 50),
            "id": chance.randint(1, files),
        }
        status, seconds, _ = library.ask(address.format(**values), 60.0)
        times[address].append(seconds)
        if status != 200:
            failures.append(f"{status} {address}")


def keep_working(library: Served, until: float) -> None:
    """Let the workers import and convert the demonstration clips, again and again."""
    library.manage("set_up")
    for profile in itertools.cycle(("240p10", "360p10", "480p10")):
        if time.monotonic() > until:
            return
        library.manage("make_proxies", "--background", "--stale", "--profile", profile)
        time.sleep(20)


def main() -> None:
    """Print a table and one JSON line."""
    files, minutes = int(os.environ.get("FILES", "100000")), float(os.environ.get("MINUTES", "30"))
    size.PER_FILE = 1
    times: dict[str, list[float]] = defaultdict(list)
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="novaproject-load-") as folder, served(folder) as library:
        library.set_up_here()
        size.fill(range(1, files + 1))
        idle = measured(library.pid, "before")
        until = time.monotonic() + minutes * 60
        threads = [
            threading.Thread(target=client, args=(library, files, until, times, failures)) for _ in range(CLIENTS)
        ]
        worker = threading.Thread(target=keep_working, args=(library, until), daemon=True)
        for thread in (*threads, worker):
            thread.start()
        for thread in threads:
            thread.join()
        after = measured(library.pid, "under load")
    for address, seconds in sorted(times.items()):
        ordered = sorted(seconds)
        middle, late = statistics.median(seconds) * 1000, ordered[int(len(ordered) * 0.95)] * 1000
        print(f"{address:58} {len(seconds):6,} times  median {middle:6.0f} ms  95 % {late:6.0f} ms")
    for failure in sorted(set(failures)):
        print(f"failed {failures.count(failure)} times: {failure}")
    ratios = {"before_mb": idle["mb"], "after_mb": after["mb"], "failed": len(failures), "minutes": minutes}
    is_ok = not failures and after["mb"] <= MOST_MB
    print(json.dumps({"bench": "load", "ok": is_ok, "ratios": ratios, "cores": os.cpu_count(), "n": files}))


if __name__ == "__main__":
    main()
