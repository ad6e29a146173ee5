"""Rows without their files, and files of ours without a row: found, and put right on request."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from files import conf
from files.errors import ProxiesAwayError
from files.media.cutting import PIECES
from files.models import File, Proxy
from files.storage import disk, naming
from jobs.bulk import in_pieces

#: Younger files may belong to a run that has not written its row yet.
YOUNG_S = 3600.0
#: Pieces of a proxy may be worked on for hours.
YOUNG_PIECES_S = 24 * 3600.0
_PROXY_NAME = re.compile(r"_\d+_\d+p\d+\.mp4$")


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


def reconcile(*, apply: bool = False, young_s: float = YOUNG_S) -> Reconciliation:
    """Compare rows with PROXY_DIR and DATA_DIR/derived. Without `apply` nothing is changed.

    Only what can be made again is deleted: proxies, sounds, posters, sprites, and what killed attempts left. Raises
    ProxiesAwayError, before anything is changed, where not one proxy is there.
    """
    if apply:
        _require_proxies()
    found = Reconciliation(is_applied=apply)
    before = time.time() - young_s
    _check_rows(found)
    _check_proxies(found, before)
    _check_derived(found, before)
    _check_residue(found, before)
    _check_uploads(found)
    return found


def _require_proxies() -> None:
    place, rows = conf.folders().proxies, Proxy.objects.count()
    if rows and not any(_PROXY_NAME.search(path.name) for path in _files_in(place)):
        raise ProxiesAwayError(f"{place} holds none of the proxies in the library ({rows:,}): nothing was changed.")


def _check_rows(found: Reconciliation) -> None:
    for proxy in in_pieces(Proxy.objects.order_by("pk")):
        if not (conf.folders().proxies / proxy.path).is_file():
            found.rows_without_file.append(proxy.path)
            if found.is_applied:
                proxy.delete()


def _check_proxies(found: Reconciliation, before: float) -> None:
    known = set(Proxy.objects.values_list("path", flat=True))
    for path in _files_in(conf.folders().proxies):
        if path.name in known or naming.is_temporary(path.name) or path.name == ".gitignore":
            continue
        if not _PROXY_NAME.search(path.name):
            found.not_ours.append(path.name)
        elif path.lstat().st_mtime <= before:
            found.proxies_without_row.append(path.name)
            _remove(found, path)


def _check_derived(found: Reconciliation, before: float) -> None:
    known = set(File.objects.values_list("pk", flat=True))
    place = conf.folders().derived
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if not (folder.is_dir() and folder.name.isdigit()):
            found.not_ours.append(folder.name)
        elif int(folder.name) not in known and folder.lstat().st_mtime <= before:
            found.derived_without_file.append(folder.name)
            _remove_tree(found, folder)


def _check_residue(found: Reconciliation, before: float) -> None:
    for place in (conf.folders().proxies, conf.folders().derived, conf.folders().uploads):
        for path in sorted(place.rglob(".*.part")) if place.is_dir() else ():
            if path.lstat().st_mtime <= before:
                found.residue.append(str(path.relative_to(place)))
                _remove(found, path)
    for path in _files_in(conf.folders().uploads / ".incoming"):
        if not naming.is_temporary(path.name) and path.lstat().st_mtime <= before:
            found.residue.append(f".incoming/{path.name}")
            _remove(found, path)
    for path in sorted(conf.folders().derived.glob(f"*/{PIECES}*")):
        if path.lstat().st_mtime <= min(before, time.time() - YOUNG_PIECES_S):
            found.residue.append(str(path.relative_to(conf.folders().derived)))
            _remove_tree(found, path)


def _check_uploads(found: Reconciliation) -> None:
    """Uploads are originals: one without a row is shown and left where it is."""
    uploads = conf.folders().uploads
    known = set(File.everything.filter(root__is_uploads=True).values_list("path", flat=True))
    for path in _files_in(uploads):
        if path.name not in known and not path.name.startswith("."):
            found.uploads_without_row.append(naming.shown(path.name))


def _remove(found: Reconciliation, path: Path) -> None:
    found.freed_bytes += path.lstat().st_size
    if found.is_applied:
        disk.remove(path)


def _remove_tree(found: Reconciliation, folder: Path) -> None:
    found.freed_bytes += sum(path.lstat().st_size for path in folder.rglob("*"))
    if found.is_applied:
        disk.remove_tree(folder)


def _files_in(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []
