"""Which row each inspected file belongs to, and writing it there."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from files.importing import roots
from files.importing.arrivals import Arrivals, Arrived
from files.importing.comparing import KnownFile
from files.importing.ingest import DESCRIBED, describe
from files.importing.inspection import Inspection
from files.importing.matching import Candidates, rearranged
from files.models import File, Root
from files.storage.paths import shown_path

#: A file and the id of the row that it belongs to.
Kept = tuple[int, Inspection]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """`displaced` files have other content than their path had: whose they are is known when all were inspected."""

    new: list[Inspection] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    displaced: list[Inspection] = field(default_factory=list)


def place(
    inspections: Sequence[Inspection], rows: Mapping[str, KnownFile], candidates: Candidates, root: Root
) -> Placement:
    """Sort readable files into new ones, those that belong to a row, and displaced ones."""
    ids = [row.file_id for inspection in inspections if (row := rows.get(inspection.entry.path)) is not None]
    contents = dict(File.everything.filter(pk__in=ids).values_list("pk", "sampled_hash"))
    placement = Placement()
    for inspection in inspections:
        row = rows.get(inspection.entry.path)
        if row is None:
            candidate = candidates.claim(inspection, root_id=root.pk, root=root.local_path)
            if candidate is not None:
                placement.kept.append((candidate.id, inspection))
            elif candidates.may_be_displaced(inspection):
                placement.displaced.append(inspection)
            else:
                placement.new.append(inspection)
        elif row.file_id in candidates.claimed or contents.get(row.file_id) != inspection.sampled_hash:
            placement.displaced.append(inspection)
        else:
            placement.kept.append((row.file_id, inspection))
    return placement


def place_displaced(
    inspections: Sequence[Inspection], rows: Mapping[str, KnownFile], candidates: Candidates, root: Root
) -> tuple[Placement, Placement]:
    """Give displaced files their rows: those that swapped places, then new content at an old path."""
    own = {
        inspection.entry.path: row.file_id
        for inspection in inspections
        if (row := rows.get(inspection.entry.path)) is not None and row.file_id not in candidates.claimed
    }
    moves = rearranged(inspections, own, candidates, root_id=root.pk, root=root.local_path)
    moved, rest = Placement(), Placement()
    for inspection in inspections:
        path = inspection.entry.path
        if path in moves:
            moved.kept.append((moves[path], inspection))
        elif path in own and own[path] not in candidates.claimed:
            rest.kept.append((own[path], inspection))
        else:
            rest.new.append(inspection)
    return moved, rest


def write_placed(
    root: Root,
    new: Sequence[Inspection],
    kept: Sequence[Kept],
    *,
    gone: Collection[int],
    dry_run: bool,
    arrived: Arrived,
) -> Counter[str]:
    """Write files into new rows and into those that are there, in one transaction.

    `gone` are rows that were not found at their path. Returns what happened, counted by the report's names.
    """
    rows = File.everything.in_bulk([file_id for file_id, _ in kept])
    pairs = [(rows[file_id], inspection) for file_id, inspection in kept if file_id in rows]
    happened = Counter(what_happened(file, inspection, root, gone) for file, inspection in pairs)
    happened["imported"] = len(new)
    back = [file for file, _ in pairs if file.removed_at is not None]
    present = [(file, inspection) for file, inspection in pairs if file.removed_at is None]
    moved = [file for file, inspection in present if not _is_here(file, inspection, root)]
    changed = [file for file, inspection in present if file.sampled_hash != inspection.sampled_hash]
    if dry_run or not (new or pairs):
        return happened
    with transaction.atomic():
        movers = [file.pk for file, inspection in pairs if file.path != shown_path(inspection.entry.path)]
        if len(movers) > 1:  # they step aside first, to paths that no file has: a path is one row's at a time
            File.objects.filter(pk__in=movers).update(path=Concat(Value("/"), Cast("pk", CharField())))
        for file, inspection in pairs:
            _keep(file, inspection, root)
        # Without those that another import has written meanwhile.
        paths = [shown_path(inspection.entry.path) for inspection in new]
        there = set(File.objects.filter(root=root, path__in=paths).values_list("path", flat=True))
        missing = [inspection for inspection, path in zip(new, paths, strict=True) if path not in there]
        now = timezone.now()
        created = File.objects.bulk_create(
            [describe(File(root=root, imported_at=now), inspection) for inspection in missing]
        )
        arrived(Arrivals(new=created, changed=changed, back=back, moved=moved))
    happened["imported"] = len(created)
    if not root.sample:  # at once: a scan that is cut off must know its drive again, too
        roots.take_sample(root)
    return happened


def what_happened(file: File, inspection: Inspection, root: Root, gone: Collection[int]) -> str:
    """What became of a row, by the report's name for it; `gone` are rows that were not found at their path."""
    if file.removed_at is not None:
        return "back"
    if not _is_here(file, inspection, root):
        return "moved"
    if file.sampled_hash != inspection.sampled_hash:
        return "changed"
    return "back" if file.state != File.State.AVAILABLE or file.pk in gone else "unchanged"


def _is_here(file: File, inspection: Inspection, root: Root) -> bool:
    """Whether the row is that of this path already."""
    return (file.root_id, file.path) == (root.pk, shown_path(inspection.entry.path))


def _keep(file: File, inspection: Inspection, root: Root) -> None:
    """Write what was found into a row; one that was removed is in the library again."""
    if file.trash_name:
        # The row goes to the original that was found; its upload stays in the trash, under a row of its own.
        upload = copy(file)
        upload.pk, upload._state = None, copy(file._state)
        upload.save(force_insert=True)
    file.root = root
    describe(file, inspection).save(update_fields=[*DESCRIBED, "root"])
    if file.removed_at is not None:
        file.mark_back(File.State.AVAILABLE)
