"""The list of what could not be taken in: kept per root and path, tried again on request, gone when solved."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils import timezone

from files.errors import FilesError
from files.importing.listing import ListedFile, RefusedPath
from files.importing.reports import ProblemLine
from files.models import File, Problem, Root
from files.storage.paths import raw_path, shown_path, stored_path
from jobs.bulk import ROWS_PER_STATEMENT, sliced


def note_of_file(file: File, kind: str, reason: str, remedy: str = "") -> None:
    """Put a file of the library on the list, once: something of it cannot be shown."""
    Problem.objects.update_or_create(
        root_id=file.root_id,
        path=file.path,
        defaults={
            "path_raw": file.path_raw,
            "kind": kind,
            "reason": reason,
            "remedy": remedy,
            "size_bytes": file.size_bytes,
            "mtime_ns": file.mtime_ns,
            "seen_at": timezone.now(),
        },
    )


def solve_of_file(file: File) -> None:
    """Take a file of the library from the list."""
    Problem.objects.filter(root_id=file.root_id, path=file.path).delete()


def problem_of_file(file: File) -> Problem | None:
    """What the list says of a file of the library."""
    return Problem.objects.filter(root_id=file.root_id, path=file.path).first()


@dataclass(frozen=True, slots=True)
class KnownProblems:
    """A problem that was seen before."""

    problem_id: int
    size_bytes: int
    mtime_ns: int
    times: int
    line: ProblemLine


class ProblemRecorder:
    """The problems of one root while it is scanned. Nothing is written before `save`."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.lines: list[ProblemLine] = []
        self._known: dict[str, KnownProblems] = {}
        self._new: dict[str, Problem] = {}
        self._solved: set[int] = set()
        self._still_refused: set[str] = set()
        if not root._state.adding:
            self._load()

    def is_known(self, entry: ListedFile) -> bool:
        """Whether this very file was tried before and has not changed since. If so, it is reported again."""
        known = self._known.get(entry.path)
        if known is None or (known.size_bytes, known.mtime_ns) != (entry.size_bytes, entry.mtime_ns):
            return False
        self.lines.append(known.line)
        return True

    def refuse(self, refusal: RefusedPath) -> None:
        known = self._known.get(refusal.path)
        if known is not None and known.line.reason == refusal.reason:
            self.lines.append(known.line)
            self._still_refused.add(refusal.path)
        else:
            self._note(refusal.path, refusal.kind, refusal.reason, refusal.remedy)

    def fail(self, entry: ListedFile, error: FilesError) -> None:
        problem = self._note(entry.path, error.code, str(error), error.remedy)
        problem.size_bytes, problem.mtime_ns = entry.size_bytes, entry.mtime_ns

    def solve(self, path: str) -> None:
        """The file could be taken in."""
        known = self._known.get(path)
        if known is not None:
            self._solved.add(known.problem_id)

    def forget_all_but(self, paths: Collection[str], folder: str, *, recursive: bool) -> None:
        """Drop the problems of this folder whose file is there no longer."""
        standing = self._new.keys() | self._still_refused
        prefix = f"{folder}/" if folder else ""
        for path, known in self._known.items():
            inside = path.startswith(prefix) and (recursive or "/" not in path[len(prefix) :])
            if inside and path not in paths and path not in standing:
                self._solved.add(known.problem_id)

    def save(self) -> None:
        """Write the list down, in one go."""
        Problem.objects.bulk_create(
            self._new.values(),
            batch_size=ROWS_PER_STATEMENT,
            update_conflicts=True,
            unique_fields=["root", "path"],
            update_fields=["kind", "reason", "remedy", "size_bytes", "mtime_ns", "times", "seen_at", "path_raw"],
        )
        solved = sorted(self._solved)
        for some_ids in sliced(solved):
            Problem.objects.filter(pk__in=some_ids).delete()
        self._new, self._solved = {}, set()

    def _load(self) -> None:
        rows = Problem.objects.filter(root=self.root).values_list(
            "path", "path_raw", "pk", "size_bytes", "mtime_ns", "times", "reason", "remedy"
        )
        for path, raw, pk, size, mtime, times, reason, remedy in rows:
            line = ProblemLine(path=path, reason=reason, remedy=remedy)
            self._known[stored_path(path, raw)] = KnownProblems(pk, size, mtime, times, line)

    def _note(self, path: str, kind: str, reason: str, remedy: str) -> Problem:
        known = self._known.get(path)
        problem = Problem(
            root=self.root,
            path=shown_path(path),
            path_raw=raw_path(path),
            kind=kind,
            reason=reason,
            remedy=remedy,
            times=known.times + 1 if known else 1,
            seen_at=timezone.now(),
        )
        self._new[path] = problem
        self._solved.discard(known.problem_id if known else 0)
        self.lines.append(ProblemLine(path=problem.path, reason=reason, remedy=remedy))
        return problem
