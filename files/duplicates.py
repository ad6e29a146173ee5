"""Exact duplicates: a sampled hash says where to look, the full hash says what is true."""

import logging

from django.db.models import Exists, OuterRef

from files.hashing import full_hash
from files.models import File, FileQuerySet, Root
from jobs.progress import NO_PROGRESS, Progress

logger = logging.getLogger(__name__)


def confirm_duplicates(root: Root, *, progress: Progress = NO_PROGRESS) -> int:
    """Hash in whole what looks like a duplicate of a file of this root. Returns how many of its files have one."""
    for file in _suspects(root).select_related("root").iterator():
        progress.check()
        try:
            file.full_hash = full_hash(file.local_path)
        except OSError:
            logger.warning("Could not read %s to compare it", file.path)
            continue
        file.save(update_fields=["full_hash"])
    return File.objects.filter(root=root).duplicated().count()


def _suspects(root: Root) -> FileQuerySet:
    """Available files without a full hash that share size and sample with another, one of the two in this root."""
    alike = File.objects.filter(sampled_hash=OuterRef("sampled_hash"), size_bytes=OuterRef("size_bytes"))
    others = alike.exclude(pk=OuterRef("pk"))
    unknown = File.objects.available().filter(full_hash="").exclude(sampled_hash="")
    return unknown.filter(root=root).filter(Exists(others)) | unknown.filter(Exists(others.filter(root=root)))
