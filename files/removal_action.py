"""The action “Remove from the library”, for a selection: what it does and does not, said before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from files import humanize
from files.models import FileQuerySet
from files.removal_tasks import PRIORITY, REMOVE_FILE
from files.selection.facets import Action, ActionPlan
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


REMOVE = Action(
    name="remove",
    label="Remove from the library",
    job_kind=REMOVE_FILE,
    options=RemovalOptions,
    permission="files.delete_file",
    plan=plan,
    start=start,
    batch_label="Remove {files} from the library",
)
