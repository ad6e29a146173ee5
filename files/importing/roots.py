"""Library roots: known by what they are, not only by where they are; offline when their drive is away."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from files import conf
from files.errors import FolderNotFoundError, PathRefusedError, RootAbsentError, RootDiffersError
from files.importing.listing import MAX_INT
from files.models import File, FileQuerySet, Root
from files.storage.hashing import sampled_hash
from files.storage.paths import composed_forms, raw_path, shown_path, stored_path
from jobs.notices import clear, notify

#: So many files stand for the content of a root: enough to tell two folders apart, cheap on a slow drive.
SAMPLE_FILES = 8
RELOCATE_SAMPLE_FILES = 24
#: A root is the same one if so much of its sample is found with the same content.
SAME_SHARE = 0.5


@dataclass(frozen=True)
class Identity:
    """What a folder is, wherever it is mounted. `fs_id` is empty where the file system has none (some network ones)."""

    fs_id: str
    inode: int


@dataclass(kw_only=True)
class Relocation:
    """What re-pointing a root finds at the new place."""

    old_path: str
    new_path: str
    dry_run: bool
    checked: int = 0
    same: int = 0
    absent: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        return not self.checked or self.same >= self.checked * SAME_SHARE


def identify(folder: Path) -> Identity:
    """The identity of a folder. Raises OSError."""
    # st_dev changes from mount to mount; the file system's own id does not.
    fs_id = os.statvfs(folder).f_fsid
    return Identity(f"{fs_id:x}" if fs_id else "", folder.stat().st_ino & MAX_INT)


def checked_folder(path: str | Path) -> Path:
    """The real path of a folder that may be imported. Raises FolderNotFoundError, PathRefusedError."""
    folder = real_path(path)
    shown = shown_path(str(folder))
    try:
        if not folder.is_dir():
            kind = "is not a folder" if folder.exists() else "does not exist"
            raise FolderNotFoundError(f"{shown} {kind}.")
        os.scandir(folder).close()
    except OSError as error:
        raise FolderNotFoundError(f"{shown} cannot be read: {error.strerror}.") from error
    for own in own_folders():
        if folder.is_relative_to(own) and folder != conf.folders().demonstration.resolve():
            raise PathRefusedError(
                f"{shown} belongs to the library itself (uploads, proxies or data).",
                remedy="Choose the folder where your own media lie.",
            )
    return folder


def real_path(path: str | Path) -> Path:
    """The path with links and dots resolved, whether or not anything is there. Raises FolderNotFoundError."""
    if "\0" in os.fspath(path):
        raise FolderNotFoundError("A path cannot hold a NUL character.")
    try:
        folder = Path(path).expanduser().resolve()
        # A name that was typed is composed otherwise than the one on the disk may be.
        forms = (Path(form) for form in composed_forms(str(folder)))
        return next((form for form in forms if form.exists()), folder)
    except (OSError, RuntimeError) as error:  # a loop of links; no home folder of that name
        raise FolderNotFoundError(f"{shown_path(os.fspath(path))} cannot be followed: {error}.") from error


def own_folders() -> list[Path]:
    """Folders of ours: what lies there is not imported."""
    folders = conf.folders()
    return [folder.resolve() for folder in (folders.uploads, folders.proxies, folders.data)]


def find_root(folder: Path) -> Root | None:
    """The known root that holds this folder; of nested ones the innermost."""
    holding = [root for root in Root.objects.filter(is_uploads=False) if folder.is_relative_to(root.local_path)]
    return max(holding, key=lambda root: len(root.local_path.parts), default=None)


def nested_roots(folder: Path) -> list[Root]:
    """Known roots that lie below this folder."""
    roots = Root.objects.filter(is_uploads=False)
    return [root for root in roots if folder in root.local_path.parents]


def new_root(folder: Path) -> Root:
    """A root for this folder, not saved. Raises RootDiffersError where the folder is a known root that has moved."""
    identity = identify(folder)
    moved = Root.objects.filter(fs_id=identity.fs_id, inode=identity.inode, files__isnull=False).first()
    if identity.fs_id and moved is not None and matches_sample(moved, folder):
        raise RootDiffersError(
            f"This folder is the library root “{moved.name}”, which was at {moved.path}.",
            remedy="Tell the library that it has moved: .venv/bin/python manage.py relocate_root "
            f"{moved.pk} {shown_path(str(folder))}",
        )
    return Root(
        name=shown_path(folder.name) or "/",
        path=shown_path(str(folder)),
        path_raw=raw_path(str(folder)),
        fs_id=identity.fs_id,
        inode=identity.inode,
        last_seen_at=timezone.now(),
    )


def find_or_make_root(folder: Path) -> Root:
    """The root for an import of this folder: one that holds it already, or a new one."""
    root = find_root(folder)
    if root is not None and root.removed_at is not None:  # asked for again
        root.removed_at = None
        root.save(update_fields=["removed_at"])
    if root is None:
        root = new_root(folder)
        try:
            with transaction.atomic():
                root.save()
        except IntegrityError:  # another import of it has just begun
            root = Root.objects.get(path=root.path)
    return root


def choose_roots(names: list[str]) -> list[Root]:
    """Roots by id or path; without a name, all. Raises FolderNotFoundError."""
    if not names:
        return list(Root.objects.all())
    chosen = []
    for name in names:
        # As it stands in the database: the drive may be away, so nothing is resolved.
        path = shown_path(os.path.abspath(Path(name).expanduser()))  # noqa: PTH100
        root = Root.objects.filter(**({"pk": int(name)} if name.isdecimal() else {"path": path})).first()
        if root is None:
            known = "; ".join(f"{root.pk}: {root.path}" for root in Root.objects.all()) or "none yet"
            raise FolderNotFoundError(f"{name} is not a library root.", remedy=f"Known are {known}.")
        chosen.append(root)
    return chosen


def uploads_root() -> Root:
    """The root of what was uploaded."""
    folder = conf.folders().uploads.resolve()
    root, _ = Root.objects.update_or_create(
        is_uploads=True,
        defaults={"path": shown_path(str(folder)), "path_raw": raw_path(str(folder))},
        create_defaults={"name": "Uploads", "path": shown_path(str(folder)), "path_raw": raw_path(str(folder))},
    )
    return root


def is_there(root: Root) -> bool:
    """Whether the folder of a root is there and is the one that was known. An empty mount point is not."""
    folder = root.local_path
    try:
        with os.scandir(folder) as found:
            is_empty = next(found, None) is None
        identity = identify(folder)
    except OSError:
        return False
    if root.is_uploads:
        return True
    if is_empty:
        return not root.sample and (root.pk is None or not root.files.exists())
    if identity.fs_id and (identity.fs_id, identity.inode) == (root.fs_id, root.inode):
        return True
    return matches_sample(root, folder)


def matches_sample(root: Root, folder: Path) -> bool:
    """Whether `folder` holds the content that is known of the root."""
    if not root.sample:
        return True
    same = 0
    for sampled in root.sample:
        path = stored_path(sampled["path"], bytes.fromhex(sampled["raw"]) if sampled["raw"] else None)
        same += has_content(folder / path, sampled["sampled_hash"])
    return same >= len(root.sample) * SAME_SHARE


def has_content(path: Path, expected_hash: str) -> bool:
    """Whether the file is there with this sampled hash."""
    try:
        return path.is_file() and sampled_hash(path) == expected_hash
    except OSError:
        return False


def require_present(root: Root) -> None:
    """Look for the root's folder and note what was found. Raises RootAbsentError, with its files marked offline."""
    with suppress(OSError):  # it may go while it is looked at
        if is_there(root):
            mark_present(root)
            return
    mark_absent(root)
    raise RootAbsentError(f"The drive of “{root.name}” is away: {root.path} is not there, or is empty.")


