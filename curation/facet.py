"""What the library shows of a person's own order: flags, filters, fields of a file, and the actions Tag and Collect."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import Exists, OuterRef, Q
from django_filters.fields import ModelMultipleChoiceField
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from curation.annotating import annotate_file
from curation.collecting import add_files, take_out_files
from curation.models import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Annotation,
    Collection,
    CollectionItem,
    FileTag,
    Tag,
    TagChange,
    folded,
)
from curation.serializers import CollectOptionsSerializer, TagOptionsSerializer, note, rating, tag_names
from curation.speakers import spoken_by
from curation.tagging import TagChanges, known_tags, set_tags, tag_files, undo_tagging
from curation.tasks import COLLECT, TAG
from files import humanize
from files.models import File, FileQuerySet
from files.selection.facets import Action, ActionPlan, Badge, Facet, flag
from files.selection.fields import FileField
from jobs.queue import record_done

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

PERMISSION = "files.change_file"


def is_favourite() -> Exists:
    return Exists(Annotation.objects.filter(file=OuterRef("pk"), favourite=True))


def has_note() -> Exists:
    return Exists(Annotation.objects.filter(file=OuterRef("pk")).exclude(note=""))


def favourite_badge(file: File) -> Badge | None:
    return Badge(text="Favourite") if flag(file, "favourite") else None


FAVOURITE = Facet(
    name="favourite", label="Favourite", annotation=is_favourite, filter_label="Is a favourite", is_goal=False,
    badge=favourite_badge,
)  # fmt: skip
HAS_NOTE = Facet(name="has_note", label="Note", annotation=has_note, filter_label="Has a note", is_goal=False)


class TagsField(ModelMultipleChoiceField):
    """Tags by name, however they are written; one that there is not is an error."""

    def clean(self, value: Any) -> Any:
        """Empty ones are not asked for, as in every filter."""
        return super().clean([name for name in value or () if str(name).strip()])

    def _check_values(self, value: Any) -> Any:
        return super()._check_values([folded(str(name)) for name in value])  # type: ignore[misc]


@extend_schema_field(OpenApiTypes.STR)
class TagFilter(django_filters.ModelMultipleChoiceFilter):
    """Files that have all of these tags."""

    field_class = TagsField

    def __init__(self, **options: Any) -> None:
        super().__init__("tags", queryset=Tag.objects.all(), to_field_name="folded", label="Tag", **options)

    def filter(self, qs: Any, value: Any) -> Any:
        for tag in value:
            qs = qs.filter(Exists(FileTag.objects.filter(file=OuterRef("pk"), tag=tag)))
        return qs


@extend_schema_field(OpenApiTypes.INT)
class CollectionFilter(django_filters.ModelChoiceFilter):
    """Files of a collection, or with a moment in it."""

    def __init__(self) -> None:
        super().__init__("collection_items__collection", queryset=Collection.objects.all(), label="Collection")

    def filter(self, qs: Any, value: Any) -> Any:
        items = CollectionItem.objects.filter(file=OuterRef("pk"), collection=value)
        return qs if value is None else qs.filter(Exists(items))


class SpeakerFilter(django_filters.CharFilter):
    """Files in which somebody speaks."""

    def __init__(self) -> None:
        super().__init__(label="Somebody who speaks")

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(spoken_by(value)) if value else qs


def min_rating() -> django_filters.NumberFilter:
    return django_filters.NumberFilter(
        "annotation__rating", "gte", label="Rating at least", min_value=LOWEST_RATING, max_value=HIGHEST_RATING
    )


def tags_of(file_ids: Sequence[int]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = FileTag.objects.filter(file_id__in=file_ids).order_by("tag__folded")
    for file_id, name in rows.values_list("file_id", "tag__name"):
        found.setdefault(file_id, []).append(name)
    return found


def _annotated(name: str) -> Any:
    def values(file_ids: Sequence[int]) -> Mapping[int, Any]:
        return dict(Annotation.objects.filter(file_id__in=file_ids).values_list("file_id", name))

    def write(file: File, value: Any) -> None:
        annotate_file(file, **{name: value})

    return {"name": name, "values": values, "write": write}


FIELDS = (
    FileField(name="tags", serializer=tag_names, values=tags_of, empty=list, write=set_tags),
    FileField(serializer=rating, empty=lambda: None, **_annotated("rating")),
    FileField(serializer=serializers.BooleanField, empty=lambda: False, **_annotated("favourite")),
    FileField(serializer=note, empty=str, **_annotated("note")),
)


def plan_tagging(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """How many of these files lack a tag that is added, or have one that is removed."""
    total = selection.count()
    if not options["add"] and not options["remove"]:
        return ActionPlan(total=total, todo=total, refusals=["Name the tags to add or to remove."])
    added, removed = known_tags(options["add"]), known_tags(options["remove"])
    if len(added) < len({folded(name) for name in options["add"]}):  # one is new: nobody has it
        return ActionPlan(total=total, todo=total)
    changed = Q(pk__in=FileTag.objects.filter(tag__in=removed).values("file_id"))
    for tag in added:
        changed |= ~Q(pk__in=FileTag.objects.filter(tag=tag).values("file_id"))
    todo = selection.order_by().filter(changed).count()
    return ActionPlan(total=total, todo=todo, already_done=total - todo)


def start_tagging(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    ids = list(selection.order_by("pk").values_list("pk", flat=True))
    changes = tag_files(selection, add=options["add"], remove=options["remove"])
    change, is_first = TagChange.objects.select_for_update().get_or_create(
        batch=batch, defaults={"added": changes.added, "removed": changes.removed}
    )
    if not is_first:  # of thousands of files it is done piece by piece
        for known, more in ((change.added, changes.added), (change.removed, changes.removed)):
            for name, ids_of_tag in more.items():
                known[name] = [*known.get(name, []), *ids_of_tag]
        change.save()
    record_done(TAG, ids, dict(options), batch=batch, message="Tagged", created_by=user)


def undo_batch_of_tagging(batch: "Batch", user: "User | None") -> str:
    """What had a tag before keeps it, and a batch is taken back once."""
    change = TagChange.objects.filter(batch=batch).first()
    if change is None:
        return "It was undone before."
    count = undo_tagging(TagChanges(added=change.added, removed=change.removed))
    change.delete()
    return f"{humanize.files(count)} {'has' if count == 1 else 'have'} the tags of before again."


def plan_collecting(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """How many of these files are not in the collection yet; or are, where they are taken out."""
    total = selection.count()
    if "collection" not in options:
        return ActionPlan(total=total, todo=0 if options["take_out"] else total)
    inside = Exists(CollectionItem.objects.filter(file=OuterRef("pk"), collection=options["collection"], moment=None))
    found = selection.order_by().filter(inside).count()
    todo = found if options["take_out"] else total - found
    return ActionPlan(total=total, todo=todo, already_done=total - todo)


def start_collecting(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    if "collection" in options:
        collection = Collection.objects.get(pk=options["collection"])
    else:
        collection = Collection.objects.create(name=options["new_collection"])
    ids = list(selection.order_by("pk").values_list("pk", flat=True))
    if options["take_out"]:
        take_out_files(collection, selection)
    else:
        add_files(collection, selection)
    message = "Taken out" if options["take_out"] else "Added"
    done = {"collection": collection.pk, "take_out": options["take_out"]}
    record_done(COLLECT, ids, done, batch=batch, message=message, created_by=user)


TAG_ACTION = Action(
    name=TAG,
    label="Tag",
    job_kind=TAG,
    options=TagOptionsSerializer,
    permission=PERMISSION,
    plan=plan_tagging,
    start=start_tagging,
    undo=undo_batch_of_tagging,
    batch_label="Tag {files}",
)
COLLECT_ACTION = Action(
    name=COLLECT,
    label="Add to a collection",
    job_kind=COLLECT,
    options=CollectOptionsSerializer,
    permission="curation.change_collection",
    plan=plan_collecting,
    start=start_collecting,
    piece=100_000,  # at once: it may make the collection
    batch_label="Collect {files}",
)
