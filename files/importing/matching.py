"""Which missing file a new one is: moved and renamed files keep their id and all that hangs on it."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from files.importing.inspection import Inspection
from files.importing.listing import ListedFile
from files.models import FileQuerySet
from files.storage.hashing import full_hash
from files.storage.paths import shown_path

_COLUMNS = (
    "id",
    "root_id",
    "path",
    "name",
    "size_bytes",
    "mtime_ns",
    "inode",
    "sampled_hash",
    "full_hash",
    "removed_at",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row whose file is not where it was."""

    id: int
    root_id: int
    path: str
    name: str
    size_bytes: int
    mtime_ns: int
    inode: int | None
    sampled_hash: str
    full_hash: str
    removed_at: datetime | None
    #: Another file stands at its path now: until that one was looked into, only its very inode proves that it was
    #: renamed rather than copied.
    is_displaced: bool


class Candidates:
    """Rows that a new file may turn out to be. Each is given away once."""

    def __init__(self) -> None:
        self._by_content: dict[tuple[int, str], dict[int, Candidate]] = defaultdict(dict)
        #: Ids of rows that were given away: their files are elsewhere now.
        self.claimed: set[int] = set()

    def add(self, queryset: FileQuerySet, *, is_displaced: bool = False) -> None:
        for values in queryset.values(*_COLUMNS):
            row = Candidate(**values, is_displaced=is_displaced)
            if row.sampled_hash:
                self._by_content[row.size_bytes, row.sampled_hash][row.id] = row

    def claim(
        self, inspection: Inspection, *, root_id: int | None, root: Path, replaced: Container[int] = ()
    ) -> Candidate | None:
        """The row that this new file is, if any: same size and sampled hash, then the full hash where it is known.

        `replaced` are displaced rows whose place is known to hold other content.
        """
        entry = inspection.entry
        rows = self._alike(inspection)
        for row in sorted(rows.values(), key=lambda row: unlikeness(row, entry, root_id)):
            is_free = not row.is_displaced or row.id in replaced
            if _is_same_inode(row, entry, root_id) or (is_free and is_same_content(row, root / entry.path)):
                del rows[row.id]
                self.claimed.add(row.id)
                return row
        return None

    def may_be_displaced(self, inspection: Inspection) -> bool:
        """Whether a row of this content has another file at its path."""
        return any(row.is_displaced for row in self._alike(inspection).values())

    def _alike(self, inspection: Inspection) -> dict[int, Candidate]:
        return self._by_content.get((inspection.entry.size_bytes, inspection.sampled_hash), {})


def rearranged(
    inspections: Sequence[Inspection],
    own: Mapping[str, int],
    candidates: Candidates,
    *,
    root_id: int | None,
    root: Path,
) -> dict[str, int]:
    """Which rows move to which of these paths: names were swapped, went round, or moved on by one.

    `own` is the row that each path has so far, if its content is not the one that was found there. A row whose
    content is nowhere any more stays where it is and gets the new content, so nothing moves to its path.
    """
    moves: dict[str, int] = {}
    replaced = frozenset(own.values())
    for inspection in inspections:
        row = candidates.claim(inspection, root_id=root_id, root=root, replaced=replaced)
        if row is not None:
            moves[inspection.entry.path] = row.id
    while True:
        moving = set(moves.values())
        homeless = [path for path in moves if path in own and own[path] not in moving]
        if not homeless:
            return moves
        for path in homeless:
            candidates.claimed.discard(moves.pop(path))


def unlikeness(row: Candidate, entry: ListedFile, root_id: int | None) -> tuple[bool, ...]:
    """Of several equal rows, one in the library first; then the one of this very path, this inode, name and root."""
    path = shown_path(entry.path)
    return (
        row.removed_at is not None,
        (row.root_id, row.path) != (root_id, path),
        not _is_same_inode(row, entry, root_id),
        row.name.casefold() != path.rpartition("/")[2].casefold(),
        row.root_id != root_id,
    )


def _is_same_inode(row: Candidate, entry: ListedFile, root_id: int | None) -> bool:
    return (row.root_id, row.inode, row.mtime_ns) == (root_id, entry.inode, entry.mtime_ns)


def is_same_content(row: Candidate, path: Path) -> bool:
    """The sample is the same already; where the old file was hashed in whole, the new one is too."""
    if not row.full_hash:
        return True
    try:
        return full_hash(path) == row.full_hash
    except OSError:
        return False
