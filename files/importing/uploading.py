"""Uploads: streamed to disk beside their place, looked into, then renamed into the library."""

from pathlib import Path

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction
from django.utils import timezone

from files import conf
from files.errors import FilesError, UploadRefusedError
from files.importing import roots
from files.importing.arrivals import Arrivals, Arrived, nobody_waits
from files.importing.ingest import describe
from files.importing.inspection import Inspection
from files.importing.listing import entry_of
from files.media.decoding import media_info_once
from files.models import File
from files.storage import disk, naming
from files.storage.hashing import sampled_hash
from files.storage.paths import shown_path
from jobs.errors import WorkError

COPY_BYTES = 1024 * 1024
#: Room that stays free beside an upload, for the database and for proxies.
SPARE_BYTES = 256 * 1024 * 1024


def store_upload(upload: "UploadedFile[bytes]", *, arrived: Arrived = nobody_waits) -> File:
    """Take an uploaded file into the library as `originalname_<id>.ext`. Its name is kept as it came.

    Raises UploadRefusedError for what is not media and for a name that is a path. Nothing is left behind then.
    """
    name = checked_name(upload.name or "")
    if isinstance(upload, TemporaryUploadedFile):  # Django has streamed it beside the uploads already
        temp = Path(upload.temporary_file_path())
    else:
        temp = disk.temporary(conf.folders().uploads / ".incoming" / "upload")
        with disk.open_new(temp) as out:
            for chunk in upload.chunks(COPY_BYTES):
                out.write(chunk)
    try:
        inspection = inspect_upload(temp, name)
        disk.make_lasting(temp)  # before the transaction: nobody could write meanwhile
        return _keep(temp, name, inspection, arrived)
    finally:
        disk.remove(temp)


def checked_name(name: str) -> str:
    """A name without a path in it. Raises UploadRefusedError."""
    if not name.strip() or name in (".", ".."):
        raise UploadRefusedError("The file has no name.", remedy="Give it one, such as clip.mp4.")
    if "/" in name or "\\" in name or "\0" in name:
        raise UploadRefusedError(
            f"“{naming.shown(name)}” is a path, not a file name.", remedy="Send the name alone, such as clip.mp4."
        )
    return name


def require_room(size_bytes: int) -> None:
    """Raise NoSpaceError where an upload of this size would fill the disk."""
    disk.require_space(conf.folders().uploads, size_bytes + SPARE_BYTES)


def inspect_upload(temp: Path, name: str) -> Inspection:
    """What is in an upload. Raises UploadRefusedError for what is not media, in words that know its own name."""
    entry = entry_of(name, temp.stat())
    try:
        return Inspection(entry=entry, info=media_info_once(temp), sampled_hash=sampled_hash(temp))
    except WorkError as error:
        reason = str(error).replace(shown_path(temp.name), naming.shown(name))
        raise UploadRefusedError(reason, remedy=error.remedy) from error
    except OSError as error:
        raise FilesError(f"The upload could not be read back: {error.strerror}.", retryable=True) from error


def _keep(temp: Path, name: str, inspection: Inspection, arrived: Arrived) -> File:
    """Row first, since the name holds its id; then the bytes, in the same transaction."""
    target: Path | None = None
    try:
        with transaction.atomic():
            file = describe(File(root=roots.uploads_root(), imported_at=timezone.now()), inspection)
            file.path = temp.name
            file.save(force_insert=True)
            target = conf.folders().uploads / naming.upload_name(name, file.pk)
            file.path, file.path_raw, file.name = target.name, None, naming.shown(name)
            if target.exists():  # left from another database; no row knows it, and it may be the only copy
                disk.move_to_trash(target)
            disk.replace(temp, target)
            # Renaming changes no time: what was looked at is what a scan will see.
            file.save(update_fields=["path", "path_raw", "name"])
            arrived(Arrivals(new=[file]))
    except BaseException:
        # Not where the row is there: then something failed that follows it.
        if target is not None and not File.everything.filter(root__is_uploads=True, path=target.name).exists():
            disk.remove(target)
        raise
    return file
