"""Files with an original and a proxy that are as small as the stand-in takes, for tests of Nova."""

import hashlib
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils import timezone
from PIL import Image

from bedrock.models import Entry, month_of
from files.media.proxying import make_proxy
from files.models import File, Root
from files.storage.hashing import sampled_hash
from jobs.control import cancel
from jobs.execution.running import run_until_idle
from jobs.models import Job
from jobs.progress import NO_PROGRESS
from nova.questions.slots import slot
from tests.files.factories import make_file, make_proxy_row, make_root
from tests.standin.media import tiny_mp4


def make_clip(
    folder: Path, name: str = "a clip.mp4", *, root: Root | None = None, duration_s: float = 20.0, **fields: Any
) -> File:
    """A video whose original and 720p15 proxy are there."""
    folder.mkdir(parents=True, exist_ok=True)
    root = root or make_root(folder)
    original = folder / name
    original.write_bytes(tiny_mp4(duration_s, seed=f"original of {fields.pop('seed', name)}"))
    facts = original.stat()
    file = make_file(
        root,
        name,
        duration_s=duration_s,
        size_bytes=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        sampled_hash=sampled_hash(original),
        **fields,
    )
    content = tiny_mp4(duration_s, seed=f"proxy of {file.sampled_hash}")
    proxy = make_proxy_row(file, size_bytes=len(content), source_hash=file.sampled_hash)
    (settings.PROXY_DIR / proxy.path).write_bytes(content)
    return file


def make_picture(folder: Path, name: str = "a picture.jpg", *, root: Root | None = None, **fields: Any) -> File:
    """A photograph whose poster is there, as an import leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    root = root or make_root(folder)
    original = folder / name
    colour = tuple(hashlib.sha256(name.encode()).digest()[:3])
    Image.new("RGB", (64, 36), colour).save(original, "JPEG")
    facts = original.stat()
    file = make_file(
        root,
        name,
        media_type=File.MediaType.IMAGE,
        duration_s=None,
        size_bytes=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        sampled_hash=sampled_hash(original),
        **fields,
    )
    make_proxy(file)
    return file


def leave_of_the_cap(settings: Any, usd: str, cap: str = "5") -> Entry:
    """So much is left of a cap that has room for any call: the rest of it is spent this month."""
    settings.NOVA_MONTHLY_BUDGET_USD = cap
    return Entry.objects.create(
        question="spent",
        purpose="speech",
        model_key="sonic_2",
        mode="realtime",
        month=month_of(timezone.now()),
        state=Entry.State.SETTLED,
        counted_usd=Decimal(cap) - Decimal(usd),
    )


def work_off() -> None:
    """Do all jobs, also those that back off, until none is left that will run."""
    while run_until_idle():
        Job.objects.queued().update(run_after="2020-01-01T00:00:00Z")


def cancelled_while_another_calls(job: Job) -> None:
    """A worker starts this job of asking Lite, has to wait for its turn, and is asked to stop."""
    with slot("lite", NO_PROGRESS):
        worker = threading.Thread(target=_work_off_in_thread)
        worker.start()
        while not Job.objects.filter(pk=job.pk, message__startswith="Asking").exists():
            assert worker.is_alive()
        cancel(Job.objects.get(pk=job.pk))
        worker.join(10)
        assert not worker.is_alive()


def _work_off_in_thread() -> None:
    try:
        work_off()
    finally:
        connections.close_all()
