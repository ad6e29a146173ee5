"""Exact duplicates: a sampled hash says where to look, the full hash says what is true."""

import logging

from django.db.models import Count

from files.models import File, FileQuerySet, Root
from files.storage.hashing import full_hash, remember_full_hash
from jobs.bulk import in_pieces
from jobs.progress import NO_PROGRESS, Progress

logger = logging.getLogger(__name__)


def confirm_duplicates(root: Root, *, progress: Progress = NO_PROGRESS) -> int:
    """Hash in whole what looks like a duplicate of a file of this root. Returns how many of its files have one."""
    for file in in_pieces(suspected_duplicates(root).select_related("root")):
        progress.check()
        try:
            file.full_hash = full_hash(file.local_path)
        except OSError:
            logger.warning("Could not read %s to compare it", file.path)
            continue
        remember_full_hash(file)
    return File.objects.filter(root=root).duplicated().count()


def suspected_duplicates(root: Root) -> FileQuerySet:
    """Available files without a full hash that share their sample with another, one of the two in this root."""
    # As lists, each worked out once: compared row by row, SQLite takes all files of the root for each of them.
    known = File.objects.exclude(sampled_hash="").order_by()
    several = known.values("sampled_hash").annotate(count=Count("pk")).filter(count__gt=1).values("sampled_hash")
    here = known.filter(root=root).values("sampled_hash")
    unknown = File.objects.available().filter(full_hash="")
    return unknown.filter(sampled_hash__in=several).filter(sampled_hash__in=here)
