"""Both sides of the door to removing, restoring and deleting many files: a few at once, more in the background."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from files import humanize
from files.import_tasks import FollowUp
from files.models import File, FileQuerySet, Root
from files.upkeep.removing import deletable, delete_for_good, remove_file, restore_file
from jobs import control
from jobs.models import Batch, Job
from jobs.queue import create_batch, enqueue_many
from jobs.registry import FAST, Kind, register
from jobs.work import Work

REMOVE_FILE, RESTORE_FILE, DELETE_UPLOAD = "remove_file", "restore_file", "delete_upload"
#: One takes 20 to 80 ms: a person waits a few seconds for so many, and an hour's worth of thousands is no page load.
AT_ONCE = 50
#: After imports and whatever else a person waits for.
PRIORITY = -10


def request_removal(files: FileQuerySet, *, created_by: AbstractBaseUser | None = None) -> Batch:
    """Ask for all of these to leave the library."""
    return _request(REMOVE_FILE, "Remove {files} from the library", files, created_by)


def request_restoring(files: FileQuerySet, *, created_by: AbstractBaseUser | None = None) -> Batch:
    """Ask for all of these to come back; their proxies are made in the same batch."""
    return _request(RESTORE_FILE, "Restore {files}", files, created_by)


def remove_root(root: Root, *, created_by: AbstractBaseUser | None = None) -> Batch:
    """Take a folder out of the library with all its files. Nothing in it is touched, and it can come back."""
    with transaction.atomic():
        Root.objects.filter(pk=root.pk).update(removed_at=timezone.now())
        return request_removal(File.objects.filter(root=root), created_by=created_by)


def restore_root(root: Root, *, created_by: AbstractBaseUser | None = None) -> Batch:
    """Bring a removed folder back, with the files that left with it; others that were removed before stay away."""
    left_at = root.removed_at
    with transaction.atomic():
        Root.objects.filter(pk=root.pk).update(removed_at=None)
        for job in Job.objects.queued().filter(kind=REMOVE_FILE, subject_id__in=root.files.values("pk")):
            control.cancel(job)
        gone = File.everything.in_trash().filter(root=root)
        return request_restoring(gone.filter(removed_at__gte=left_at) if left_at else gone, created_by=created_by)


def empty_trash(files: QuerySet[Any], *, created_by: AbstractBaseUser | None = None) -> int | Batch:
    """Delete the removed uploads among these for good: how many, or the batch that does it where they are many."""
    uploads = deletable(files)
    if uploads.count() > AT_ONCE:
        return _request(DELETE_UPLOAD, "Delete {files} for good", uploads, created_by)
    return sum(map(delete_for_good, uploads))


def _request(kind: str, label: str, files: QuerySet[Any], created_by: AbstractBaseUser | None) -> Batch:
    ids = list(files.order_by("pk").values_list("pk", flat=True))
    batch = create_batch(label.format(files=humanize.files(len(ids))), kind, created_by=created_by)
    enqueue_many(kind, ids, {}, batch=batch, priority=PRIORITY, created_by=created_by)
    return batch


def run_removal(work: Work) -> str:
    """The body of `remove_file`."""
    file = File.objects.select_related("root").filter(pk=work.subject).first()
    if file is None:
        return "It had left the library already."
    remove_file(file, by_job=work.job_id)
    return "Its bytes are in the trash." if file.root.is_uploads else "The original stays where it is."


def run_restoring(work: Work) -> str:
    """The body of `restore_file`."""
    file = File.everything.select_related("root").filter(pk=work.subject).first()
    if file is None or file.removed_at is None:
        return "There is nothing to restore."
    job = Job.objects.select_related("created_by").get(pk=work.job_id)
    follow_up = FollowUp(f"Restore {file.name}", make_proxies=True, created_by=job.created_by)
    follow_up.batch = job.batches.first()
    restore_file(file, arrived=follow_up)
    return "It is in the library again."


def run_deletion(work: Work) -> str:
    """The body of `delete_upload`."""
    file = File.everything.filter(pk=work.subject).first()
    if file is None:
        return "It was deleted already."
    return "Deleted for good." if delete_for_good(file) else "It is in the library again, and stays."


def register_removal() -> None:
    """Make these kinds of work known. Called in `AppConfig.ready()`."""
    for name, label, run in (
        (REMOVE_FILE, "Remove from the library", run_removal),
        (RESTORE_FILE, "Restore", run_restoring),
        (DELETE_UPLOAD, "Delete for good", run_deletion),
    ):
        register(Kind(name=name, label=label, queue=FAST, run=run, subject_kind="file", permission="files.delete_file"))
