"""Tags, collections, ratings, favourites, notes and moments: what a person says of files and of ranges of seconds.

All hang on the file's row, which stays when a file moves, is removed from the library or comes back.
"""

import unicodedata
from typing import Any, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from files.models import File
from jobs.models import Batch

TAG_CHARS = 100
NAME_CHARS = 200
NOTE_CHARS = 10_000
LOWEST_RATING, HIGHEST_RATING = 1, 5
_RATED = Q(rating__isnull=True) | Q(rating__gte=LOWEST_RATING, rating__lte=HIGHEST_RATING)


def folded(name: str) -> str:
    """What two spellings of a tag share: `Café`, `café` and `CAFE\u0301` are one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


class TagQuerySet(QuerySet["Tag"]):
    def named(self, name: str) -> Self:
        """The tag of this name, however it is written."""
        return self.filter(folded=folded(name))

    def starting_with(self, text: str) -> Self:
        """For completing what is typed: those that begin so first, then those that have it anywhere."""
        wanted = folded(text.strip())
        begins = models.Case(models.When(folded__startswith=wanted, then=0), default=1)
        return self.filter(folded__contains=wanted).order_by(begins, "folded")


class Tag(models.Model):
    """A word of one's own for files and moments."""

    name = models.CharField(max_length=TAG_CHARS)
    folded = models.CharField(max_length=2 * TAG_CHARS, unique=True, editable=False)
    colour = models.CharField(
        max_length=7,
        blank=True,
        validators=[RegexValidator(r"^#[0-9a-f]{6}$", "Write a colour like #2a6f97.")],
        help_text="Like #2a6f97; empty: none.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    files: "models.ManyToManyField[File, FileTag]" = models.ManyToManyField(
        File, through="FileTag", related_name="tags"
    )

    objects = TagQuerySet.as_manager()

    class Meta:
        db_table = "tags"
        ordering = ["folded"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The folded name is kept true whenever a row is saved."""
        self.folded = folded(self.name)
        if (names := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*names, "folded"}
        super().save(*args, **kwargs)


class FileTag(models.Model):
    """That a file has a tag."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="file_tags", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="file_tags")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "file_tags"
        ordering = ["tag__folded"]
        constraints = [models.UniqueConstraint(fields=["file", "tag"], name="file_tags_once")]

    def __str__(self) -> str:
        return f"{self.tag} on {self.file_id}"


class TagChange(models.Model):
    """What tagging a selection changed, so that it can be taken back: the ids of files by the tag's name."""

    batch = models.OneToOneField(Batch, on_delete=models.CASCADE, related_name="tag_change")
    added = models.JSONField(default=dict)
    removed = models.JSONField(default=dict)

    class Meta:
        db_table = "tag_changes"
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.batch)


class TagRefusal(models.Model):
    """That a person said that a file is not of a tag: it is not suggested again, and suggestions are measured by it."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="tag_refusals", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="refusals")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "tag_refusals"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["file", "tag"], name="tag_refusals_once")]

    def __str__(self) -> str:
        return f"not {self.tag}: {self.file_id}"


class Annotation(models.Model):
    """A person's rating, favourite mark and note of a file."""

    file = models.OneToOneField(File, on_delete=models.CASCADE, related_name="annotation")
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(LOWEST_RATING), MaxValueValidator(HIGHEST_RATING)]
    )
    favourite = models.BooleanField(default=False)
    note = models.TextField(blank=True, max_length=NOTE_CHARS)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Annotation"]] = models.Manager()

    class Meta:
        db_table = "annotations"
        ordering = ["-updated_at"]
        constraints = [models.CheckConstraint(condition=_RATED, name="annotations_rating_1_to_5")]
        indexes = [models.Index(fields=["rating"], name="annotations_by_rating")]

    def __str__(self) -> str:
        return str(self.file_id)


class MomentQuerySet(QuerySet["Moment"]):
    def in_library(self) -> Self:
        return self.filter(file__removed_at__isnull=True)


class Moment(models.Model):
    """A range of seconds of a file that somebody named."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="moments")
    start_s = models.FloatField("start")
    end_s = models.FloatField("end")
    name = models.CharField(max_length=NAME_CHARS, blank=True)
    note = models.TextField(blank=True, max_length=NOTE_CHARS)
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(LOWEST_RATING), MaxValueValidator(HIGHEST_RATING)]
    )
    favourite = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, related_name="moments", blank=True, db_table="moment_tags")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = MomentQuerySet.as_manager()

    class Meta:
        db_table = "moments"
        ordering = ["file_id", "start_s", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(start_s__gte=0), name="moments_start_not_negative"),
            models.CheckConstraint(condition=Q(end_s__gt=F("start_s")), name="moments_end_after_start"),
            models.CheckConstraint(condition=_RATED, name="moments_rating_1_to_5"),
        ]
        indexes = [models.Index(fields=["file", "start_s"], name="moments_by_place")]

    def __str__(self) -> str:
        return self.name or f"{self.start_s:g}–{self.end_s:g} s"

    def get_absolute_url(self) -> str:
        """The page of its file, opened at the moment."""
        return f"{reverse('file-page', args=[self.file_id])}?t={self.start_s:g}&to={self.end_s:g}"


class Collection(models.Model):
    """Files and moments in an order that a person chose."""

    name = models.CharField(max_length=NAME_CHARS)
    note = models.TextField(blank=True, max_length=NOTE_CHARS)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Collection"]] = models.Manager()

    class Meta:
        db_table = "collections"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class CollectionItemQuerySet(QuerySet["CollectionItem"]):
    def in_library(self) -> Self:
        """What can be shown: the item of a removed file waits for it to come back."""
        return self.filter(file__removed_at__isnull=True)


class CollectionItem(models.Model):
    """A file, or a moment of it, at its place in a collection."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items", db_index=False)
    #: Its name in the collection for good, whatever the order.
    n = models.PositiveIntegerField("number")
    position = models.PositiveIntegerField(help_text="Counted from 0.")
    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="collection_items")
    moment = models.ForeignKey(
        Moment,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="collection_items",
        help_text="Empty: all.",
    )
    added_at = models.DateTimeField(default=timezone.now)

    objects = CollectionItemQuerySet.as_manager()

    class Meta:
        db_table = "collection_items"
        ordering = ["collection_id", "position", "n"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "n"], name="collection_items_one_per_number"),
            models.UniqueConstraint(
                fields=["collection", "file"], condition=Q(moment__isnull=True), name="collection_items_file_once"
            ),
            models.UniqueConstraint(fields=["collection", "moment"], name="collection_items_moment_once"),
        ]
        indexes = [models.Index(fields=["collection", "position"], name="collection_items_in_order")]

    def __str__(self) -> str:
        return f"{self.collection_id} #{self.n}"