def mark_absent(root: Root) -> None:
    """The drive is away: its files are offline, none is missing."""
    if root.is_present:
        root.is_present, root.missing_since = False, timezone.now()
        root.save(update_fields=["is_present", "missing_since"])
    root.files.filter(state=File.State.AVAILABLE).update(state=File.State.OFFLINE)
    notify(
        notice_key(root),
        f"The drive of “{root.name}” is away ({root.path}). Its files are offline; nothing is lost.",
        remedy="Connect the drive: it is noticed by itself. If the folder has moved, use relocate_root.",
    )


def mark_present(root: Root) -> None:
    """The drive is there: what was offline is available again, what was missing stays so until a scan finds it."""
    was_away = not root.is_present
    identity = identify(root.local_path)
    root.is_present, root.missing_since, root.last_seen_at = True, None, timezone.now()
    root.fs_id, root.inode = identity.fs_id, identity.inode
    root.save(update_fields=["is_present", "missing_since", "last_seen_at", "fs_id", "inode"])
    root.files.filter(state=File.State.OFFLINE).update(state=File.State.AVAILABLE)
    if was_away:
        clear(notice_key(root))


def look_for_roots() -> list[Root]:
    """Look at every root; returns those that came back, so that they can be scanned."""
    back = []
    for root in Root.objects.filter(is_uploads=False):
        was_there = root.is_present
        there = is_there(root)
        if there and not was_there:
            mark_present(root)
            back.append(root)
        elif was_there and not there:
            mark_absent(root)
    return back


