"""Doing something to a selection of files: what it would do, and doing it. Used by API, admin, pages and commands."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Sum
from rest_framework import serializers

from files.errors import ActionRefusedError, NeverSendError, SelectionError
from files.models import FileQuerySet
from files.selection.facets import Action, ActionPlan, actions
from files.selection.pace import expected_s
from files.selection.pieces import get_action, request_pieces
from jobs.kept_answers import kept
from jobs.queue import create_batch

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

#: The reason of what lies in folders that are never sent to AWS.
NEVER_SEND = "never_send"


def estimate(name: str, selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """What the action would do to the selection. Raises DRF's ValidationError for options that are wrong."""
    action = get_action(name)
    cleaned = clean_options(action, options)
    sendable, left_out = _sendable(action, selection, cleaned)
    plan = action.plan(sendable, cleaned)
    rows = sendable.order_by()
    sums = kept(rows.values("pk"), "bytes", lambda: rows.aggregate(total=Sum("size_bytes")))
    size_bytes = (sums["total"] or 0) * plan.todo / plan.total if plan.total else 0
    return replace(plan, left_out=left_out, expected_s=expected_s(action.job_kind, size_bytes))


def start_action(
    name: str, selection: FileQuerySet, options: Mapping[str, Any], *, user: "User | None" = None
) -> "Batch":
    """Do it: the batch of jobs that were enqueued; for more files than the action begins at once, piece by piece by the
    workers. `user` is None where a person with a shell asks.

    Raises ActionRefusedError with the action's own words, PermissionDenied, SelectionError for an empty selection.
    """
    action = get_action(name)
    if user is not None and not user.has_perm(action.permission):
        raise PermissionDenied(f"“{action.label}” needs the permission {action.permission}.")
    cleaned = clean_options(action, options)
    selection, left_out = _sendable(action, selection, cleaned)
    plan = action.plan(selection, cleaned)
    if any(group["reason"] == NEVER_SEND for group in left_out) and not plan.total:
        raise NeverSendError("All of these files lie in folders that are never sent to AWS.")
    if plan.refusals:
        raise ActionRefusedError(" ".join(plan.refusals))
    if not plan.total:
        raise SelectionError("No file is selected.", remedy="Choose files, or widen the filter.")
    with transaction.atomic():
        batch = create_batch(
            action.label,
            action.name,
            created_by=user,
            options={**cleaned, **({"left_out": left_out} if left_out else {})},
        )
        if plan.total > action.piece:
            request_pieces(action, list(selection.order_by().values_list("pk", flat=True)), cleaned, batch, user)
            batch.label = action.label_for(plan.todo or plan.total)
            batch.save(update_fields=["label"])
            return batch
        action.begin(selection, cleaned, batch, user)
        # Known only now: what has it already is left out, and something may be done twice to one file.
        batch.label = action.label_for(batch.jobs.values("subject_kind", "subject_id").distinct().count())
        batch.save(update_fields=["label"])
    return batch


def can_be_undone(batch: "Batch") -> bool:
    """Whether what this batch did can be taken back."""
    return any(action.name == batch.action and action.undo is not None for action in actions())


def undo_batch(batch: "Batch", *, user: "User | None" = None) -> str:
    """Take back what an action did to a selection; what was done to these files since stays. Returns what was done.

    Raises ActionRefusedError where it cannot be taken back, PermissionDenied as the action itself.
    """
    undo = get_action(batch.action).undo if can_be_undone(batch) else None
    if undo is None:
        raise ActionRefusedError(f"“{batch.label}” cannot be undone.")
    if user is not None and not user.has_perm(get_action(batch.action).permission):
        raise PermissionDenied(f"This needs the permission {get_action(batch.action).permission}.")
    return undo(batch, user)


def _sendable(
    action: Action, selection: FileQuerySet, options: Mapping[str, Any]
) -> tuple[FileQuerySet, list[dict[str, Any]]]:
    """The files that the action may be done to, and how many it passes over: those of folders never sent to AWS, and
    what its options leave out.
    """
    left_out: list[dict[str, Any]] = []
    if action.sends(options):
        kept = selection.order_by().filter(root__never_send=True).count()
        selection = selection.exclude(root__never_send=True)
        left_out = [{"reason": NEVER_SEND, "count": kept}] if kept else []
    if action.narrow is not None:
        selection, also = action.narrow(selection, options)
        left_out += also
    return selection, left_out


def clean_options(action: Action, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their defaults, checked. Raises DRF's ValidationError, also for one that there is not:

    left out in silence, a mistyped `mode` would be paid for at twice the price.
    """
    serializer = action.options(data=dict(options))
    if unknown := sorted(set(options) - set(serializer.fields)):
        known = ", ".join(serializer.fields) or "none"
        raise serializers.ValidationError({name: [f"There is no such option. Known are: {known}."] for name in unknown})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
