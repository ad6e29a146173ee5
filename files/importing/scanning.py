"""Bringing the rows of a root in line with what lies in it. A scan never deletes a row and writes nothing there."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from django.utils import timezone

from files import conf
from files.errors import NotMediaError, RootAbsentError, StillCopyingError
from files.importing import roots
from files.importing.arrivals import Arrived, nobody_waits
from files.importing.comparing import Differences, KnownFile, compare, known_files
from files.importing.duplicates import confirm_duplicates
from files.importing.ingest import CLOCK, SettleClock, settled
from files.importing.inspection import Inspection
from files.importing.inspection_pool import InspectionPool
from files.importing.leftovers import Leftovers, names_of
from files.importing.listing import ListedFile, list_folder, without_collection
from files.importing.matching import Candidates
from files.importing.placing import place, place_displaced, write_placed
from files.importing.problems import ProblemRecorder
from files.importing.reports import ImportReport, Pace
from files.models import File, FileQuerySet, Root
from files.storage.paths import has_media_extension, shown_path
from jobs.bulk import sliced
from jobs.progress import NO_PROGRESS, Progress

#: Files that are inspected and written together: a cancel or a crash loses at most so many.
CHUNK = 100
LISTING_SHARE = 0.05


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
    return scan(root, ScanScope(), progress=progress, arrived=arrived)


def scan(
    root: Root,
    scope: ScanScope,
    *,
    progress: Progress = NO_PROGRESS,
    arrived: Arrived = nobody_waits,
    clock: SettleClock = CLOCK,
) -> ImportReport:
    """Scan a root, or a folder of it. Raises RootAbsentError, Cancelled; what was written until then stays."""
    started_s = clock.now()
    problems = ProblemRecorder(root)
    report = ImportReport(path=shown_path(str(root.local_path / scope.folder)), root_id=root.pk, dry_run=scope.dry_run)
    comparison = _compare(root, scope, problems, report, progress, started_s)
    candidates = _candidates(comparison, by_request=scope.by_request)
    if not scope.dry_run:
        for ids in sliced(sorted(comparison.gone)):
            rows = File.objects.filter(pk__in=ids).exclude(state=File.State.MISSING)
            rows.update(state=File.State.MISSING, missing_since=timezone.now())
    write = partial(write_placed, root, gone=comparison.gone, dry_run=scope.dry_run, arrived=arrived)
    displaced: list[Inspection] = []
    with closing(_inspected(root, comparison, report, progress, clock, started_s)) as chunks:
        for inspections in chunks:
            if any(inspection.error for inspection in inspections):
                _require_present(root, scope)  # of a drive that was pulled nothing is known, least of all bad files
            placement = place(_readable(inspections, problems, report), comparison.rows, candidates, root)
            displaced += placement.displaced
            report.count(write(placement.new, placement.kept))
    moved, rest = place_displaced(displaced, comparison.rows, candidates, root)
    report.count(write([], moved.kept))
    for kept in sliced(rest.kept, CHUNK):
        report.count(write([], kept))
    for new in sliced(rest.new, CHUNK):
        report.count(write(new, []))
    report.missing = len(comparison.gone - candidates.claimed)
    if not scope.dry_run:
        problems.forget_all_but(comparison.listed, scope.folder, recursive=scope.recursive)
        problems.save()
        if report.imported or report.moved or report.changed or not root.sample:
            roots.take_sample(root)
        if report.imported or report.changed:
            report.duplicates = confirm_duplicates(root, progress=progress)
    report.problems = problems.lines
    report.found = len(comparison.listed) - report.other
    report.took_s = clock.now() - started_s
    progress.update(1, report.summary())
    return report


def _require_present(root: Root, scope: ScanScope) -> None:
    if not (scope.dry_run or root._state.adding):
        roots.require_present(root)
    elif not roots.is_there(root):
        raise RootAbsentError(f"{root.path} is not there, or is empty.")


def _compare(
    root: Root, scope: ScanScope, problems: ProblemRecorder, report: ImportReport, progress: Progress, now_s: float
) -> Differences:
    """List the folder beside the rows, and note what is refused, unchanged or left out."""
    _require_present(root, scope)
    progress.update(0, "Listing the folder")
    own_or_nested = [nested.local_path for nested in roots.nested_roots(root.local_path)] + roots.own_folders()
    with without_collection():
        listing = list_folder(
            root.local_path,
            scope.folder,
            recursive=scope.recursive,
            leave_out=frozenset(map(str, own_or_nested)),
            leftovers=Leftovers.of(names_of(conf.import_skip())),
            progress=progress,
        )
        _require_present(root, scope)  # a drive that was pulled while it was listed has lost nothing
        comparison = compare(listing, _rows_of(File.objects.all(), root, scope), now_s=now_s)
    for refusal in listing.refusals:
        problems.refuse(refusal)
    report.hidden, report.left_out = listing.hidden, len(listing.left_out)
    report.unchanged, report.other = comparison.unchanged, comparison.unfinished
    if scope.by_request:
        return comparison
    # An automatic scan passes over what a person removed, and what is known to be unreadable.
    removed = _rows_of(File.everything.in_trash(), root, scope)

    def is_wanted(entry: ListedFile) -> bool:
        if entry.path in comparison.rows:
            return True
        if (row := removed.get(entry.path)) is not None and row.is_unchanged(entry):
            report.removed += 1
            return False
        return not problems.is_known(entry)

    return replace(
        comparison,
        to_inspect=list(filter(is_wanted, comparison.to_inspect)),
        fresh=list(filter(is_wanted, comparison.fresh)),
    )


def _rows_of(files: FileQuerySet, root: Root, scope: ScanScope) -> dict[str, KnownFile]:
    """Rows of what is scanned; none of a root that is not written down yet, as in a dry run."""
    if root._state.adding:
        return {}
    return known_files(files.filter(root=root), scope.folder, recursive=scope.recursive)


def _candidates(comparison: Differences, *, by_request: bool) -> Candidates:
    """Rows that a new file may turn out to be: only what is missing or displaced, and on request what was removed."""
    candidates = Candidates()
    candidates.add(File.objects.missing())
    for ids in sliced(sorted(comparison.gone)):
        candidates.add(File.objects.filter(pk__in=ids))
    for ids in sliced(comparison.displaced):
        candidates.add(File.objects.filter(pk__in=ids), is_displaced=True)
    if by_request:
        candidates.add(File.everything.in_trash())
    return candidates


def _inspected(
    root: Root, comparison: Differences, report: ImportReport, progress: Progress, clock: SettleClock, started_s: float
) -> Generator[list[Inspection]]:
    """Inspect files, some at a time. Those that were written just now come last, and get a moment to settle."""
    # New paths first: a file that was renamed and replaced gives its row to the new name.
    ordered = sorted(comparison.to_inspect, key=lambda entry: (entry.path in comparison.rows, entry.path))
    with InspectionPool(conf.probe_workers()) as pool:
        yield from _inspected_by(pool, root, ordered, progress)
        if comparison.fresh:
            progress.update(0.99, "Waiting for files that are still being copied")
            whole, growing = settled(root.local_path, comparison.fresh, started_s, clock=clock)
            report.waiting += len(growing)
            yield from _inspected_by(pool, root, whole, progress)


def _inspected_by(
    pool: InspectionPool, root: Root, entries: Sequence[ListedFile], progress: Progress
) -> Generator[list[Inspection]]:
    pace = Pace(len(entries))
    inspections: list[Inspection] = []
    for inspection in pool.inspect_all(root.local_path, entries):
        inspections.append(inspection)
        pace.step()
        progress.update(min(LISTING_SHARE + (1 - LISTING_SHARE) * pace.fraction, 0.99), pace.message())
        if len(inspections) == CHUNK:
            yield inspections
            inspections = []
    if inspections:
        yield inspections


def _readable(inspections: Sequence[Inspection], problems: ProblemRecorder, report: ImportReport) -> list[Inspection]:
    """Those that can be taken in; of the others it is noted why not."""
    readable = []
    for inspection in inspections:
        entry, error = inspection.entry, inspection.error
        if error is None:
            problems.solve(entry.path)
            readable.append(inspection)
        elif isinstance(error, StillCopyingError):
            report.waiting += 1
        elif isinstance(error, NotMediaError) and not has_media_extension(entry.path):
            report.other += 1
        else:
            problems.fail(entry, error)
    return readable
