"""Rows without their files, and files of ours without a row: found, and put right on request."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from files import conf, humanize
from files.errors import ProxiesAwayError
from files.media.cutting import PIECES
from files.models import File, Proxy
from files.storage import disk, naming
from jobs.bulk import in_pieces

#: Younger files may belong to a run that has not written its row yet.
YOUNG_S = 3600.0
#: What nobody wrote to for so long, of an upload, is left from one that was killed.
LEFT_UPLOAD_S = 3600.0
#: Pieces of a proxy may be worked on for hours.
YOUNG_PIECES_S = 24 * 3600.0
_PROXY_NAME = re.compile(r"_\d+_\d+p\d+\.mp4$")


#: Field of the report -> what a person is told. The last two only a person can judge.
_SAID = {
    "rows_without_file": "proxies in the database whose file is gone",
    "proxies_without_row": "proxy files that no row knows",
    "derived_without_file": "folders of sound and pictures whose file left the library",
    "residue": "remains of attempts that were killed",
    "uploads_without_row": "uploads that no row knows: delete them, or import them with"
    " `.venv/bin/python manage.py import_directory`",
    "not_ours": "other things in PROXY_DIR or DATA_DIR/derived, left alone",
}


@dataclass
class Reconciliation:
    """What was found. `is_applied`: the first four are put right; the rest only a person can judge."""

    is_applied: bool = False
    rows_without_file: list[str] = field(default_factory=list)
    proxies_without_row: list[str] = field(default_factory=list)
    derived_without_file: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
    uploads_without_row: list[str] = field(default_factory=list)
    not_ours: list[str] = field(default_factory=list)
    freed_bytes: int = 0

    @property
    def total(self) -> int:
        groups = (self.rows_without_file, self.proxies_without_row, self.derived_without_file, self.residue)
        return sum(map(len, groups))

    @property
    def lines(self) -> list[tuple[str, list[str]]]:
        """What was found, group by group, each in words."""
        return [(said, getattr(self, name)) for name, said in _SAID.items() if getattr(self, name)]

    def summary(self) -> str:
        """What was done, or would be."""
        if not self.total:
            return "Rows and files agree."
        size = humanize.size(self.freed_bytes)
        if self.is_applied:
            return f"{self.total:,} put right, {size} freed. What is missing is made by “Make proxies”."
        return f"Nothing was changed: {self.total:,} would be put right, {size} freed."

    def remove(self, path: Path) -> None:
        """Count the bytes of a file or folder, and delete it if this is applied."""
        parts = path.rglob("*") if path.is_dir() else [path]
        self.freed_bytes += sum(part.lstat().st_size for part in parts)
        if self.is_applied:
            (disk.remove_tree if path.is_dir() else disk.remove)(path)


def reconcile(*, apply: bool = False, young_s: float = YOUNG_S) -> Reconciliation:
    """Compare rows with PROXY_DIR and DATA_DIR/derived. Without `apply` nothing is changed.

    Only what can be made again is deleted: proxies, sounds, posters, sprites, and what killed attempts left. Raises
    ProxiesAwayError, before anything is changed, where not one proxy is there.
    """
    folders, before_s = conf.folders(), time.time() - young_s
    proxies, rows = _files_in(folders.proxies), Proxy.objects.count()
    if apply and rows and not any(_PROXY_NAME.search(path.name) for path in proxies):
        raise ProxiesAwayError(
            f"{folders.proxies} holds none of the proxies in the library ({rows:,}): nothing was changed."
        )
    reconciliation = Reconciliation(is_applied=apply)
    for proxy in in_pieces(Proxy.objects.order_by("pk")):
        if not (folders.proxies / proxy.path).is_file():
            reconciliation.rows_without_file.append(proxy.path)
            if apply:
                proxy.delete()
    _sort_proxies(reconciliation, proxies, before_s)
    _sort_derived(reconciliation, before_s)
    for path, name in residue(before_s):
        reconciliation.residue.append(name)
        reconciliation.remove(path)
    # Uploads are originals: one without a row is shown and left where it is.
    with_row = set(File.everything.filter(root__is_uploads=True).values_list("path", flat=True))
    for path in _files_in(folders.uploads):
        if path.name not in with_row and not path.name.startswith("."):
            reconciliation.uploads_without_row.append(naming.shown(path.name))
    return reconciliation


def forget_left_uploads(now_s: float | None = None) -> int:
    """Delete what killed uploads left, once nobody has written to it for an hour. Returns how many files."""
    before_s = (time.time() if now_s is None else now_s) - LEFT_UPLOAD_S
    left = [path for path in _files_in(conf.folders().uploads / ".incoming") if path.lstat().st_mtime <= before_s]
    return sum(disk.remove(path) for path in left)


def residue(before_s: float) -> Iterator[tuple[Path, str]]:
    """What killed attempts left, older than that: each with its name inside of its folder."""
    folders = conf.folders()
    for folder in (folders.proxies, folders.derived, folders.uploads):
        for path in sorted(folder.rglob(".*.part")) if folder.is_dir() else ():
            if path.lstat().st_mtime <= before_s:
                yield path, str(path.relative_to(folder))
    for path in _files_in(folders.uploads / ".incoming"):
        if not naming.is_temporary(path.name) and path.lstat().st_mtime <= before_s:
            yield path, f".incoming/{path.name}"
    for path in sorted(folders.derived.glob(f"*/{PIECES}*")):
        if path.lstat().st_mtime <= min(before_s, time.time() - YOUNG_PIECES_S):
            yield path, str(path.relative_to(folders.derived))


def _sort_proxies(reconciliation: Reconciliation, proxies: Sequence[Path], before_s: float) -> None:
    with_row = set(Proxy.objects.values_list("path", flat=True))
    for path in proxies:
        if path.name in with_row or naming.is_temporary(path.name) or path.name == ".gitignore":
            continue
        if not _PROXY_NAME.search(path.name):
            reconciliation.not_ours.append(path.name)
        elif path.lstat().st_mtime <= before_s:
            reconciliation.proxies_without_row.append(path.name)
            reconciliation.remove(path)


def _sort_derived(reconciliation: Reconciliation, before_s: float) -> None:
    in_library = set(File.objects.values_list("pk", flat=True))
    derived = conf.folders().derived
    for folder in sorted(derived.iterdir()) if derived.is_dir() else ():
        if not (folder.is_dir() and folder.name.isdigit()):
            reconciliation.not_ours.append(folder.name)
        elif int(folder.name) not in in_library and folder.lstat().st_mtime <= before_s:
            reconciliation.derived_without_file.append(folder.name)
            reconciliation.remove(folder)


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
