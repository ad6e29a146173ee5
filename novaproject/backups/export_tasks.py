"""Both sides of the door to exporting in the background: ask for it, do it, and where what was written is fetched."""

import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse

from files import humanize
from files.storage import disk
from jobs.models import Job
from jobs.queue import enqueue
from jobs.registry import LONG, Kind, register
from jobs.work import Work
from novaproject.backups.exporting import exported_models, write_export

EXPORT = "export"
#: An export is for fetching: it is deleted by the next one after so long.
KEPT_S = 7 * 24 * 3600.0


def request_export(*, created_by: AbstractBaseUser | None = None) -> Job:
    """Ask for everything that the library knows. Joins an export that waits or runs."""
    return enqueue(EXPORT, created_by=created_by)


def permissions() -> list[str]:
    """What whoever exports must be allowed to see: every kind of row that is written."""
    return [f"{model._meta.app_label}.view_{model._meta.model_name}" for model in exported_models()]


def path_of(job_id: int) -> Path:
    """Where the export of this job lies, if it is there."""
    folder: Path = settings.DATA_DIR / "exports"
    return folder / f"export-{job_id}.jsonl"


def address_of(job_id: int) -> str:
    """Where the export of this job is fetched; empty once it was deleted."""
    return reverse("export-download", args=[job_id]) if path_of(job_id).is_file() else ""


def run_export(work: Work) -> str:
    """The body of `export`."""
    path = path_of(work.job_id)
    disk.make_dir(path.parent)
    for old in path.parent.iterdir():
        if old == path or old.stat().st_mtime < time.time() - KEPT_S:
            disk.remove(old)
    rows = write_export(path, progress=work.progress)
    return f"{rows:,} rows, {humanize.size(path.stat().st_size)}"


def register_export() -> None:
    """Make this kind of work known. Called in `AppConfig.ready()`."""
    register(
        Kind(
            name=EXPORT,
            label="Export the library",
            queue=LONG,
            run=run_export,
            permission="files.view_file",
            limit=1,
            needs_free_disk=True,
            download=address_of,
        )
    )
