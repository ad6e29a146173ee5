"""How pages and lists grow with the library: each address at a tenth of the size and at the whole, in one run.

`FILES` (default 50,000) files with a proxy, a transcript of ten segments, an analysis, ten chunks and a job each:
medians of five requests through Django's own client. The goal is at most twice the time at ten times the size.
"""

import json
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

PER_FILE = 10
MOST = 2.0
ROUNDS = 5
#: Quicker than this in either case is no page's trouble.
NOISE_MS = 15.0
ADDRESSES = {
    "home": "/",
    "library": "/library/",
    "library, stale proxies": "/library/?has_stale_proxy=true",
    "library, without transcript": "/library/?has_transcript=false",
    "dialog for everything": "/library/do/transcribe/?all=1",
    "a file": "/files/7/",
    "jobs": "/jobs/",
    "api files": "/api/files",
    "api files, page 4": "/api/files?page=4",
    "api proxies": "/api/proxies",
    "api transcripts": "/api/transcripts",
    "api jobs": "/api/jobs",
    "api nova jobs": "/api/nova/jobs",
    "api search, words": "/api/search?q=tide&mode=keyword",
    "admin files": "/admin/files/file/",
    "admin proxies": "/admin/files/proxy/",
    "admin transcripts": "/admin/transcription/transcript/",
    "admin results": "/admin/nova/analysisresult/",
    "admin chunks": "/admin/embeddings/chunk/",
    "admin jobs": "/admin/jobs/job/",
}
WORDS = (
    "harbour",
    "train",
    "lantern",
    "bridge",
    "winter",
    "market",
    "orchard",
    "signal",
    "glacier",
    "violin",
    "compass",
)


def set_up(folder: str) -> None:
    """Django on an empty database in this folder."""
    places = {name: f"{folder}/{name}" for name in ("DATA_DIR", "UPLOAD_DIR", "PROXY_DIR")}
    os.environ.update(places, NOVAPROJECT_ENV_FILE="", SECRET_KEY=secrets.token_urlsafe(50), LOG_LEVEL="ERROR")
    os.environ["DJANGO_SETTINGS_MODULE"] = "novaproject.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS.append("testserver")
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)


def fill(numbers: range) -> None:
    """The rows of these files."""
    from embeddings.models import Chunk
    from embeddings.words import fts5
    from files.models import File, Proxy, Root
    from jobs.models import Job
    from nova.models import AnalysisResult, NovaJob
    from transcription.models import Segment, Transcript

    root, _ = Root.objects.get_or_create(path="/nowhere/library", defaults={"name": "library"})
    began = datetime(2026, 1, 1, tzinfo=UTC)

    def text(n: int) -> str:
        return f"{WORDS[n % len(WORDS)]} {WORDS[n // 7 % len(WORDS)]} number {n}" + (" tide" if n % 997 == 0 else "")

    def save(model: Any, rows: Iterator[Any]) -> None:
        model._default_manager.bulk_create(rows, batch_size=2000)

    video: dict[str, Any] = {"media_type": "video", "duration_s": 60.0, "size_bytes": 10**8, "mtime_ns": 1}
    everything = getattr(File, "everything")  # noqa: B009 - the manager that sees removed files too
    everything.bulk_create(
        (
            File(
                pk=n,
                root=root,
                path=f"day-{n // 100}/clip-{n}.mp4",
                name=f"clip-{n}.mp4",
                sampled_hash=f"{n:064x}",
                **video,
            )
            for n in numbers
        ),
        batch_size=2000,
    )
    save(Proxy, (Proxy(file_id=n, proxy_spec="720p15", path=f"clip_{n}_720p15.mp4", size_bytes=10**6) for n in numbers))
    save(
        Transcript,
        (
            Transcript(
                pk=n, file_id=n, provider="whisper", model="base", language="en", text=text(n), is_current=True,
                segment_count=PER_FILE, word_count=40, created_at=began + timedelta(minutes=n),
            )
            for n in numbers
        ),
    )  # fmt: skip
    spans = [(n, i) for n in numbers for i in range(PER_FILE)]
    save(
        Segment,
        (
            Segment(transcript_id=n, index=i, start_s=6.0 * i, end_s=6.0 * i + 5, text=text(n * PER_FILE + i))
            for n, i in spans
        ),
    )
    save(NovaJob, (NovaJob(pk=n, file_id=n, model="local", status="completed", mode="realtime") for n in numbers))
    save(
        AnalysisResult,
        (AnalysisResult(nova_job_id=n, file_id=n, type="summary", result={"summary": text(n)}) for n in numbers),
    )
    save(
        Chunk,
        (
            Chunk(
                file_id=n, source_kind="transcript", source_id=n, ordinal=i, start_s=6.0 * i, end_s=6.0 * i + 5,
                text=text(n * PER_FILE + i), content_hash=f"{n * PER_FILE + i:032x}",
            )
            for n, i in spans
        ),
    )  # fmt: skip
    save(
        Job,
        (
            Job(
                kind="make_proxy", subject_kind="file", subject_id=n, fingerprint=f"{n:064x}", queue="long",
                state="succeeded", progress=1.0, created_at=began + timedelta(minutes=n),
                finished_at=began + timedelta(minutes=n),
            )
            for n in numbers
        ),
    )  # fmt: skip
    fts5.rebuild()


def measure(client: Any) -> dict[str, float]:
    """Milliseconds of each address; infinite where it is not answered with 200."""
    from novaproject import table_statistics

    table_statistics.refresh()
    times = {}
    for name, address in ADDRESSES.items():
        answers, taken = [client.get(address)], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            answers.append(client.get(address))
            taken.append(time.perf_counter() - began)
        is_fine = all(answer.status_code == 200 for answer in answers)
        times[name] = statistics.median(taken) * 1000 if is_fine else float("inf")
    return times


def main() -> None:
    """Print a table and one JSON line."""
    whole = int(os.environ.get("FILES", "50000"))
    with tempfile.TemporaryDirectory(prefix="novaproject-size-") as folder:
        set_up(folder)
        from django.contrib.auth.models import User
        from django.test import Client

        client = Client()
        client.force_login(User.objects.create_superuser("bench"))
        fill(range(1, whole // 10 + 1))
        small = measure(client)
        fill(range(whole // 10 + 1, whole + 1))
        large = measure(client)
    ratios = {name: round(large[name] / small[name], 2) for name in ADDRESSES}
    slow = [name for name in ADDRESSES if not (ratios[name] <= MOST or large[name] <= NOISE_MS)]
    print(f"{'':30} {whole // 10:>9,}   {whole:>9,} files")
    for name in ADDRESSES:
        mark = "  more than twice" if name in slow else ""
        print(f"{name:30} {small[name]:6.0f} ms   {large[name]:6.0f} ms   {ratios[name]:5.2f}{mark}")
    print(json.dumps({"bench": "size", "ok": not slow, "ratios": ratios, "cores": os.cpu_count(), "n": whole}))


if __name__ == "__main__":
    main()
