"""The action “Remove from the library”, for a selection: what it does and does not, said before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from files import humanize
from files.models import File, FileQuerySet
from files.removal_tasks import PRIORITY, REMOVE_FILE, request_restoring
from files.selection.facets import Action, ActionPlan
from jobs.control import cancel_batch
from jobs.queue import enqueue_many

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch


class RemovalOptions(serializers.Serializer[Any]):
    """Nothing to choose."""


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    total = selection.count()
    uploads = selection.order_by().filter(root__is_uploads=True).count()
    words = ["They no longer appear in search. Transcripts, analyses, tags and notes are kept for their return."]
    if total - uploads:
        words.append(f"{humanize.files(total - uploads)}: the original stays where it is, untouched.")
    if uploads:
        words.append(f"{humanize.uploads(uploads)}: moved to the trash.")
    return ActionPlan(total=total, todo=total, warnings=words)


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    ids = list(selection.order_by("pk").values_list("pk", flat=True))
    enqueue_many(REMOVE_FILE, ids, {}, batch=batch, priority=PRIORITY, created_by=user)


def undo(batch: "Batch", user: "User | None") -> str:
    """Bring back what this batch removed, and let the rest of it stay."""
    cancel_batch(batch)
    jobs = batch.jobs.filter(kind=REMOVE_FILE).values("subject_id")
    removed = File.everything.in_trash().filter(pk__in=jobs, removed_at__gte=batch.created_at)
    count = removed.count()
    if not count:
        return "Undone: nothing had been removed yet."
    request_restoring(removed, created_by=user)
    return f"Undone: {humanize.files(count)} {'is' if count == 1 else 'are'} on the way back to the library."


REMOVE = Action(
    name="remove",
    label="Remove from the library",
    job_kind=REMOVE_FILE,
    options=RemovalOptions,
    permission="files.delete_file",
    plan=plan,
    start=start,
    undo=undo,
    batch_label="Remove {files} from the library",
)
