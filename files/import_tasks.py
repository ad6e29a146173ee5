"""Both sides of the door to background imports and scans, and what goes on after them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from files import conf
from files.errors import PathRefusedError
from files.importing import roots
from files.importing.arrivals import Arrivals
from files.importing.directories import import_directory, importable
from files.importing.reports import ImportReport
from files.importing.scanning import scan_root
from files.importing.uploading import store_upload
from files.models import File, Root
from files.signals import file_back, file_moved, media_ready, root_scanned
from files.storage.paths import shown_path
from files.upkeep.removing import restore_file
from jobs.control import retry_all
from jobs.models import Batch, Job
from jobs.progress import NO_PROGRESS, Progress
from jobs.queue import create_batch, enqueue, enqueue_many
from jobs.registry import FAST, Kind, register, register_subject
from jobs.work import Work
from jobs.workers.ticks import register_tick

#: They go before other short work: a person waits for them.
SCAN_PRIORITY = 10
#: Files that are still being copied are looked at again after so long. After a look that found nothing finished it is
#: that much longer each time, and after so many of them (almost eight hours) it is given up.
AGAIN_AFTER = timedelta(seconds=60)
MAX_IN_VAIN = 30
#: How often it is looked whether a folder's scan is due.
SCAN_CHECK_S = 60.0
#: A drive may have been away so long before the tick noticed it.
NOTICED_WITHIN = timedelta(minutes=10)


class FollowUp:
    """What goes on with files that an import brought: proxies in one batch, or straight to what comes after them."""

    def __init__(self, label: str, *, make_proxies: bool, created_by: AbstractBaseUser | None = None) -> None:
        self.label = label
        self.make_proxies = make_proxies
        self.created_by = created_by
        self.batch: Batch | None = None

    def makes_proxy(self, file: File) -> bool:
        """Whether a proxy is asked for: by whoever imports, and by the rule of the folder."""
        return self.make_proxies and "proxy" in conf.steps_for(file.root.steps)

    def __call__(self, arrivals: Arrivals) -> None:
        """Called in the transaction that writes the files, so that neither is there without the other."""
        files = arrivals.files
        if not files and not arrivals.moved:
            return
        files = [file for file in files if self.makes_proxy(file)]
        if files:
            if self.batch is None:
                self.batch = create_batch(self.label, "proxy", created_by=self.created_by)
            enqueue_many("make_proxy", [file.pk for file in files], batch=self.batch, created_by=self.created_by)
        transaction.on_commit(lambda: self._tell(arrivals))

    def _tell(self, arrivals: Arrivals) -> None:
        for file in arrivals.back:
            file_back.send_robust(File, file=file)
        for file in arrivals.moved:
            file_moved.send_robust(File, file=file)
        for file in arrivals.files:
            if not self.makes_proxy(file):
                media_ready.send_robust(File, file=file, reason="Making proxies is switched off.")


def import_now(
    path: str | Path,
    *,
    recursive: bool = True,
    make_proxies: bool = True,
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
    created_by: AbstractBaseUser | None = None,
) -> ImportReport:
    """Import a folder in this process and enqueue what follows."""
    follow_up = FollowUp(f"Import of {shown_path(Path(path).name)}", make_proxies=make_proxies, created_by=created_by)
    report = import_directory(path, recursive=recursive, dry_run=dry_run, progress=progress, arrived=follow_up)
    _has_ended(report)
    return report


def upload_now(
    upload: "UploadedFile[bytes]", *, make_proxy: bool = True, created_by: AbstractBaseUser | None = None
) -> File:
    """Take an uploaded file in and enqueue what follows."""
    follow_up = FollowUp(f"Upload of {shown_path(upload.name or '')}", make_proxies=make_proxy, created_by=created_by)
    return store_upload(upload, arrived=follow_up)


def restore_now(file: File, *, created_by: AbstractBaseUser | None = None) -> None:
    """Bring a removed file back and enqueue what was thrown away with it."""
    restore_file(file, arrived=FollowUp(f"Restore {file.name}", make_proxies=True, created_by=created_by))


def request_import(
    path: str,
    *,
    recursive: bool = True,
    make_proxies: bool = True,
    user: AbstractBaseUser | None = None,
    any_folder: bool = False,
) -> Job:
    """Enqueue the import of a folder. Raises PathRefusedError outside of the import roots and the known ones.

    `any_folder`: an administrator chose it by hand, on the page of folders.
    """
    folder = roots.real_path(path) if any_folder else require_importable(path)
    root = roots.find_or_make_root(roots.checked_folder(folder))
    options = {"path": str(folder), "recursive": recursive, "make_proxies": make_proxies}
    return enqueue("import_directory", root.pk, options, priority=SCAN_PRIORITY, created_by=user)


def require_importable(path: str) -> Path:
    """The real path of a folder that doors without a shell may look into. Raises PathRefusedError for all others."""
    allowed = conf.import_roots()
    folder = roots.real_path(path)
    # Before it is looked at: what lies elsewhere on the server's disks is nobody's business here.
    if not importable(folder, allowed):
        known = Root.objects.filter(is_uploads=False).values_list("path", flat=True)
        places = ", ".join(dict.fromkeys([*map(str, allowed), *known])) or "none yet"
        raise PathRefusedError(
            f"{shown_path(str(folder))} is not in a folder that may be imported from here ({places}).",
            remedy="Add it to IMPORT_ROOTS, or use `.venv/bin/python manage.py import_directory` in a shell.",
        )
    return folder


def request_scan(root: Root, *, retry_problems: bool = False, user: AbstractBaseUser | None = None) -> Job:
    """Enqueue a scan of a root."""
    options = {"retry_problems": True} if retry_problems else {}
    return enqueue("scan_root", root.pk, options, priority=SCAN_PRIORITY, created_by=user)


def run_import(work: Work) -> str:
    """The body of `import_directory`. Raises PathRefusedError where its folder has become a link to another."""
    options = work.options
    folder = Path(options["path"])  # without links when it was asked for, and checked then
    if roots.real_path(folder) != folder:
        raise PathRefusedError(
            f"{shown_path(str(folder))} leads to another place than when its import was asked for.",
            remedy="See who changed it, then import the folder itself.",
        )
    created_by = Job.objects.get(pk=work.job_id).created_by
    report = import_now(
        options["path"],
        recursive=options.get("recursive", True),
        make_proxies=options.get("make_proxies", True),
        progress=work.progress,
        created_by=created_by,
    )
    return report.summary()


def scan_now(
    root: Root, *, retry_problems: bool = False, progress: Progress = NO_PROGRESS, times: int = 0, in_vain: int = 0
) -> ImportReport:
    """Scan a root in this process and enqueue what follows. `times` it was done again, the last ones `in_vain`."""
    follow_up = FollowUp(f"Scan of {root.name}", make_proxies=True)
    report = scan_root(root, progress=progress, arrived=follow_up, retry_problems=retry_problems)
    _has_ended(report, times=times, in_vain=in_vain)
    return report


def run_scan(work: Work) -> str:
    """The body of `scan_root`."""
    options = work.options
    report = scan_now(
        Root.objects.get(pk=work.subject),
        retry_problems=bool(options.get("retry_problems")),
        progress=work.progress,
        times=int(options.get("again", 0)),
        in_vain=int(options.get("in_vain", 0)),
    )
    return report.summary()


def scan_by_themselves(now: datetime | None = None) -> int:
    """The tick: look through each folder whose last look is long enough ago. Returns how many scans were asked for."""
    moment = now or timezone.now()
    count = 0
    for root in Root.objects.scannable():
        minutes = conf.scan_minutes() if root.scan_minutes is None else root.scan_minutes
        if minutes and (root.scanned_at is None or moment - root.scanned_at >= timedelta(minutes=minutes)):
            request_scan(root)
            count += 1
    return count


def look_for_drives() -> None:
    """The tick: notice drives that went or came back; scan what came back, and try again what failed meanwhile."""
    away_since = dict(Root.objects.filter(is_present=False).values_list("pk", "missing_since"))
    for root in roots.look_for_roots():
        if root.removed_at is not None:
            continue
        request_scan(root)
        if (since := away_since.get(root.pk)) is not None:
            failed = Job.objects.failed().filter(kind="make_proxy", finished_at__gte=since - NOTICED_WITHIN)
            retry_all(failed.filter(subject_id__in=root.files.values("pk")))


def _has_ended(report: ImportReport, *, times: int = 0, in_vain: int = 0) -> None:
    """Tell the floors above, and scan once more, a little later, if something was still being copied."""
    if report.dry_run or report.root_id is None:
        return
    Root.objects.filter(pk=report.root_id).update(scanned_at=timezone.now())
    root_scanned.send_robust(Root, root_id=report.root_id)
    in_vain = in_vain + 1 if times and not report.imported and not report.changed else 0
    if not report.waiting or in_vain > MAX_IN_VAIN:
        return
    # The count makes it another request than the scan that is running: it would join that one otherwise.
    options = {"again": times + 1, **({"in_vain": in_vain} if in_vain else {})}
    enqueue("scan_root", report.root_id, options, run_after=timezone.now() + AGAIN_AFTER * max(1, in_vain))


def labels_of_files(ids: Sequence[int]) -> dict[int, str]:
    return dict(File.everything.filter(pk__in=ids).values_list("pk", "name"))


def labels_of_roots(ids: Sequence[int]) -> dict[int, str]:
    return dict(Root.objects.filter(pk__in=ids).values_list("pk", "name"))


def register_library() -> None:
    """Make the kinds of work of the library known. Called in `AppConfig.ready()`."""
    register_subject("file", labels=labels_of_files, url=lambda pk: reverse("file-page", args=[pk]))
    register_subject("root", labels=labels_of_roots)
    register_tick("library roots", conf.roots_check_s, look_for_drives)
    register_tick("library scans", lambda: SCAN_CHECK_S, scan_by_themselves)
    # Beside the short jobs, so that neither waits behind hours of speech to text; the limits leave those a worker.
    for name, label, run, limit in (
        ("import_directory", "Import folder", run_import, conf.imports_at_once),
        ("scan_root", "Scan folder", run_scan, 1),
    ):
        register(
            Kind(
                name=name,
                label=label,
                queue=FAST,
                run=run,
                subject_kind="root",
                permission="files.change_root",
                limit=limit,
            )
        )
