"""An hour of footage through the whole free line: what each step costs, and what limits it.

`MINUTES` (default 60) of clips are made, imported, and every job that follows is done in this process, one after the
other. For each kind of job: how many, the seconds that it took, the processor seconds of this process and its children,
and for how many hours of footage an hour of one worker is enough. A step that takes more processor seconds than seconds
uses several processors; one that takes fewer waits, for a disk or a model.
"""

import json
import os
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from bench.served import environment_in

CLIP_MINUTES = 5


def cpu_s() -> float:
    """Processor seconds of this process and of the children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def make_clips(folder: Path, minutes: float) -> None:
    """Moving pictures with a cut every few seconds and a tone, 1280x720, in clips of at most five minutes."""
    from files.media import ffmpeg

    for number in range(max(1, round(minutes / CLIP_MINUTES))):
        seconds = str(min(CLIP_MINUTES, minutes) * 60)
        pictures = f"mandelbrot=size=1280x720:rate=25:start_scale={3 / (number + 1)}"
        inputs = ["-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", f"sine=frequency={220 + 40 * number}"]
        coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
        ffmpeg.run([*inputs, "-t", seconds, *coding, str(folder / f"clip-{number}.mp4")])


def main() -> None:
    """Print a table and one JSON line."""
    minutes = float(os.environ.get("MINUTES", "60"))
    with tempfile.TemporaryDirectory(prefix="novaproject-line-") as folder:
        os.environ.update(environment_in(folder))
        import django

        django.setup()
        from django.core.management import call_command

        from files.import_tasks import import_now
        from jobs import registry
        from jobs.execution import claims, running

        call_command("migrate", verbosity=0)
        originals = Path(folder) / "originals"
        originals.mkdir()
        make_clips(originals, minutes)
        took: dict[str, list[float]] = defaultdict(list)
        used: dict[str, float] = defaultdict(float)
        failed: dict[str, str] = {}
        began, before = time.perf_counter(), cpu_s()
        import_now(originals)
        took["import"].append(time.perf_counter() - began)
        used["import"] = cpu_s() - before
        while job := next(filter(None, map(claims.claim, registry.QUEUES)), None):
            began, before = time.perf_counter(), cpu_s()
            running.perform(job)
            took[job.kind].append(time.perf_counter() - began)
            used[job.kind] += cpu_s() - before
            job.refresh_from_db()
            if job.error:
                failed[job.kind] = job.error
    print(f"{'':20} {'jobs':>5} {'seconds':>9} {'processor s':>12} {'hours an hour':>14}")
    for kind, seconds in sorted(took.items(), key=lambda row: -sum(row[1])):
        whole = sum(seconds)
        print(f"{kind:20} {len(seconds):5} {whole:9.1f} {used[kind]:12.1f} {minutes * 60 / whole:14.1f}")
    for kind, error in failed.items():
        print(f"{kind} failed: {error}")
    slowest = max(took, key=lambda kind: sum(took[kind]))
    print(f"The limit is {slowest}.")
    ratios = {kind: round(used[kind] / minutes, 2) for kind in took}
    outcome = {"ok": not failed, "ratios": ratios, "limit": slowest}
    print(json.dumps({"bench": "line", **outcome, "cores": os.cpu_count(), "n": minutes}))


if __name__ == "__main__":
    main()
