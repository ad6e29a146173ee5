"""Collections: adding files and moments, ordering them, taking them out."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from curation.errors import OutdatedOrderError
from curation.models import Collection, CollectionItem, Moment
from files.models import File, FileQuerySet
from jobs.bulk import sliced


def add_item(collection: Collection, subject: File | Moment, *, position: int | None = None) -> CollectionItem:
    """Put a file or a moment at this place, counted from 0; without one it comes last. What is in already is moved."""
    file, moment = (subject, None) if isinstance(subject, File) else (subject.file, subject)
    with transaction.atomic():
        _hold(collection)
        item = collection.items.filter(file=file, moment=moment).first()
        if item is None:
            last = collection.items.aggregate(n=Max("n"), position=Max("position"))
            n, end = (last["n"] or 0) + 1, (-1 if last["position"] is None else last["position"]) + 1
            item = CollectionItem.objects.create(collection=collection, n=n, position=end, file=file, moment=moment)
        if position is not None:
            others = [number for number in _numbers(collection) if number != item.n]
            others.insert(position, item.n)
            _write_order(collection, others)
            item.refresh_from_db()
        _touch(collection)
    return item


def add_files(collection: Collection, files: FileQuerySet) -> int:
    """Put many files at the end, in their order. Returns how many were not in it yet."""
    with transaction.atomic():
        _hold(collection)
        inside = set(collection.items.filter(moment=None).values_list("file_id", flat=True))
        ids = [pk for pk in files.values_list("pk", flat=True) if pk not in inside]
        last = collection.items.aggregate(n=Max("n"), position=Max("position"))
        n, end = (last["n"] or 0) + 1, (-1 if last["position"] is None else last["position"]) + 1
        CollectionItem.objects.bulk_create(
            [
                CollectionItem(collection=collection, n=n + place, position=end + place, file_id=pk)
                for place, pk in enumerate(ids)
            ],
            batch_size=500,
        )
        _touch(collection)
    return len(ids)


def take_out_files(collection: Collection, files: FileQuerySet) -> int:
    """Take many files out, their moments stay. Returns how many were in it."""
    ids = list(files.order_by().values_list("pk", flat=True))
    with transaction.atomic():
        _hold(collection)
        rows: list[QuerySet[CollectionItem]] = [
            collection.items.filter(file_id__in=some, moment=None) for some in sliced(ids)
        ]
        gone = sum(some.delete()[0] for some in rows)
        _touch(collection)
    return gone


def take_out(item: CollectionItem) -> None:
    """Take one item out; the others move up."""
    with transaction.atomic():
        collection = item.collection
        _hold(collection)
        item.refresh_from_db(fields=["position"])
        item.delete()
        collection.items.filter(position__gt=item.position).update(position=F("position") - 1)
        _touch(collection)


def order_items(collection: Collection, numbers: Sequence[int]) -> None:
    """Put the items in this order: every number once. Raises OutdatedOrderError where somebody changed them meanwhile.

    Items of removed files are not shown, so they need no number: each stays behind the one that it followed.
    """
    with transaction.atomic():
        _hold(collection)
        shown = set(collection.items.in_library().values_list("n", flat=True))
        if len(numbers) != len(set(numbers)) or shown - set(numbers) or set(numbers) - set(_numbers(collection)):
            raise OutdatedOrderError("The collection has other items now than this order names.")
        _write_order(collection, _with_hidden(_numbers(collection), numbers))
        _touch(collection)


def _hold(collection: Collection) -> None:
    """Let nobody else number or order its items until this transaction ends."""
    list(Collection.objects.select_for_update().filter(pk=collection.pk))


def _with_hidden(before: Sequence[int], wanted: Sequence[int]) -> list[int]:
    order = list(wanted)
    named = set(wanted)
    previous: int | None = None
    for number in before:
        if number not in named:
            order.insert(0 if previous is None else order.index(previous) + 1, number)
        previous = number
    return order


def _numbers(collection: Collection) -> list[int]:
    return list(collection.items.order_by("position", "n").values_list("n", flat=True))


def _write_order(collection: Collection, numbers: Iterable[int]) -> None:
    place = {number: position for position, number in enumerate(numbers)}
    items = list(collection.items.all())
    for item in items:
        item.position = place[item.n]
    CollectionItem.objects.bulk_update(items, ["position"], batch_size=200)


def _touch(collection: Collection) -> None:
    Collection.objects.filter(pk=collection.pk).update(updated_at=timezone.now())
