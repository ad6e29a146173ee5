"""The verb that looks for files that show the same, and keeps the groups. Nothing is ever deleted by it."""

from collections import defaultdict

import numpy as np
from django.db import transaction

from files.models import IS_VISIBLE, File
from jobs.progress import NO_PROGRESS, Progress
from vision.duplicates.grouping import Looks, groups_of
from vision.models import DuplicateGroup, DuplicateMember, Frame


def find_duplicates(*, progress: Progress = NO_PROGRESS) -> int:
    """Group the files of the library by what they show. Returns how many groups there are."""
    progress.update(0.1, "reading hashes")
    looks = _looks()
    progress.update(0.3, f"comparing {len(looks):,} files")
    groups = groups_of(looks)
    progress.update(0.9, f"{len(groups):,} groups")
    with transaction.atomic():
        DuplicateGroup.objects.all().delete()
        rows = DuplicateGroup.objects.bulk_create([DuplicateGroup(kind=group.kind) for group in groups])
        there = set(File.objects.values_list("pk", flat=True))
        DuplicateMember.objects.bulk_create(
            [
                DuplicateMember(group=row, file_id=file_id)
                for row, group in zip(rows, groups, strict=True)
                for file_id in group.file_ids
                if file_id in there
            ],
            batch_size=1000,
        )
    return len(groups)


def _looks() -> list[Looks]:
    hashes: dict[int, list[bytes]] = defaultdict(list)
    seconds: dict[int, list[float]] = defaultdict(list)
    frames = Frame.objects.filter(file__removed_at=None).order_by("file_id", "n")
    for file_id, at_s, content in frames.values_list("file_id", "at_s", "hash").iterator(chunk_size=5000):
        hashes[file_id].append(bytes(content))
        seconds[file_id].append(at_s)
    files = File.objects.filter(IS_VISIBLE).only("pk", "media_type", "duration_s", "created_at", "full_hash")
    return [
        Looks(
            file_id=file.pk,
            hashes=np.frombuffer(b"".join(hashes[file.pk]), dtype=">u8").astype(np.uint64),
            seconds=np.array(seconds[file.pk]),
            length_s=None if file.media_type == File.MediaType.IMAGE else file.duration_s or 0.0,
            taken_s=file.created_at.timestamp(),
            content=file.full_hash,
        )
        for file in files
        if hashes[file.pk] or file.full_hash
    ]
