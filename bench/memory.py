"""What the library takes while nobody uses it: processes, memory (PSS) and processor time, before and after some work.

It starts `manage.py serve` on an empty library in a folder of its own, waits until nothing happens, and measures. Then
it imports the demonstration clips, waits until the workers have ended, opens pages, and measures again. `MINUTES`
(default 1) is how long the processor time of an idle library is watched.
"""

import json
import os
import tempfile
import time

from bench.served import cpu_s, family, measured, served, wait_until_idle

MOST_PROCESSES, MOST_IDLE_MB, MOST_IDLE_CPU_S = 6, 300, 20
PAGES = ("/api/health", "/api/files", "/api/jobs", "/api/search?q=lake", "/api/nova/models", "/api/proxies")


def main() -> None:
    """Print a table and one JSON line."""
    minutes = float(os.environ.get("MINUTES", "1"))
    with (
        tempfile.TemporaryDirectory(prefix="novaproject-memory-") as folder,
        served(folder, JOB_IDLE_SECONDS="10") as library,
    ):
        wait_until_idle(library.pid)
        idle = measured(library.pid, "idle")
        before = cpu_s(family(library.pid))
        time.sleep(minutes * 60)
        hour_s = (cpu_s(family(library.pid)) - before) * 60 / minutes
        print(f"an idle hour: {hour_s:.1f} s of processor time")
        library.manage("set_up")  # imports the demonstration clips
        time.sleep(5)
        peak = measured(library.pid, "at work")
        wait_until_idle(library.pid)
        for path in PAGES:
            library.ask(path)
        time.sleep(360)  # the model that embeds questions goes after five minutes
        after = measured(library.pid, "idle again")
    ratios = {
        "idle_mb": idle["mb"],
        "idle_processes": idle["processes"],
        "idle_hour_cpu_s": round(hour_s, 1),
        "work_mb": peak["mb"],
        "after_mb": after["mb"],
    }
    is_ok = idle["processes"] <= MOST_PROCESSES and max(idle["mb"], after["mb"]) <= MOST_IDLE_MB
    is_ok = is_ok and hour_s <= MOST_IDLE_CPU_S
    print(json.dumps({"bench": "memory", "ok": is_ok, "ratios": ratios, "cores": os.cpu_count(), "n": 1}))


if __name__ == "__main__":
    main()
