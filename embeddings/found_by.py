"""How a file can be found: by what is said, seen or described in it, or by nothing but its name.

The name alone makes nothing searchable: whoever looks for what is in a file does not know what it is called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import django_filters
from django.db.models import Case, Exists, OuterRef, Q, TextChoices, When
from rest_framework import serializers

from embeddings.models import WITHOUT_WORDS, Chunk, Embedding
from files.models import File
from files.selection.facets import Badge
from files.selection.fields import FileField
from jobs.kept_answers import kept


class FoundBy(TextChoices):
    """What a question about a file can meet."""

    SAID = "said", "What is said"
    SEEN = "seen", "What is seen"
    DESCRIBED = "described", "What is described"
    NAME = "name", "Name only"


#: What is written of a file, by whoever: an analysis, a sign in the picture, a person.
WRITTEN = (
    Chunk.Kind.CHAPTER,
    Chunk.Kind.SUMMARY,
    Chunk.Kind.ELEMENT,
    Chunk.Kind.ON_SCREEN,
    Chunk.Kind.MOMENT,
    Chunk.Kind.NOTE,
)


@dataclass(frozen=True, kw_only=True)
class FoundByCount:
    """How many files can be found in one way. A file that several ways find counts in each."""

    way: FoundBy
    count: int


def has_words(*kinds: Chunk.Kind) -> Exists:
    """Whether a file has text of these kinds: words find it at once, whether it is embedded or not."""
    return Exists(Chunk.objects.filter(file_id=OuterRef("pk"), source_kind__in=kinds))


def is_looked_at() -> Exists:
    """Whether a file can be found by what is seen, in a space that search asks."""
    in_use = Q(space__is_used_for_pictures=True) | Q(space__is_active=True)
    of_pictures = Chunk.objects.filter(pk=OuterRef("chunk_id"), source_kind__in=WITHOUT_WORDS)
    return Exists(Embedding.objects.filter(in_use, Exists(of_pictures), file_id=OuterRef("pk")))


def condition(way: FoundBy) -> Q:
    """The files that can be found in this way."""
    found: dict[FoundBy, Q] = {
        FoundBy.SAID: Q(has_words(Chunk.Kind.TRANSCRIPT)),
        FoundBy.SEEN: Q(is_looked_at()),
        FoundBy.DESCRIBED: Q(has_words(*WRITTEN)),
    }
    return found[way] if way in found else ~Q(has_words(Chunk.Kind.TRANSCRIPT, *WRITTEN)) & ~found[FoundBy.SEEN]


def counts() -> list[FoundByCount]:
    """Each way, and how many files of the library it finds: one query a way."""
    found = {way: File.objects.filter(condition(way)).order_by() for way in FoundBy}
    return [FoundByCount(way=way, count=kept(files, "count", files.count)) for way, files in found.items()]


def ways_of(file_ids: Sequence[int]) -> Mapping[int, list[str]]:
    """The ways that find each of these files, the name left out: it always does. One query."""
    ways = [way for way in FoundBy if way is not FoundBy.NAME]
    asked = {way.value: Case(When(condition(way), then=True), default=False) for way in ways}
    rows: Any = File.everything.filter(pk__in=file_ids).order_by().values("pk", **asked)
    found = {row["pk"]: [way.value for way in ways if row[way.value]] for row in rows}
    return {pk: names for pk, names in found.items() if names}


def badges_of(file_ids: Sequence[int]) -> Mapping[int, list[Badge]]:
    """A word beside the files that only their names find."""
    known = ways_of(file_ids)
    only_name = Badge(text="Name only", level="none", title="Nothing said, seen or described here can be found yet")
    return {pk: [only_name] for pk in file_ids if pk not in known}


class FoundByFilter(django_filters.MultipleChoiceFilter):
    """Files that can be found in any of these ways."""

    def __init__(self) -> None:
        super().__init__(choices=FoundBy.choices, label="Found by")

    def filter(self, qs: Any, value: Sequence[str]) -> Any:
        asked = Q()
        for way in value:
            asked |= condition(FoundBy(way))
        return qs.filter(asked)


def _field(**options: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(choices=FoundBy.choices[:-1]),
        help_text="Ways in which this file is found; empty: by its name only.",
        **options,
    )


FIELD = FileField(name="found_by", serializer=_field, values=ways_of, empty=list)
