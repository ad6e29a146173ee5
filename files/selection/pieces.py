"""Beginning an action for thousands of files: accepted at once, then enqueued piece by piece in the background.

The files are fixed when it is accepted. Each job of the batch that enqueues others does it in short transactions; so a
cancel of the batch ends what is left, and after a kill it goes on where it was.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction

from files.errors import UnknownActionError
from files.models import File
from files.selection.facets import Action, actions, annotate
from jobs import registry
from jobs.bulk import sliced
from jobs.counting import PIECE_SIZE
from jobs.models import Batch, Job
from jobs.queue import enqueue
from jobs.work import Work

if TYPE_CHECKING:
    from django.contrib.auth.models import User

START_PIECE = "start_piece"
#: A job begins so many files, in as many transactions as the action needs for it.
FILES_IN_A_JOB = 2000
#: Before what waits already: until it is enqueued nobody sees how much there is to do.
PRIORITY = 10


def get_action(name: str) -> Action:
    """The action of this name. Raises UnknownActionError."""
    known = {action.name: action for action in actions()}
    if name not in known:
        raise UnknownActionError(f"There is no action {name!r}.", remedy=f"Known are {', '.join(sorted(known))}.")
    return known[name]


def request_pieces(
    action: Action, ids: Sequence[int], options: Mapping[str, Any], batch: Batch, user: "User | None"
) -> None:
    """Let the workers begin the action for these files."""
    for piece in sliced(sorted(ids), max(action.piece, FILES_IN_A_JOB)):
        chosen = {"batch": batch.pk, "ids": as_spans(piece), PIECE_SIZE: len(piece)}
        wanted = {"action": action.name, "options": dict(options), **chosen}
        enqueue(START_PIECE, options=wanted, batch=batch, priority=PRIORITY, created_by=user)


def run_piece(work: Work) -> str:
    """The body of `start_piece`. After a kill it goes on with what it had not begun."""
    wanted = work.options
    action, batch = get_action(wanted["action"]), Batch.objects.get(pk=wanted["batch"])
    ids = [number for first, last in wanted["ids"] for number in range(first, last + 1)]
    job = Job.objects.select_related("created_by").get(pk=work.job_id)
    user: Any = job.created_by if isinstance(job.created_by, get_user_model()) else None
    for start in range(0, len(ids), action.piece):
        piece, left = ids[start : start + action.piece], ids[start + action.piece :]
        with transaction.atomic():
            action.begin(annotate(File.objects.filter(pk__in=piece)), wanted["options"], batch, user)
            # In the same transaction: what is begun is not begun again, should this process die before it says so.
            Job.objects.filter(pk=work.job_id).update(options={**wanted, "ids": as_spans(left), PIECE_SIZE: len(left)})
        work.progress.update(1 - len(left) / len(ids))
    return f"Asked for {len(ids):,} files."


def as_spans(ids: Sequence[int]) -> list[list[int]]:
    """Ascending ids as `[first, last]` of each unbroken run: a whole library is one or a few."""
    starts = [ids[0], *(after for before, after in pairwise(ids) if after != before + 1)] if ids else []
    ends = [*(before for before, after in pairwise(ids) if after != before + 1), ids[-1]] if ids else []
    return [list(span) for span in zip(starts, ends, strict=True)]


def register_pieces() -> None:
    """Make the kind known. Called in `AppConfig.ready()`."""
    registry.register(
        registry.Kind(
            name=START_PIECE,
            label="Enqueue",
            queue=registry.FAST,
            run=run_piece,
            permission="jobs.change_job",
            is_enqueuing=True,
        )
    )
