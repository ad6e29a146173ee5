"""After a restore: what belongs to the other machine is put right, and originals are found again by their hash."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from files.conf import folders
from files.import_tasks import request_scan
from files.importing import roots
from files.models import File, Proxy, Root
from files.storage.hashing import sampled_hash
from files.storage.paths import stored_path
from jobs import control, notices, registry
from jobs.errors import WorkError
from jobs.models import Job
from jobs.progress import NO_PROGRESS, Progress


@dataclass
class Relinked:
    """How many originals were found again. `different` and `absent` name up to LISTED of them."""

    same: int = 0
    different: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"different": 0, "absent": 0})


LISTED = 20
#: So many files of a root are looked for by name before its folder counts as not found.
LOOKED_FOR = 24


def settle_in() -> int:
    """Make a restored database that of this machine. Returns how many jobs are held.

    Work that the other machine had under way may cost money, and may have been paid there since: it waits for a person.
    """
    roots.uploads_root()
    roots.look_for_roots()
    if folders().demonstration.is_dir():  # the one folder of originals that is in a backup
        find_roots(folders().demonstration)
    gone = [proxy.pk for proxy in Proxy.objects.iterator() if not (settings.PROXY_DIR / proxy.path).is_file()]
    Proxy.objects.filter(pk__in=gone).delete()
    held = Job.objects.active().count()
    if held:
        for name in registry.QUEUES:
            control.pause(name)
        notices.notify(
            "restored",
            f"This library was restored from a backup. Jobs that it had under way then wait: {held}.",
            remedy="Cancel what was done since, then resume both queues on the jobs page. Batches that were sent after "
            "the backup are not known here: analyses that still wait may have been paid for in one (the AWS console "
            "lists them).",
            url=reverse("jobs"),
        )
    return held


def find_roots(folder: Path, progress: Progress = NO_PROGRESS) -> dict[str, str]:
    """Re-point roots that are not at their place to where the same files lie below `folder`. Returns old: new path.

    The files that a root is known by are looked for by name and by hash. Raises OSError where `folder` is not there.
    """
    found: dict[str, str] = {}
    away = [root for root in Root.objects.filter(is_uploads=False) if not roots.is_there(root)]
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.resolve(strict=True).rglob("*")) if away else ():
        by_name[path.name].append(path)
    for index, root in enumerate(away):
        progress.update(index / len(away), root.name)
        for place in _places(root, by_name):
            try:
                moved = roots.relocate_root(root, place)
            except WorkError:
                continue
            request_scan(root)
            found[moved.old_path] = moved.new_path
            break
    return found


def _places(root: Root, by_name: dict[str, list[Path]]) -> list[Path]:
    """Folders that hold a file of this root at its path and with its hash."""
    hashed = File.objects.filter(root=root).exclude(sampled_hash="")
    chosen = roots.spread(list(hashed.values_list("pk", flat=True)), LOOKED_FOR)
    places = []
    for file in hashed.filter(pk__in=chosen):
        relative = Path(stored_path(file.path, file.path_raw))
        for path in by_name.get(relative.name, ()):
            if path.parts[-len(relative.parts) :] == relative.parts and roots.has_content(path, file.sampled_hash):
                places.append(path.parents[len(relative.parts) - 1])
    return list(dict.fromkeys(places))


def check_originals(progress: Progress = NO_PROGRESS) -> Relinked:
    """Compare each original that is there with the sampled hash of its row. Reads only; makes no call to AWS."""
    result = Relinked()
    files = File.objects.select_related("root").order_by("root_id", "path")
    total = files.count()
    for index, file in enumerate(files.iterator(chunk_size=500)):
        progress.update(index / total, file.name)
        path = file.local_path
        try:
            is_same = path.is_file() and (not file.sampled_hash or sampled_hash(path) == file.sampled_hash)
            kind = "different" if path.is_file() else "absent"
        except OSError:  # a drive that gives errors: the others are compared all the same
            is_same, kind = False, "different"
        if is_same:
            result.same += 1
        else:
            _note(getattr(result, kind), result.counts, kind, path.as_posix())
    return result


def _note(names: list[str], counts: dict[str, int], kind: str, name: str) -> None:
    counts[kind] += 1
    if len(names) < LISTED:
        names.append(name)
