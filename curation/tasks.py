"""Tagging and collecting as jobs: done at once, in one transaction, and told as a batch like every other action.

Names of speakers are found by search in other files once a job has written their words anew.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from curation.collecting import add_files, take_out_files
from curation.models import Collection
from curation.searchable import index_speakers
from curation.speakers import name_speakers
from curation.tagging import tag_files
from files.models import File
from jobs.queue import create_batch, enqueue_many
from jobs.work import Work

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TAG, COLLECT, INDEX_SPEAKERS = "tag", "collect", "index_speakers"


def request_names(file: File, names: Mapping[str, str], *, everywhere: bool = False, user: "User | None" = None) -> int:
    """Name speakers, here or in all files with the same tags. Returns how many other files follow."""
    others = list(name_speakers(file, names, everywhere=everywhere).values_list("pk", flat=True))
    if not others:
        return 0
    label = f"Name {', '.join(names.values()) or ', '.join(names)} in {len(others):,} more files"
    batch = create_batch(label, INDEX_SPEAKERS, created_by=user)
    return enqueue_many(INDEX_SPEAKERS, others, batch=batch, created_by=user)


def run_index_speakers(work: Work) -> str:
    """The body of `index_speakers`."""
    file = File.objects.filter(pk=work.subject).first()
    if file is None:
        return "The file is no longer in the library."
    index_speakers(file)
    return "Named"


def run_tag(work: Work) -> str:
    """The body of `tag`, where one file is tried again."""
    files = File.objects.filter(pk=work.subject)
    changes = tag_files(files, add=work.options.get("add", ()), remove=work.options.get("remove", ()))
    return "Tagged" if changes.count else "The file is no longer in the library."


def run_collect(work: Work) -> str:
    """The body of `collect`, where one file is tried again."""
    collection = Collection.objects.filter(pk=work.options["collection"]).first()
    if collection is None:
        return "The collection is no longer there."
    files = File.objects.filter(pk=work.subject)
    if work.options.get("take_out"):
        take_out_files(collection, files)
        return "Taken out"
    add_files(collection, files)
    return "Added"
