"""Tags: finding and making them by name, putting them on files and moments, renaming and merging."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from curation.errors import CurationError, NameTakenError
from curation.models import TAG_CHARS, FileTag, Moment, Tag, folded
from curation.searchable import index_moments
from files.models import File, FileQuerySet
from jobs.bulk import sliced


def clean_name(name: str) -> str:
    """A tag's name on one line. Raises CurationError for one that is empty, too long, or has a comma."""
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > TAG_CHARS or "," in cleaned or not cleaned.isprintable():
        raise CurationError(
            f"“{cleaned[:TAG_CHARS]}” is no name for a tag.",
            remedy=f"Use 1 to {TAG_CHARS} characters, and no comma.",
            field="tags",
        )
    return cleaned


def tags_named(names: Iterable[str]) -> list[Tag]:
    """The tags of these names, in this order; those that there are not yet are made."""
    wanted = {folded(name): name for name in map(clean_name, names)}
    Tag.objects.bulk_create(
        [Tag(name=name, folded=key) for key, name in wanted.items()], ignore_conflicts=True
    )  # of equal names the first spelling stays
    by_key = {tag.folded: tag for tag in Tag.objects.filter(folded__in=wanted)}
    return [by_key[key] for key in wanted]


def known_tags(names: Iterable[str]) -> list[Tag]:
    """The tags of these names, as far as there are such."""
    return list(Tag.objects.filter(folded__in=[folded(clean_name(name)) for name in names]))


def make_tag(name: str, *, colour: str = "") -> Tag:
    """A new tag. Raises NameTakenError where there is one of this name."""
    cleaned = clean_name(name)
    other = Tag.objects.named(cleaned).first()
    if other is not None:
        raise NameTakenError(f"There is a tag “{other.name}” already.")
    return Tag.objects.create(name=cleaned, colour=colour)


def set_tags(file: File, names: Iterable[str]) -> None:
    """Give a file these tags and no others."""
    with transaction.atomic():
        tags = tags_named(names)
        FileTag.objects.filter(file=file).exclude(tag__in=tags).delete()
        FileTag.objects.bulk_create([FileTag(file=file, tag=tag) for tag in tags], ignore_conflicts=True)


def add_tag(file: File, name: str) -> None:
    """Put one more tag on a file."""
    FileTag.objects.bulk_create([FileTag(file=file, tag=tag) for tag in tags_named([name])], ignore_conflicts=True)


def take_tag(file: File, name: str) -> None:
    """Take one tag off a file."""
    FileTag.objects.filter(file=file, tag__in=known_tags([name])).delete()


@dataclass(kw_only=True)
class TagChanges:
    """What tagging many files changed: the files that got each tag, and those that lost it, by the tag's name."""

    count: int = 0
    added: dict[str, list[int]] = field(default_factory=dict)
    removed: dict[str, list[int]] = field(default_factory=dict)


def tag_files(files: FileQuerySet, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> TagChanges:
    """Put tags on many files and take others off, at once. Returns what that changed."""
    with transaction.atomic():
        added, removed = tags_named(add), known_tags(remove)
        ids = list(files.order_by("pk").values_list("pk", flat=True))
        changes, now = TagChanges(count=len(ids)), timezone.now()
        for some in sliced(ids):
            of_files = FileTag.objects.filter(file_id__in=some)
            for tag in removed:
                having = of_files.filter(tag=tag)
                changes.removed.setdefault(tag.name, []).extend(having.values_list("file_id", flat=True))
                having.delete()
            for tag in added:
                having_ids = set(of_files.filter(tag=tag).values_list("file_id", flat=True))
                lacking = [file_id for file_id in some if file_id not in having_ids]
                changes.added.setdefault(tag.name, []).extend(lacking)
                FileTag.objects.bulk_create(
                    [FileTag(file_id=file_id, tag=tag, created_at=now) for file_id in lacking], ignore_conflicts=True
                )
    return changes


def undo_tagging(changes: TagChanges) -> int:
    """Take tags off the files that got them, and put back those that were taken off. Returns how many files."""
    with transaction.atomic():
        for name, ids in changes.added.items():
            tag_files(File.objects.filter(pk__in=ids), remove=[name])
        for name, ids in changes.removed.items():
            tag_files(File.objects.filter(pk__in=ids), add=[name])
    return len({file_id for ids in (*changes.added.values(), *changes.removed.values()) for file_id in ids})


def rename_tag(tag: Tag, name: str) -> Tag:
    """Give a tag another name, or write it another way. Raises NameTakenError where another tag has it."""
    cleaned = clean_name(name)
    other = Tag.objects.named(cleaned).exclude(pk=tag.pk).first()
    if other is not None:
        raise NameTakenError(f"There is a tag “{other.name}” already.", remedy="Merge the two, or choose another name.")
    tag.name = cleaned
    with transaction.atomic():
        tag.save(update_fields=["name"])
        index_moments(_files_with_moments(tag))
    return tag


def merge_tags(tag: Tag, into: Tag) -> Tag:
    """Put `into` wherever `tag` is, and delete `tag`. Raises CurationError for a tag and itself."""
    if tag.pk == into.pk:
        raise CurationError("A tag cannot be merged into itself.", remedy="Choose another tag.", field="into")
    with transaction.atomic():
        file_ids = list(FileTag.objects.filter(tag=tag).values_list("file_id", flat=True))
        FileTag.objects.bulk_create(
            [FileTag(file_id=file_id, tag=into) for file_id in file_ids], ignore_conflicts=True, batch_size=500
        )
        of_moments = _files_with_moments(tag)
        for moment in Moment.objects.filter(tags=tag):
            moment.tags.add(into)
        tag.delete()
        index_moments(of_moments)
    return into


def delete_tag(tag: Tag) -> None:
    """Take a tag off everything, and delete it."""
    with transaction.atomic():
        of_moments = _files_with_moments(tag)
        tag.delete()
        index_moments(of_moments)


def _files_with_moments(tag: Tag) -> list[int]:
    """The words of a moment include its tags."""
    return list(Moment.objects.filter(tags=tag).values_list("file_id", flat=True))
