"""Spaces, the chunks of text that can be found, and which of them has a vector in which space.

Full text and vectors (one table a space) hang on these rows by id, where the database's engine has them
(`embeddings.words`, `embeddings.stores`). The verbs write them in the same transaction; there are no triggers, because
a later migration of a table would drop them without a word.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast

import numpy as np
from django.conf import settings
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from bedrock.models import Entry
from embeddings.vectors import Floats, SpaceKey
from embeddings.words.normalise import indexed, is_plain
from files.models import File

TEXT, PICTURE = "text", "picture"
#: What a space holds, and is used for.
CONTENTS = [TEXT, PICTURE]


class SpaceQuerySet(QuerySet["Space"]):
    def active(self) -> "Space | None":
        """The one in use for texts."""
        return self.filter(is_active=True).first()

    def for_pictures(self) -> "Space | None":
        """The one in use for pictures, which may be the same."""
        return self.filter(is_used_for_pictures=True).first()


class Space(models.Model):
    """Where vectors can be compared: one provider, model, dimension and request format."""

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=128)
    dimension = models.PositiveIntegerField()
    request_format = models.CharField(max_length=64, blank=True)
    is_normalised = models.BooleanField("normalised", default=True)
    holds_texts = models.BooleanField(default=True)
    holds_pictures = models.BooleanField(default=False)
    is_active = models.BooleanField("in use for texts", default=False)
    is_used_for_pictures = models.BooleanField("in use for pictures", default=False)
    fingerprint = models.CharField(max_length=128, blank=True, editable=False)
    generation = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Grows with each change of its vectors, so that other processes see it."
    )
    removals_floor = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)

    objects = SpaceQuerySet.as_manager()

    class Meta:
        db_table = "embedding_spaces"
        ordering = ["-is_active", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model", "dimension", "request_format", "is_normalised"], name="spaces_one_per_key"
            ),
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="spaces_one_in_use"),
            models.UniqueConstraint(
                fields=["is_used_for_pictures"],
                condition=Q(is_used_for_pictures=True),
                name="spaces_one_in_use_for_pictures",
            ),
            models.CheckConstraint(
                condition=Q(dimension__gte=1, dimension__lte=8192), name="spaces_dimension_in_range"
            ),
        ]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def key(self) -> SpaceKey:
        return SpaceKey(
            provider=self.provider,
            model=self.model,
            dimension=self.dimension,
            request_format=self.request_format,
            is_normalised=self.is_normalised,
        )

    @property
    def contents(self) -> list[str]:
        """What its vectors are of."""
        held = ((TEXT, self.holds_texts), (PICTURE, self.holds_pictures))
        return [content for content, is_held in held if is_held]

    @property
    def in_use_for(self) -> list[str]:
        """What search asks it for."""
        used = ((TEXT, self.is_active), (PICTURE, self.is_used_for_pictures))
        return [content for content, is_used in used if is_used]

    def hold(self) -> None:
        """One writer at a time: who reads what came after the last id that it knows must not miss a lower one that is
        committed later. Call inside the transaction, before rows are made."""
        if connection.features.has_select_for_update:
            list(Space.objects.select_for_update(no_key=True).filter(pk=self.pk).values_list("pk"))

    def touch(self) -> None:
        """Tell every process that its vectors changed. Call inside the transaction that changed them."""
        Space.objects.filter(pk=self.pk).update(generation=F("generation") + 1)


class Calibration(models.Model):
    """What a space is worth for a question, learnt from the library itself (`embeddings.searching.calibration`)."""

    space = models.OneToOneField(Space, on_delete=models.CASCADE, related_name="calibration")
    vectors = models.PositiveIntegerField(help_text="How many there were when it was made.")
    data = models.BinaryField(editable=False, help_text="Arrays, in numpy's own form.")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "embedding_calibrations"
        ordering = ["space_id"]

    def __str__(self) -> str:
        return f"of {self.space}, from {self.vectors:,} vectors"

    def remake(self, *, vectors: int, data: bytes) -> None:
        """Put a newer one in its place."""
        self.vectors, self.data, self.made_at = vectors, data, timezone.now()
        self.save()


class ChunkQuerySet(QuerySet["Chunk"]):
    def in_library(self) -> Self:
        return self.filter(file__removed_at__isnull=True)

    def awaiting(self, space: Space) -> Self:
        """Texts that have no vector in this space yet."""
        made = Embedding.objects.filter(chunk_id=models.OuterRef("pk"), space=space)
        return self.in_library().of_text().exclude(models.Exists(made))

    def of_text(self) -> Self:
        """Chunks whose vector is made of their text; those of media come from a `Viewing` or a frame."""
        return self.exclude(source_kind__in=WITHOUT_WORDS)

    def awaiting_pictures(self, space: Space) -> Self:
        """Frames that have no vector in this space yet."""
        made = Embedding.objects.filter(chunk_id=models.OuterRef("pk"), space=space)
        return self.in_library().filter(source_kind=Chunk.Kind.SEEN).exclude(models.Exists(made))


class IndexedColumn(models.TextField[str | None, str | None]):
    """What full text reads of the chunk's text, where that differs from it; kept true whenever a row is saved."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:  # noqa: FBT001  (Django's signature)
        """What the index reads as the normaliser does need not be stored twice."""
        chunk = cast("Chunk", model_instance)
        of_text = indexed(chunk.text)
        if self.attname == "variants":
            chunk.variants = of_text.variants or None
        else:
            chunk.spaced = None if is_plain(chunk.text) else of_text.words
        return cast("str | None", getattr(chunk, self.attname))

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """To a migration it is a text as any other."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class WordsColumn(models.GeneratedField):
    """What FTS5 reads when it is made again or checked: SQLite computes it when asked, so that nothing is stored twice.

    PostgreSQL, whose index of words reads the text itself, has an empty column in its place; it stores all columns that
    it computes.
    """

    def generated_sql(self, connection: BaseDatabaseWrapper) -> tuple[str, Sequence[Any]]:
        if connection.vendor == "postgresql":
            return "NULL::text", ()
        return cast("tuple[str, Sequence[Any]]", super().generated_sql(connection))

    @property
    def db_persist(self) -> bool:
        return connection.vendor == "postgresql"

    @db_persist.setter
    def db_persist(self, value: bool) -> None:
        """It is as the engine has it."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """The same to the migrations of both engines."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "db_persist": False}


