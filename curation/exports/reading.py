"""Reads what is exported: the items of a collection, or the files of a selection, as clips."""

from collections.abc import Iterable

from curation.errors import EmptyCollectionError
from curation.exports.clip import Clip, ClipList
from curation.models import Collection, Moment
from files.models import File, FileQuerySet
from files.selection import fields


def of_collection(collection: Collection) -> ClipList:
    """Raises NothingToExportError."""
    items = list(
        collection.items.filter(file__removed_at=None)
        .select_related("file__root", "moment")
        .prefetch_related("moment__tags")
        .order_by("position", "n")
    )
    fields.fill([item.file for item in items])
    return _listed(collection.name, (_clip(item.file, item.moment) for item in items))


def of_files(files: FileQuerySet, name: str) -> ClipList:
    """Raises NothingToExportError."""
    rows = list(files.select_related("root"))
    fields.fill(rows)
    return _listed(name, (_clip(file, None) for file in rows))


def _listed(name: str, clips: Iterable[Clip]) -> ClipList:
    listed = list(clips)
    if not listed:
        raise EmptyCollectionError("There is nothing to export.")
    return ClipList(name=name, clips=listed)


def _clip(file: File, moment: Moment | None) -> Clip:
    if moment is None:
        said = {
            "name": file.name,
            "start_s": 0.0,
            "end_s": file.duration_s if file.is_playable else None,
            "tags": fields.value(file, "tags"),
            "rating": fields.value(file, "rating"),
            "is_favourite": fields.value(file, "favourite"),
            "note": fields.value(file, "note"),
        }
    else:
        said = {
            "name": moment.name or file.name,
            "start_s": moment.start_s,
            "end_s": moment.end_s,
            "tags": [tag.name for tag in moment.tags.all()],
            "rating": moment.rating,
            "is_favourite": moment.favourite,
            "note": moment.note,
        }
    return Clip(
        file_id=file.pk,
        file_name=file.name,
        path=file.local_path,
        media_type=file.media_type,
        duration_s=file.duration_s,
        frame_rate=file.frame_rate,
        width=file.width,
        height=file.height,
        has_audio=file.has_audio,
        **said,
    )
