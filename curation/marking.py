"""Moments: marking a range of seconds of a file, changing it, removing it."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from curation.errors import BadMomentError
from curation.models import Moment
from curation.searchable import index_moments
from curation.tagging import tags_named
from files.models import File

#: Containers round their duration: a range that ends so little after it is meant to end with the file.
END_SLACK_S = 1.0


def mark_moment(file: File, *, start_s: float, end_s: float, tags: Sequence[str] = (), **said: Any) -> Moment:
    """Mark a range of a file; `said` are `name`, `note`, `rating`, `favourite`. Raises BadMomentError."""
    moment = Moment(file=file, start_s=start_s, end_s=_checked_end(file, start_s, end_s), **said)
    with transaction.atomic():
        moment.save(force_insert=True)
        moment.tags.set(tags_named(tags))
        index_moments([file.pk])
    return moment


def change_moment(moment: Moment, *, tags: Sequence[str] | None = None, **changes: Any) -> Moment:
    """Change what is named here of a moment. Raises BadMomentError."""
    for name, value in {**changes, "updated_at": timezone.now()}.items():
        setattr(moment, name, value)
    moment.end_s = _checked_end(moment.file, moment.start_s, moment.end_s)
    with transaction.atomic():
        moment.save()
        if tags is not None:
            moment.tags.set(tags_named(tags))
        index_moments([moment.file_id])
    return moment


def remove_moment(moment: Moment) -> None:
    """Delete a moment; it leaves the collections that it is in."""
    file_id = moment.file_id
    with transaction.atomic():
        moment.delete()
        index_moments([file_id])


def _checked_end(file: File, start_s: float, end_s: float) -> float:
    if not file.is_playable:
        raise BadMomentError("A picture has no seconds.", remedy="Tag the file instead.", field="file_id")
    if not 0 <= start_s < end_s:
        raise BadMomentError("A moment ends after it begins.", remedy="Give start_s and end_s.", field="end_s")
    if file.duration_s is None:
        return end_s
    if start_s >= file.duration_s or end_s > file.duration_s + END_SLACK_S:
        raise BadMomentError(
            f"The file is {file.duration_s:g} s long.", remedy="Choose seconds inside it.", field="end_s"
        )
    return min(end_s, file.duration_s)
