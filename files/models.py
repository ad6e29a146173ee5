"""The library's rows: roots, files, proxies, and what could not be imported."""

import os
from pathlib import Path
from typing import ClassVar, Self

from django.db import connection, models
from django.db.models import F, Q, QuerySet
from django.utils import timezone

IN_LIBRARY = Q(removed_at__isnull=True)
#: What a step may need of a file; which step needs what is said by its facet (`files.selection.facets`).
IS_VIDEO = Q(media_type="video")
IS_PLAYABLE = Q(media_type__in=("video", "audio"))
IS_AUDIBLE = ~Q(audio_codec="")
IS_VISIBLE = Q(media_type__in=("video", "image"))
#: In `File.metadata`: the length that was decoded, where it is another than the container claims.
DECODED = "decoded_s"
#: In `File.metadata`: a picture of which only a part could be read.
IS_DAMAGED = "is_damaged"


class RootQuerySet(QuerySet["Root"]):
    """Questions about folders."""

    def listed(self) -> Self:
        """Those of the library. One that was removed keeps its row, as its files do, and can come back."""
        return self.filter(removed_at__isnull=True)

    def scannable(self) -> Self:
        """Those that can be looked through now."""
        return self.listed().filter(is_present=True, is_uploads=False)


class Root(models.Model):
    """A folder whose media files are in the library where they lie.

    It is known by file system, inode and a sample of its content, kept here: nothing is ever written into it.
    """

    name = models.CharField(max_length=255)
    path = models.TextField(unique=True, help_text="Absolute path of the folder.")
    path_raw = models.BinaryField(null=True, editable=False)
    fs_id = models.CharField("file system", max_length=64, blank=True, editable=False)
    inode = models.BigIntegerField(null=True, editable=False)
    sample = models.JSONField(default=list, blank=True, editable=False)
    is_present = models.BooleanField("present", default=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    is_uploads = models.BooleanField("holds uploads", default=False)
    # The rules of this folder: what is empty here is left to the settings.
    steps = models.JSONField(null=True, blank=True, help_text="What an import goes on to do; empty: IMPORT_STEPS.")
    language = models.CharField(max_length=16, blank=True, help_text="Spoken in every file of this folder.")
    languages = models.JSONField(default=list, blank=True, help_text="The only ones that may be recognised.")
    vocabulary = models.JSONField(default=list, blank=True, help_text="Names and terms that are spoken here.")
    audio_track = models.PositiveSmallIntegerField("sound track", null=True, blank=True, help_text="Counted from 0.")
    never_send = models.BooleanField("never send to AWS", default=False)
    scan_minutes = models.PositiveIntegerField(
        "scanned every", null=True, blank=True, help_text="Minutes; 0: never by itself; empty: SCAN_MINUTES."
    )
    scanned_at = models.DateTimeField("last scan", null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RootQuerySet.as_manager()

    class Meta:
        db_table = "roots"
        ordering = ["path"]
        verbose_name = "folder"
        constraints = [
            models.UniqueConstraint(fields=["is_uploads"], condition=Q(is_uploads=True), name="roots_one_for_uploads"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def local_path(self) -> Path:
        """The folder as the operating system knows it, also where its name is not UTF-8."""
        return Path(os.fsdecode(bytes(self.path_raw))) if self.path_raw is not None else Path(self.path)


class FileQuerySet(QuerySet["File"]):
    """Questions about files."""

    def in_library(self) -> Self:
        return self.filter(IN_LIBRARY)

    def in_trash(self) -> Self:
        return self.exclude(IN_LIBRARY)

    def available(self) -> Self:
        return self.filter(state=File.State.AVAILABLE)

    def missing(self) -> Self:
        return self.filter(state=File.State.MISSING)

    def under(self, directory: str) -> Self:
        """Files in this folder of their root or below it. The empty string is the root itself."""
        folder = directory.strip("/")
        # A range instead of LIKE, so that the index on (root, path) serves it; "0" follows "/" in ASCII.
        return self.filter(path__gte=f"{folder}/", path__lt=f"{folder}0") if folder else self

    def duplicated(self, *, wanted: bool = True) -> Self:
        """Files that have, or have not, an exact duplicate in the library."""
        same = File.objects.filter(full_hash=models.OuterRef("full_hash"))
        others = models.Exists(same.exclude(pk=models.OuterRef("pk")))
        # Most files have no full hash: these must not be compared with each other, all with all.
        unknown = Q(full_hash="")
        return self.filter(~unknown, others) if wanted else self.filter(unknown | ~others)


_Files = models.Manager.from_queryset(FileQuerySet)


class AllFiles(_Files["File"]):
    """Every row, those that were removed from the library included."""

    def hold(self, *ids: int) -> None:
        """Let nobody else change what belongs to these files until this transaction ends: what is read of it now is
        still so when it is written. In SQLite the transaction itself sees to that."""
        if connection.features.has_select_for_update:
            rows = self.model.everything.filter(pk__in=ids).order_by(
                "pk"
            )  # in one order, so that no two wait for each other
            list(rows.select_for_update(no_key=True).values_list("pk"))


class LibraryFiles(AllFiles):
    """What is in the library."""

    def get_queryset(self) -> FileQuerySet:
        return FileQuerySet(self.model, using=self._db).in_library()


class File(models.Model):
    """A media file of the library, stored as (root, relative path)."""

    class MediaType(models.TextChoices):
        VIDEO = "video", "Video"
        AUDIO = "audio", "Audio"
        IMAGE = "image", "Image"

    class State(models.TextChoices):
        AVAILABLE = "available", "Available"
        OFFLINE = "offline", "Offline"
        MISSING = "missing", "Missing"

    root = models.ForeignKey(Root, on_delete=models.PROTECT, related_name="files")
    path = models.TextField(help_text="Relative to the root, with forward slashes.")
    path_raw = models.BinaryField(null=True, editable=False)
    name = models.CharField(max_length=1024, help_text="The name as it came.")
    media_type = models.CharField(max_length=8, choices=MediaType.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.AVAILABLE)
    missing_since = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    trash_name = models.CharField(max_length=255, blank=True, editable=False)
    size_bytes = models.BigIntegerField("size")
    mtime_ns = models.BigIntegerField(default=0)
    inode = models.BigIntegerField(null=True, editable=False)
    duration_s = models.FloatField("duration", null=True, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    rotation = models.IntegerField(default=0)
    frame_rate = models.FloatField(null=True, blank=True)
    video_codec = models.CharField(max_length=64, blank=True)
    audio_codec = models.CharField(max_length=64, blank=True)
    bit_rate = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    imported_at = models.DateTimeField(default=timezone.now)
    s3_key = models.CharField(max_length=1024, null=True, blank=True)
    sampled_hash = models.CharField(max_length=64, blank=True)
    full_hash = models.CharField(max_length=64, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    objects: ClassVar[LibraryFiles] = LibraryFiles()
    everything: ClassVar[AllFiles] = AllFiles()

    class Meta:
        db_table = "files"
        ordering = ["-imported_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["root", "path"], condition=IN_LIBRARY, name="files_one_per_path"),
            models.CheckConstraint(condition=Q(size_bytes__gte=0), name="files_size_not_negative"),
            models.CheckConstraint(
                condition=Q(duration_s__isnull=True) | Q(duration_s__gte=0), name="files_duration_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(state="missing", missing_since__isnull=False)
                | (~Q(state="missing") & Q(missing_since__isnull=True)),
                name="files_missing_has_its_moment",
            ),
        ]
        # Each column of the contract's filters and orderings, over what is in the library.
        indexes = [
            models.Index(F("imported_at").desc(), F("id").desc(), condition=IN_LIBRARY, name="files_by_import"),
            models.Index(fields=["created_at"], condition=IN_LIBRARY, name="files_by_creation"),
            models.Index(fields=["media_type"], condition=IN_LIBRARY, name="files_by_type"),
            models.Index(fields=["state"], condition=IN_LIBRARY, name="files_by_state"),
            # With `removed_at` it covers the count and the total size of the whole library.
            models.Index(fields=["size_bytes", "removed_at"], condition=IN_LIBRARY, name="files_by_size"),
            models.Index(fields=["duration_s"], condition=IN_LIBRARY, name="files_by_duration"),
            models.Index(fields=["name"], condition=IN_LIBRARY, name="files_by_name"),
            models.Index(fields=["path"], condition=IN_LIBRARY, name="files_by_path"),
            models.Index(fields=["width"], condition=IN_LIBRARY, name="files_by_width"),
            models.Index(fields=["sampled_hash"], name="files_by_sampled_hash"),
            models.Index(fields=["full_hash"], name="files_by_full_hash"),
            # Only of what was removed: SQLite would take it for "removed_at IS NULL" and sort the library each time.
            models.Index(fields=["removed_at"], condition=~IN_LIBRARY, name="files_in_trash"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def local_path(self) -> Path:
        """Where the original lies when its drive is there. Read it through `files.storage.originals.as_local_path`."""
        relative = os.fsdecode(bytes(self.path_raw)) if self.path_raw is not None else self.path
        return self.root.local_path / relative

    @property
    def is_playable(self) -> bool:
        """Whether it lasts: a video or a sound, not a picture."""
        return self.media_type != self.MediaType.IMAGE

    @property
    def has_audio(self) -> bool:
        return bool(self.audio_codec)

    @property
    def latitude(self) -> float | None:
        """Where it was filmed, in degrees, south being negative."""
        latitude: float | None = self.metadata.get("latitude")
        return latitude

    @property
    def longitude(self) -> float | None:
        """Where it was filmed, in degrees, west being negative."""
        longitude: float | None = self.metadata.get("longitude")
        return longitude

    @property
    def camera(self) -> str:
        """With what it was filmed; empty where the file does not say."""
        return str(self.metadata.get("camera") or "")

    @property
    def resolution(self) -> str:
        return f"{self.width}×{self.height}" if self.width and self.height else ""

    def mark_removed(self, *, trash_name: str = "") -> None:
        """Out of the library; the row stays, and a re-import brings it back."""
        self.removed_at, self.trash_name = timezone.now(), trash_name
        self.save(update_fields=["removed_at", "trash_name"])

    def mark_back(self, state: str) -> None:
        """In the library again."""
        self.removed_at, self.trash_name = None, ""
        self.state = state
        self.missing_since = timezone.now() if state == self.State.MISSING else None
        self.save(update_fields=["removed_at", "trash_name", "state", "missing_since"])


class RemovedFiles(AllFiles):
    """What was removed from the library."""

    def get_queryset(self) -> FileQuerySet:
        return FileQuerySet(self.model, using=self._db).in_trash()


class RemovedFile(File):
    """A file in the trash: the same row, seen from there."""

    objects: ClassVar[RemovedFiles] = RemovedFiles()  # type: ignore[assignment]

    class Meta:
        proxy = True
        ordering = ["-removed_at", "-id"]
        verbose_name = "file in the trash"
        verbose_name_plural = "files in the trash"


class ProxyQuerySet(QuerySet["Proxy"]):
    """Questions about proxies."""

    def shown(self) -> Self:
        """Of files in the library, and made from the content that they have now: none shows another file's pictures."""
        is_current = Q(source_hash="") | Q(file__sampled_hash="") | Q(source_hash=F("file__sampled_hash"))
        return self.filter(is_current, file__removed_at__isnull=True)


class Proxy(models.Model):
    """A small H.264 MP4 of a file, made by us."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="proxies")
    proxy_spec = models.CharField(max_length=32)
    path = models.CharField(max_length=1024, unique=True, help_text="Relative to PROXY_DIR.")
    size_bytes = models.BigIntegerField("size")
    duration_s = models.FloatField("duration", null=True, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    is_partial = models.BooleanField("partial", default=False)
    source_hash = models.CharField(max_length=64, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProxyQuerySet.as_manager()

    class Meta:
        db_table = "proxies"
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "proxies"
        constraints = [models.UniqueConstraint(fields=["file", "proxy_spec"], name="proxies_one_per_spec")]
        indexes = [models.Index(F("created_at").desc(), F("id").desc(), name="proxies_latest")]

    def __str__(self) -> str:
        return self.path

    @property
    def is_outdated(self) -> bool:
        """Whether its file has other content now; then it is not shown."""
        return bool(self.source_hash and self.file.sampled_hash) and self.source_hash != self.file.sampled_hash


class Problem(models.Model):
    """A file under a root that could not be imported, with the reason and what to do."""

    root = models.ForeignKey(Root, on_delete=models.CASCADE, related_name="problems")
    path = models.TextField(help_text="Relative to the root.")
    path_raw = models.BinaryField(null=True, editable=False)
    kind = models.CharField(max_length=32)
    reason = models.TextField()
    remedy = models.TextField(blank=True)
    size_bytes = models.BigIntegerField("size", default=0)
    mtime_ns = models.BigIntegerField(default=0)
    times = models.PositiveIntegerField(default=1, help_text="How often it was tried.")
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "problems"
        ordering = ["-seen_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["root", "path"], name="problems_one_per_path")]

    def __str__(self) -> str:
        return self.path

    @property
    def local_path(self) -> Path:
        relative = os.fsdecode(bytes(self.path_raw)) if self.path_raw is not None else self.path
        return self.root.local_path / relative
