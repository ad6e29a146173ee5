"""What a listing says beside what the rows say: unchanged, to be inspected, or gone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from files.importing.ingest import is_fresh
from files.importing.listing import FolderListing, ListedFile
from files.models import FileQuerySet
from files.storage.paths import is_unfinished, shown_path, stored_path


class KnownFile(NamedTuple):
    """What a scan needs to know of a row."""

    file_id: int
    size_bytes: int
    mtime_ns: int
    state: str
    inode: int | None

    def is_unchanged(self, entry: ListedFile) -> bool:
        """Whether size and time are the same."""
        return (self.size_bytes, self.mtime_ns) == (entry.size_bytes, entry.mtime_ns)


@dataclass(frozen=True, kw_only=True)
class Differences:
    """`rows` by path; `fresh` files may still be growing; `gone` are ids of rows whose file was not listed."""

    rows: Mapping[str, KnownFile]
    listed: frozenset[str]
    to_inspect: list[ListedFile]
    fresh: list[ListedFile]
    gone: frozenset[int]
    unchanged: int
    unfinished: int

    @property
    def displaced(self) -> list[int]:
        """Ids of rows at whose path another file stands now, as far as is known before it is inspected."""
        entries = (*self.to_inspect, *self.fresh)
        return [self.rows[entry.path].file_id for entry in entries if entry.path in self.rows]


def known_files(files: FileQuerySet, folder: str, *, recursive: bool) -> dict[str, KnownFile]:
    """These files of one root by their path as the operating system spells it: below a folder, or in it alone."""
    rows = files.under(shown_path(folder)).order_by()
    columns = ("path", "path_raw", "pk", "size_bytes", "mtime_ns", "state", "inode")
    known = {stored_path(path, raw): KnownFile(*facts) for path, raw, *facts in rows.values_list(*columns)}
    if recursive:
        return known
    start = len(folder) + 1 if folder else 0
    return {path: row for path, row in known.items() if "/" not in path[start:]}


def compare(listing: FolderListing, rows: Mapping[str, KnownFile], *, now_s: float) -> Differences:
    """Sort out what is unchanged, what is still written, and what is gone. Pure."""
    counted = Counter((row.size_bytes, row.mtime_ns) for row in rows.values())
    to_inspect: list[ListedFile] = []
    fresh: list[ListedFile] = []
    unchanged = unfinished = 0
    for entry in listing.entries:
        row = rows.get(entry.path)
        # Some file systems give new inodes at each mount: they count only where nothing else tells files apart.
        is_itself = row is not None and (row.inode == entry.inode or counted[entry[1:3]] == 1)
        if row is not None and is_itself and row.state == "available" and row.is_unchanged(entry):
            unchanged += 1
        elif is_unfinished(entry.path):
            unfinished += 1
        else:
            (fresh if is_fresh(entry, now_s) else to_inspect).append(entry)
    listed = frozenset(entry.path for entry in listing.entries)
    # Of what lies in a folder that was not read nothing is known.
    gone = (row.file_id for path, row in rows.items() if path not in listed and not listing.is_unknown(path))
    return Differences(
        rows=rows,
        listed=listed,
        to_inspect=to_inspect,
        fresh=fresh,
        gone=frozenset(gone),
        unchanged=unchanged,
        unfinished=unfinished,
    )