def take_sample(root: Root) -> None:
    """Keep a few files as what the root is known by, spread over the library."""
    ids = list(_hashed(root).values_list("pk", flat=True))
    chosen = spread(ids, SAMPLE_FILES)
    root.sample = [
        {
            "path": file.path,
            "raw": bytes(file.path_raw).hex() if file.path_raw is not None else "",
            "sampled_hash": file.sampled_hash,
        }
        for file in File.objects.filter(pk__in=chosen)
    ]
    root.save(update_fields=["sample"])


def spread(ids: list[int], count: int) -> list[int]:
    """At most `count` of the ids, evenly spread."""
    step = max(1, len(ids) // count)
    return ids[::step][:count]


def relocate_root(root: Root, new_path: str | Path, *, dry_run: bool = False) -> Relocation:
    """Re-point a root to a folder that holds the same files, after checking a sample of them by content.

    Raises FolderNotFoundError, PathRefusedError, and RootDiffersError where the folder holds something else.
    """
    folder = checked_folder(new_path)
    for other in Root.objects.exclude(pk=root.pk):
        if folder.is_relative_to(other.local_path) or other.local_path.is_relative_to(folder):
            raise PathRefusedError(
                f"{shown_path(str(folder))} overlaps with the library root “{other.name}” ({other.path}).",
                remedy="Roots that lie in each other would list files twice. Choose another folder.",
            )
    report = Relocation(old_path=root.path, new_path=shown_path(str(folder)), dry_run=dry_run)
    ids = list(_hashed(root).values_list("pk", flat=True))
    _compare(File.objects.filter(pk__in=spread(ids, RELOCATE_SAMPLE_FILES)), folder, report)
    if not report.is_same and not dry_run:
        some = ", ".join([*report.different, *report.absent][:3])
        raise RootDiffersError(
            f"{report.new_path} does not hold the files of “{root.name}”: {report.same} of {report.checked} compared"
            f" are the same; not so {some}.",
            remedy="Nothing was changed. Check the path, or import the folder as a new root.",
        )
    if not dry_run:
        with transaction.atomic():
            root.path, root.path_raw = shown_path(str(folder)), raw_path(str(folder))
            root.save(update_fields=["path", "path_raw"])
            mark_present(root)
    return report


def _compare(files: Iterable[File], folder: Path, report: Relocation) -> None:
    for file in files:
        report.checked += 1
        path = folder / stored_path(file.path, file.path_raw)
        if has_content(path, file.sampled_hash):
            report.same += 1
        elif path.exists():
            report.different.append(file.path)
        else:
            report.absent.append(file.path)


def _hashed(root: Root) -> FileQuerySet:
    return File.objects.filter(root=root).exclude(sampled_hash="").exclude(state=File.State.MISSING).order_by("pk")


def notice_key(root: Root) -> str:
    return f"root-away-{root.pk}"
