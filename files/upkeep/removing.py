"""Out of the library and back: a row is kept, an imported original is never touched, uploaded bytes go to the trash."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from files import conf
from files.errors import FilesError
from files.importing import roots
from files.importing.arrivals import Arrivals, Arrived, nobody_waits
from files.media.derived import folder
from files.models import File, FileQuerySet, Proxy
from files.signals import file_gone
from files.storage import disk
from jobs.bulk import sliced
from jobs.control import cancel_for_subject


class NotRestorableError(FilesError):
    code = "not_restorable"
    status = 409


def remove_file(file: File, *, by_job: int | None = None) -> None:
    """Take a file out of the library, with its proxies and what was derived; its jobs are cancelled, but `by_job`.

    Nova jobs, replies and the ledger stay. An uploaded file's bytes are moved to the trash. Nothing is done where
    somebody else has just removed it.
    """
    if not File.objects.filter(pk=file.pk).exists():
        return
    cancel_for_subject("file", file.pk, but=by_job)
    proxies = list(file.proxies.values_list("path", flat=True))
    # Before the transaction: on another disk it is a copy, and nobody could write meanwhile.
    trash_name = bytes_to_trash(file) if file.root.is_uploads else ""
    with transaction.atomic():
        File.everything.hold(file.pk)
        file.proxies.all().delete()
        file.mark_removed(trash_name=trash_name)
        transaction.on_commit(lambda: after_removal(file, proxies))


def after_removal(file: File, proxies: Sequence[str]) -> None:
    """Delete what was made of a removed file, but for a proxy that a new row names, and tell the floors above."""
    for path in proxies:
        if not Proxy.objects.filter(path=path).exists():
            disk.remove(conf.folders().proxies / path)
    disk.remove_tree(folder(file.pk))
    file_gone.send_robust(File, file=file)


def restore_file(file: File, *, arrived: Arrived = nobody_waits) -> None:
    """Bring a removed file back with its id. `arrived` is told in the same transaction.

    Raises NotRestorableError where its place is taken or its bytes are gone.
    """
    if file.removed_at is None:
        return
    if File.objects.filter(root=file.root, path=file.path).exclude(pk=file.pk).exists():
        raise NotRestorableError(
            f"There is another file at {file.path} in {file.root.name} now.", remedy="Remove that one first."
        )
    if file.trash_name:
        bytes_back(file)
    if not roots.is_there(file.root):
        state = File.State.OFFLINE
    else:
        state = File.State.AVAILABLE if file.local_path.is_file() else File.State.MISSING
    with transaction.atomic():
        file.mark_back(state)
        arrived(Arrivals(back=[file]))


def trash() -> FileQuerySet:
    """What was removed from the library, latest first."""
    return File.everything.in_trash().select_related("root").order_by("-removed_at", "-pk")


def deletable(files: QuerySet[Any]) -> QuerySet[Any]:
    """The removed uploads among these.

    Rows of imported originals stay: they are what keeps a scan from taking the originals in again.
    """
    return files.filter(root__is_uploads=True, removed_at__isnull=False)


def delete_for_good(file: File) -> bool:
    """Delete the bytes and the row of a removed upload. False where it came back to the library meanwhile."""
    # The bytes first: who is killed in between still has the row to begin again with.
    if file.trash_name:
        disk.remove(conf.folders().trash / file.trash_name)
    deleted, _ = deletable(File.everything.filter(pk=file.pk)).delete()
    return deleted > 0


def replaceable(proxies: QuerySet[Proxy]) -> QuerySet[Proxy]:
    """Those that can be made again now. Where an original is away or gone, its proxy is all that can be watched."""
    return proxies.filter(file__state=File.State.AVAILABLE)


def delete_proxies(proxies: QuerySet[Proxy]) -> int:
    """Delete the replaceable of these, rows and bytes; sound and posters stay. Returns how many."""
    doomed = list(replaceable(proxies).order_by("pk").values_list("pk", "path"))
    for chunk in sliced(doomed):
        Proxy.objects.filter(pk__in=[pk for pk, _ in chunk]).delete()
        for _, path in chunk:
            disk.remove(conf.folders().proxies / path)
    return len(doomed)


def bytes_to_trash(file: File) -> str:
    """Move the bytes; returns their name there, empty where they are gone.

    The name is written down first: if this is killed, or done twice at once, the bytes are found by it all the same.
    """
    File.objects.filter(pk=file.pk, trash_name="").update(trash_name=disk.name_in_trash(file.local_path))
    file.refresh_from_db(fields=["trash_name"])
    try:
        disk.move_to_trash(file.local_path, file.trash_name)
    except FileNotFoundError:  # moved already, or gone; the row can go all the same
        return file.trash_name if (conf.folders().trash / file.trash_name).is_file() else ""
    return file.trash_name


def bytes_back(file: File) -> None:
    """Move the bytes of a removed upload out of the trash again. Raises NotRestorableError."""
    kept = conf.folders().trash / file.trash_name
    if not kept.exists() and file.local_path.is_file():
        return  # an attempt that was killed has moved it already
    try:
        disk.restore(kept, file.local_path)
    except FileNotFoundError as error:
        raise NotRestorableError(f"The bytes of {file.name} are no longer in the trash.") from error
    except FileExistsError as error:
        raise NotRestorableError(
            f"There is a file named {file.local_path.name} among the uploads already.", remedy="Move it away first."
        ) from error
