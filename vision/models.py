"""The frames of a file that are worth looking at. Their pictures lie beside the file's other derived pictures."""

from typing import Self

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from files.models import File

#: Of files in the library, and made from the content that they have now.
IS_CURRENT = (Q(file__sampled_hash="") | Q(source_hash=F("file__sampled_hash"))) & Q(file__removed_at__isnull=True)


class FrameSelectionQuerySet(QuerySet["FrameSelection"]):
    def current(self) -> Self:
        """Of files in the library, and chosen from the content that they have now."""
        return self.filter(IS_CURRENT)


class FrameSelection(models.Model):
    """That the frames of a file were chosen, from which content, and what was passed over."""

    file = models.OneToOneField(File, on_delete=models.CASCADE, related_name="frame_selection")
    source_hash = models.CharField(max_length=64, blank=True)
    every_s = models.FloatField("at most apart", help_text="Seconds without a frame within a shot, at most.")
    frame_count = models.PositiveIntegerField("frames", default=0)
    shot_count = models.PositiveIntegerField("shots", default=0)
    blank_count = models.PositiveIntegerField(
        "blank", default=0, help_text="Looks at the video where it was black or of one colour."
    )
    same_count = models.PositiveIntegerField(
        "same as before", default=0, help_text="Frames left out because they show what the one before shows."
    )
    stills_bytes = models.BigIntegerField("size of the stills", default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects = FrameSelectionQuerySet.as_manager()

    class Meta:
        db_table = "frame_selections"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.frame_count} frames of {self.file}"


class Frame(models.Model):
    """A frame of a file: its number, its second, a hash of what it shows, and where its still lies."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="frames", db_index=False)
    n = models.PositiveIntegerField("number")
    at_s = models.FloatField("second")
    hash = models.BinaryField(max_length=8, editable=False, help_text="Perceptual: alike for pictures that look alike.")
    still_offset = models.PositiveBigIntegerField(editable=False)
    still_bytes = models.PositiveIntegerField(editable=False)

    class Meta:
        db_table = "frames"
        ordering = ["file_id", "n"]
        constraints = [models.UniqueConstraint(fields=["file", "n"], name="frames_one_per_number")]

    def __str__(self) -> str:
        return f"{self.file_id} at {self.at_s:g} s"


class ScreenReadingQuerySet(QuerySet["ScreenReading"]):
    def current(self) -> Self:
        """Of files in the library, and read from the content that they have now."""
        return self.filter(IS_CURRENT)


class ScreenReading(models.Model):
    """That the text on screen of a file was read, from which content."""

    file = models.OneToOneField(File, on_delete=models.CASCADE, related_name="screen_reading")
    source_hash = models.CharField(max_length=64, blank=True)
    engine = models.CharField(max_length=32)
    frame_count = models.PositiveIntegerField("frames", default=0)
    line_count = models.PositiveIntegerField("lines", default=0)
    took_s = models.FloatField("seconds", default=0.0)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScreenReadingQuerySet.as_manager()

    class Meta:
        db_table = "screen_readings"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.line_count} lines of {self.file}"


class ScreenText(models.Model):
    """A line of text that stands on screen from second to second."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="screen_texts", db_index=False)
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    start_s = models.FloatField("start")
    end_s = models.FloatField("end")
    confidence = models.FloatField()

    class Meta:
        db_table = "screen_texts"
        ordering = ["file_id", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["file", "ordinal"], name="screen_texts_one_per_place")]

    def __str__(self) -> str:
        return self.text[:80]


class DuplicateGroup(models.Model):
    """Files that show the same; found anew by each look through the library."""

    class Kind(models.TextChoices):
        SAME = "same", "Same bytes"
        RECODED = "recoded", "Same picture in another coding"
        CUT = "cut", "Cut from the other"
        BURST = "burst", "Taken in a burst"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "duplicate_groups"
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class DuplicateMember(models.Model):
    """A file of a group."""

    group = models.ForeignKey(DuplicateGroup, on_delete=models.CASCADE, related_name="members")
    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="duplicate_members")

    class Meta:
        db_table = "duplicate_members"
        ordering = ["group_id", "-file__size_bytes", "file_id"]
        constraints = [models.UniqueConstraint(fields=["group", "file"], name="duplicate_members_once_a_group")]

    def __str__(self) -> str:
        return f"{self.file_id} in {self.group_id}"