class Chunk(models.Model):
    """A piece of text of a file with its place in time: what a hit stands for. The one truth of the text."""

    class Kind(models.TextChoices):
        TRANSCRIPT = "transcript", "Said"
        CHAPTER = "chapter", "Chapter"
        SUMMARY = "summary", "Summary"
        ELEMENT = "element", "Element"
        NAME = "name", "Name"
        VIDEO = "video", "Seen by Nova"
        SEEN = "seen", "Seen"
        ON_SCREEN = "on_screen", "On screen"
        MOMENT = "moment", "Moment"
        NOTE = "note", "Note"

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="chunks")
    source_kind = models.CharField("kind", max_length=12, choices=Kind.choices)
    source_id = models.BigIntegerField("source", help_text="Id of the transcript, the result or the file.")
    ordinal = models.PositiveIntegerField()
    start_s = models.FloatField("start", null=True, blank=True)
    end_s = models.FloatField("end", null=True, blank=True)
    text = models.TextField()
    spaced = IndexedColumn(null=True, editable=False)
    variants = IndexedColumn(null=True, editable=False)
    words = WordsColumn(expression=Coalesce("spaced", "text"), output_field=models.TextField(), db_persist=False)
    marks = models.JSONField(default=list, blank=True, editable=False, help_text="[offset in the text, second] pairs.")
    content_hash = models.CharField(max_length=32, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ChunkQuerySet.as_manager()

    class Meta:
        db_table = "chunks"
        ordering = ["file_id", "source_kind", "source_id", "ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["file", "source_kind", "source_id", "ordinal"], name="chunks_one_per_place_in_source"
            ),
            models.CheckConstraint(
                condition=Q(start_s__isnull=True) | Q(end_s__isnull=True) | Q(end_s__gte=F("start_s")),
                name="chunks_end_after_start",
            ),
        ]
        indexes = [models.Index(fields=["source_kind", "source_id"], name="chunks_by_source")]

    def __str__(self) -> str:
        return self.text[:80]


