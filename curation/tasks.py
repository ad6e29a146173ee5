"""Tagging and collecting as jobs: done at once, in one transaction, and told as a batch like every other action."""

from curation.collecting import add_files, take_out_files
from curation.models import Collection
from curation.tagging import tag_files
from files.models import File
from jobs.work import Work

TAG, COLLECT = "tag", "collect"


def run_tag(work: Work) -> str:
    """The body of `tag`, where one file is tried again."""
    files = File.objects.filter(pk=work.subject)
    count = tag_files(files, add=work.options.get("add", ()), remove=work.options.get("remove", ()))
    return "Tagged" if count else "The file is no longer in the library."


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
