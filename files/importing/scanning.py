"""Bringing the rows of a root in line with what lies in it. A scan never deletes a row and writes nothing there."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from files.errors import FilesError, NotMediaError, RootAbsentError, StillCopyingError
from files.importing import roots
from files.importing.duplicates import confirm_duplicates
from files.importing.ingest import DESCRIBED, describe, is_fresh, make_pool, settled
from files.importing.inspection import Inspection
from files.importing.listing import ListedFile, Listing, list_folder, without_collection
from files.importing.matching import Candidates, rearranged
from files.importing.problems import ProblemRecorder
from files.importing.reports import ImportReport, Pace
from files.models import File, FileQuerySet, Root
from files.storage.paths import has_media_extension, is_unfinished, shown_path, stored_path
from jobs.progress import NO_PROGRESS, Progress

#: Files that are looked into and written together: a cancel or a crash loses at most so many.
CHUNK = 100
#: Ids in one UPDATE; SQLite takes 32,766 parameters.
ID_BATCH = 5000
LISTING_SHARE = 0.05

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Files on which work begins: new ones, ones with new content, and ones that were removed from the library.

    Beside them those that have another name or folder, on which nothing but what is known by name has to be done.
    """

    new: Sequence[File] = ()
    changed: Sequence[File] = ()
    back: Sequence[File] = ()
    moved: Sequence[File] = ()

    @property
    def files(self) -> list[File]:
        """On which all work begins."""
        return [*self.new, *self.changed, *self.back]


Arrived = Callable[[Arrivals], None]


def nobody_waits(arrivals: Arrivals) -> None:
    """For scans after which nothing goes on."""


class KnownFile(NamedTuple):
    """What a scan needs to know of a row."""

    file_id: int
    size_bytes: int
    mtime_ns: int
    state: str
    inode: int | None


@dataclass(frozen=True, kw_only=True)
class ScanScope:
    """How much of a root is scanned, and how."""

    folder: str = ""
    recursive: bool = True
    dry_run: bool = False
    #: Bring back what was removed from the library, and try again what failed: an import does, a scan does not.
    by_request: bool = False


def scan_root(
    root: Root, *, progress: Progress = NO_PROGRESS, arrived: Arrived = nobody_waits, retry_problems: bool = False
) -> ImportReport:
    """Scan a whole root. `arrived` is told of new and changed files, in the transaction that writes them.

    Raises RootAbsentError where its drive is away; its files are offline then.
    """
    if retry_problems:
        root.problems.update(mtime_ns=-1)
    return Scan(root, ScanScope(), progress=progress, arrived=arrived).run()