#: How a kind is kept beside each bit vector in memory. Never renumber.
KIND_CODES: dict[str, int] = {
    Chunk.Kind.TRANSCRIPT: 1,
    Chunk.Kind.CHAPTER: 2,
    Chunk.Kind.SUMMARY: 3,
    Chunk.Kind.ELEMENT: 4,
    Chunk.Kind.NAME: 5,
    Chunk.Kind.VIDEO: 6,
    Chunk.Kind.SEEN: 7,
    Chunk.Kind.ON_SCREEN: 8,
    Chunk.Kind.MOMENT: 20,
    Chunk.Kind.NOTE: 21,
}
#: Chunks that have a vector and no text.
WITHOUT_WORDS = (Chunk.Kind.VIDEO, Chunk.Kind.SEEN)


class Embedding(models.Model):
    """A chunk has a vector in a space. The float32 vector is the row of the space's table with the same id."""

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings")
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="embeddings")
    # Copied from the chunk, so that a million of them load into memory without a join.
    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="embeddings", editable=False)
    kind_code = models.PositiveSmallIntegerField(editable=False)
    content_hash = models.CharField(max_length=32, editable=False)
    bits = models.BinaryField(help_text="The vector's signs, for the coarse pass.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "embeddings"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["chunk", "space"], name="embeddings_one_per_space")]
        indexes = [models.Index(fields=["space", "content_hash"], name="embeddings_by_content")]

    def __str__(self) -> str:
        return f"{self.chunk_id} in {self.space_id}"


class Removal(models.Model):
    """A vector that is gone, for processes that still hold its bits in memory."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="removals")
    embedding_id = models.BigIntegerField()

    class Meta:
        db_table = "embedding_removals"
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.embedding_id)


class PaidVector(models.Model):
    """The vector of a text or frame that was paid for, kept for good: the same is never paid twice in a space."""

    class Purpose(models.TextChoices):
        INDEX = "index", "To be found"
        QUERY = "query", "Question"
        FRAME = "frame", "Frame"

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="paid_vectors")
    purpose = models.CharField(max_length=8, choices=Purpose.choices, default=Purpose.QUERY)
    text_hash = models.CharField(max_length=32)
    text = models.TextField()
    vector = models.BinaryField(help_text="float32, little-endian.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "paid_vectors"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["space", "purpose", "text_hash"], name="paid_vectors_one_per_text")
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Viewing(models.Model):
    """The media embedding of one video (or one part of a long one) or picture: a paid call, and the vectors it gave.

    Kept for good under the content's hash, so that the same content is never paid twice in a space, whatever becomes
    of its files. Sound while Bedrock works: state, the call's token and address are stored before each step.
    """

    class State(models.TextChoices):
        READY = "ready", "To be sent"
        SENT = "sent", "With Bedrock"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="viewings")
    content_hash = models.CharField(max_length=64)
    part = models.PositiveSmallIntegerField(default=0, help_text="Of a video too long for one call; counted from 0.")
    file = models.ForeignKey(File, null=True, blank=True, on_delete=models.SET_NULL, related_name="viewings")
    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    folder = models.CharField(max_length=32, blank=True, help_text="Where it is staged; also names the call.")
    is_staged = models.BooleanField("staged in S3", default=False)
    invocation_arn = models.CharField(max_length=200, blank=True)
    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    parts = models.PositiveSmallIntegerField(default=1)
    start_s = models.FloatField(default=0.0, help_text="Where in the source its part begins.")
    duration_s = models.FloatField(null=True, blank=True)
    spans = models.JSONField(default=list, blank=True, editable=False, help_text="[start, end] of each vector.")
    vectors = models.BinaryField(default=bytes, help_text="float32, little-endian, row by row.")
    problems = models.JSONField(default=list, blank=True, help_text="Pieces that could not be embedded, and why.")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    called_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "viewings"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["space", "content_hash", "part"], name="viewings_one_per_part")]
        indexes = [models.Index(fields=["content_hash", "state"], name="viewings_by_content")]

    def __str__(self) -> str:
        return f"{self.file or self.content_hash[:12]}: {self.get_state_display().lower()}"

    @property
    def token(self) -> str:
        """The client token of the call: AWS starts nothing twice for the same one."""
        return f"novaproject-{self.folder}"

    @property
    def matrix(self) -> Floats:
        """float32 (pieces, dimension), unit rows."""
        return np.frombuffer(bytes(self.vectors), dtype="<f4").reshape(len(self.spans), self.space.dimension)

    def restart(self, folder: str) -> None:
        """Begin anew, under a name of its own."""
        self.state, self.folder, self.invocation_arn, self.error = self.State.READY, folder, "", ""
        self.entry, self.called_at, self.ended_at, self.is_staged = None, None, None, False
        self.save()

    def sent(self, arn: str) -> None:
        self.state, self.invocation_arn = self.State.SENT, arn
        self.save(update_fields=["state", "invocation_arn"])

    def done(self, spans: Sequence[Sequence[float | None]], vectors: Floats, problems: Sequence[str] = ()) -> None:
        self.state, self.ended_at, self.error = self.State.DONE, timezone.now(), ""
        self.spans, self.vectors = [list(span) for span in spans], vectors.astype("<f4").tobytes()
        self.problems = list(problems)
        self.save()

    def fail(self, error: str) -> None:
        self.state, self.ended_at, self.error = self.State.FAILED, timezone.now(), error
        self.save(update_fields=["state", "ended_at", "error"])


class PictureFloor(models.Model):
    """What a picture must reach to be found in a space: learnt from unrelated captions and a sample of the library."""

    space = models.OneToOneField(Space, on_delete=models.CASCADE, related_name="picture_floor")
    version = models.CharField(max_length=32, editable=False, help_text="Of the captions and the model.")
    captions = models.BinaryField(editable=False, help_text="Their vectors: float32, little-endian, row by row.")
    margin = models.FloatField(default=0.0, help_text="Likeness beyond what all pictures have.")
    stands_out = models.FloatField(default=0.0, help_text="In widths of what the question reaches elsewhere.")
    sample = models.PositiveIntegerField(default=0, help_text="Frames of the library that it was learnt from.")

    class Meta:
        db_table = "picture_floors"

    def __str__(self) -> str:
        return f"{self.margin:.3f}, {self.stands_out:.1f} widths in {self.space}"


class SavedQuery(models.Model):
    """A search worth making again, by its name: for what is new, and for comparing two spaces before a switch."""

    class Mode(models.TextChoices):
        HYBRID = "hybrid", "Words and meaning"
        KEYWORD = "keyword", "Exact words"
        SEMANTIC = "semantic", "Meaning"

    name = models.CharField(max_length=200, blank=True, help_text="Empty: the question itself.")
    text = models.CharField("question", max_length=500)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.HYBRID)
    filter = models.JSONField(default=dict, blank=True, help_text="Filters of the file list, by name.")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    opened_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["SavedQuery"]] = models.Manager()

    class Meta:
        db_table = "saved_queries"
        ordering = ["name", "id"]
        verbose_name = "saved search"
        verbose_name_plural = "saved searches"
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=~Q(name=""), name="saved_queries_one_per_name")
        ]

    def __str__(self) -> str:
        return self.name or self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name = self.name or self.text[:200]
        super().save(*args, **kwargs)

    def open(self) -> None:
        """What it finds from now on that was not there before is new."""
        self.opened_at = timezone.now()
        self.save(update_fields=["opened_at"])