class Scan:
    """One walk over a root, or over a folder of it."""

    def __init__(
        self, root: Root, scope: ScanScope, *, progress: Progress = NO_PROGRESS, arrived: Arrived = nobody_waits
    ) -> None:
        self.root, self.scope = root, scope
        self.folder = root.local_path
        self.progress, self.arrived = progress, arrived
        self.report = ImportReport(
            path=shown_path(str(self.folder / scope.folder)), root_id=root.pk, dry_run=scope.dry_run
        )
        self.problems = ProblemRecorder(root)
        self.rows: dict[str, KnownFile] = {}
        self.removed: dict[str, KnownFile] = {}
        self.gone: set[int] = set()
        self.claimed: set[int] = set()
        #: Files with other content than their path had: whose they are is known when all were looked into.
        self.held: list[Inspection] = []

    def run(self) -> ImportReport:
        """Do it. Raises RootAbsentError, Cancelled; what was written until then stays and is right."""
        started = time.time()
        self._require_present()
        self.progress.update(0, "Listing the folder")
        with without_collection():
            listing = self._list()
            self._require_present()  # a drive that was pulled while it was listed has lost nothing
            self.rows, self.removed = self._known_rows(), self._removed_rows()
        for refusal in listing.refusals:
            self.problems.refuse(refusal)
        todo, fresh = self._compare(listing.entries, started)
        gone = self._gone(listing)
        candidates = self._candidates(
            gone, [self.rows[entry.path].file_id for entry in todo if entry.path in self.rows]
        )
        self._mark_missing(gone)
        self._take_in(todo, candidates)
        self._take_in_settled(fresh, started, candidates)
        self._rearrange(candidates)
        self._finish(listing, started)
        return self.report

    # --- what is there, and what is known ---

    def _require_present(self) -> None:
        if self.scope.dry_run or self.root._state.adding:
            if not roots.is_there(self.root):
                raise RootAbsentError(f"{self.root.path} is not there, or is empty.")
        else:
            roots.require_present(self.root)

    def _list(self) -> Listing:
        left_out = [nested.local_path for nested in roots.nested_roots(self.folder)] + roots.own_folders()
        listing = list_folder(
            self.folder,
            self.scope.folder,
            recursive=self.scope.recursive,
            leave_out=frozenset(map(str, left_out)),
            progress=self.progress,
        )
        self.report.hidden = listing.hidden
        return listing

    def _known_rows(self) -> dict[str, KnownFile]:
        return self._read_rows(File.objects.all())

    def _removed_rows(self) -> dict[str, KnownFile]:
        return self._read_rows(File.everything.in_trash())

    def _read_rows(self, files: FileQuerySet) -> dict[str, KnownFile]:
        if self.root._state.adding:
            return {}
        rows = files.filter(root=self.root).under(shown_path(self.scope.folder)).order_by()
        known = {
            stored_path(path, raw): KnownFile(file_id, size, mtime, state, inode)
            for path, raw, file_id, size, mtime, state, inode in rows.values_list(
                "path", "path_raw", "pk", "size_bytes", "mtime_ns", "state", "inode"
            )
        }
        if self.scope.recursive:
            return known
        start = len(self.scope.folder) + 1 if self.scope.folder else 0
        return {path: row for path, row in known.items() if "/" not in path[start:]}

    # --- comparing ---

    def _compare(self, entries: Sequence[ListedFile], now_s: float) -> tuple[list[ListedFile], list[ListedFile]]:
        """Sort out what is unchanged: returns the entries to look into, and the ones that may still be growing."""
        todo: list[ListedFile] = []
        fresh: list[ListedFile] = []
        unchanged = 0
        for entry in entries:
            row = self.rows.get(entry.path)
            facts = (entry.size_bytes, entry.mtime_ns, "available", entry.inode)
            if row is not None and (row[1:] == facts or self._is_same_but_for_inode(row, entry)):
                unchanged += 1
            elif is_unfinished(entry.path):
                self.report.other += 1
            elif row is not None or not self._is_left_out(entry):
                (fresh if is_fresh(entry, now_s) else todo).append(entry)
        self.report.unchanged = unchanged
        return todo, fresh

    def _is_same_but_for_inode(self, row: KnownFile, entry: ListedFile) -> bool:
        """Some file systems give new inodes at each mount; they count only where nothing else tells files apart."""
        facts = (entry.size_bytes, entry.mtime_ns)
        return row[1:4] == (*facts, "available") and facts not in self._twins

    @cached_property
    def _twins(self) -> set[tuple[int, int]]:
        """Sizes and times that several rows have."""
        counted = Counter((row.size_bytes, row.mtime_ns) for row in self.rows.values())
        return {facts for facts, count in counted.items() if count > 1}

    def _is_left_out(self, entry: ListedFile) -> bool:
        """Whether an automatic scan passes this over: it was removed by a person, or is known to be unreadable."""
        if self.scope.by_request:
            return False
        removed = self.removed.get(entry.path)
        if removed is not None and (removed.size_bytes, removed.mtime_ns) == (entry.size_bytes, entry.mtime_ns):
            self.report.removed += 1
            return True
        return self.problems.is_known(entry)

    def _gone(self, listing: Listing) -> list[int]:
        """Rows whose file was not listed, though its folder could be read."""
        listed = {entry.path for entry in listing.entries}
        return [row.file_id for path, row in self.rows.items() if path not in listed and not listing.is_unread(path)]

    def _candidates(self, gone: Sequence[int], changed: Sequence[int]) -> Candidates:
        """Rows that a new file may turn out to be: only what is missing, and on request what was removed."""
        candidates = Candidates()
        candidates.add(File.objects.missing())
        for ids in _batches(gone, ID_BATCH):
            candidates.add(File.objects.filter(pk__in=ids))
        for ids in _batches(changed, ID_BATCH):
            candidates.add(File.objects.filter(pk__in=ids), is_displaced=True)
        if self.scope.by_request:
            candidates.add(File.everything.in_trash())
        return candidates

    def _mark_missing(self, gone: Sequence[int]) -> None:
        self.gone = set(gone)
        if self.scope.dry_run:
            return
        for ids in _batches(gone, ID_BATCH):
            File.objects.filter(pk__in=ids).exclude(state=File.State.MISSING).update(
                state=File.State.MISSING, missing_since=timezone.now()
            )

    # --- taking in ---

    def _take_in(self, entries: Sequence[ListedFile], candidates: Candidates) -> None:
        """Look into these files and write what was found, chunk by chunk."""
        # New paths first: a file that was renamed and replaced gives its row to the new name.
        ordered = sorted(entries, key=lambda entry: (entry.path in self.rows, entry.path))
        pace = Pace(len(ordered))
        looked: list[Inspection] = []
        with make_pool() as pool:
            for one in pool.look_into_all(self.folder, ordered):
                looked.append(one)
                pace.step()
                share = LISTING_SHARE + (1 - LISTING_SHARE) * pace.fraction
                self.progress.update(min(share, 0.99), pace.message())
                if len(looked) == CHUNK:
                    self._write(looked, candidates)
                    looked = []
        self._write(looked, candidates)

    def _take_in_settled(self, fresh: Sequence[ListedFile], started: float, candidates: Candidates) -> None:
        """Files that were written just now get a moment; those that still change wait for the next scan."""
        if not fresh:
            return
        self.progress.update(0.99, "Waiting for files that are still being copied")
        whole, growing = settled(self.folder, fresh, started)
        self.report.waiting += len(growing)
        self._take_in(whole, candidates)

    def _write(self, looked: Sequence[Inspection], candidates: Candidates) -> None:
        """Sort one chunk into new, moved, unchanged and bad, and write it; what has other content than before waits."""
        if any(one.error for one in looked):
            self._require_present()  # of a drive that was pulled nothing is known, least of all that files are bad
        new: list[File] = []
        kept: list[tuple[int, Inspection]] = []
        own = File.everything.in_bulk(
            row.file_id for one in looked if (row := self.rows.get(one.entry.path)) is not None
        )
        for one in looked:
            if one.error is not None:
                self._fail(one.entry, one.error)
                continue
            self.problems.solve(one.entry.path)
            row = self.rows.get(one.entry.path)
            if row is None:
                self._place_new(one, candidates, new, kept)
            elif row.file_id in self.claimed or own[row.file_id].sampled_hash != one.sampled_hash:
                self.held.append(one)
            else:
                kept.append((row.file_id, one))
        self._save(new, kept)

    def _place_new(
        self, one: Inspection, candidates: Candidates, new: list[File], kept: list[tuple[int, Inspection]]
    ) -> None:
        """A file at a path without a row: it is one that went from elsewhere, or new."""
        candidate = candidates.claim(one, root_id=self.root.pk, root=self.folder)
        if candidate is not None:
            self.claimed.add(candidate.id)
            kept.append((candidate.id, one))
        elif candidates.may_be_displaced(one):
            self.held.append(one)
        else:
            new.append(self._described(one))

    def _rearrange(self, candidates: Candidates) -> None:
        """Give what was held its rows: those that swapped places first, then new content at an old path."""
        own = {
            one.entry.path: row.file_id
            for one in self.held
            if (row := self.rows.get(one.entry.path)) is not None and row.file_id not in self.claimed
        }
        moves = rearranged(self.held, own, candidates, root_id=self.root.pk, root=self.folder)
        self.claimed |= set(moves.values())
        self._save([], [(moves[one.entry.path], one) for one in self.held if one.entry.path in moves])
        stays = {path: file_id for path, file_id in own.items() if file_id not in self.claimed}
        for chunk in _batches([one for one in self.held if one.entry.path not in moves], CHUNK):
            new = [self._described(one) for one in chunk if one.entry.path not in stays]
            self._save(new, [(stays[one.entry.path], one) for one in chunk if one.entry.path in stays])

    def _described(self, one: Inspection) -> File:
        return describe(File(root=self.root, imported_at=timezone.now()), one)

    def _save(self, new: Sequence[File], placed: Sequence[tuple[int, Inspection]]) -> None:
        """Write new rows, and what was found into those that are there, in one transaction."""
        if not new and not placed:
            return
        files = File.everything.in_bulk([file_id for file_id, _ in placed])
        kept = [(files[file_id], one) for file_id, one in placed if file_id in files]
        self.report.imported += len(new)
        back = [file for file, _ in kept if file.removed_at is not None]
        moved = [file for file, one in kept if file.removed_at is None and not self._is_here(file, one)]
        changed = [file for file, one in kept if self._note_kept(file, one)]
        if self.scope.dry_run:
            return
        with transaction.atomic():
            self._make_way(kept)
            for file, one in kept:
                self._keep(file, one)
            created = File.objects.bulk_create(self._not_there_yet(new))
            self.arrived(Arrivals(new=created, changed=changed, back=back, moved=moved))
        if not self.root.sample:  # at once: a scan that is cut off must know its drive again, too
            roots.take_sample(self.root)

    def _make_way(self, kept: Sequence[tuple[File, Inspection]]) -> None:
        """Rows that change places step aside first, to paths that no file has: a path is one row's at a time."""
        movers = [file.pk for file, one in kept if file.path != shown_path(one.entry.path)]
        if len(movers) > 1:
            File.objects.filter(pk__in=movers).update(path=Concat(Value("/"), Cast("pk", CharField())))

    def _note_kept(self, file: File, looked: Inspection) -> bool:
        """Count what happened to a file that has a row; returns whether it has new content."""
        if file.removed_at is not None:
            self.report.back += 1
        elif not self._is_here(file, looked):
            self.report.moved += 1
        elif file.sampled_hash != looked.sampled_hash:
            self.report.changed += 1
        elif file.state != File.State.AVAILABLE or file.pk in self.gone:
            self.report.back += 1
        else:
            self.report.unchanged += 1
        return file.sampled_hash != looked.sampled_hash and file.removed_at is None

    def _is_here(self, file: File, looked: Inspection) -> bool:
        """Whether the row is that of this path already."""
        return file.root_id == self.root.pk and file.path == shown_path(looked.entry.path)

    def _keep(self, file: File, looked: Inspection) -> None:
        file.root = self.root
        describe(file, looked)
        columns = [*DESCRIBED, "root"]
        if file.removed_at is not None:
            file.removed_at = None
            columns.append("removed_at")
        file.save(update_fields=columns)

    def _not_there_yet(self, new: Sequence[File]) -> list[File]:
        """Without those that another import has written meanwhile."""
        there = set(
            File.objects.filter(root=self.root, path__in=[file.path for file in new]).values_list("path", flat=True)
        )
        self.report.imported -= len(there)
        return [file for file in new if file.path not in there]

    def _fail(self, entry: ListedFile, error: FilesError) -> None:
        if isinstance(error, StillCopyingError):
            self.report.waiting += 1
        elif isinstance(error, NotMediaError) and not has_media_extension(entry.path):
            self.report.other += 1
        else:
            self.problems.fail(entry, error)

    # --- the end ---

    def _finish(self, listing: Listing, started: float) -> None:
        report = self.report
        report.problems = self.problems.lines
        report.found = len(listing.entries) - report.other
        report.missing = len(self.gone - self.claimed)
        report.took_s = time.time() - started
        if self.scope.dry_run:
            return
        listed = {entry.path for entry in listing.entries}
        self.problems.forget_all_but(listed, self.scope.folder, recursive=self.scope.recursive)
        self.problems.save()
        if report.imported or report.moved or report.changed or not self.root.sample:
            roots.take_sample(self.root)
        if report.imported or report.changed:
            report.duplicates = confirm_duplicates(self.root, progress=self.progress)
        self.progress.update(1, report.summary())


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
