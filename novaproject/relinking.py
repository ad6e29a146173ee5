"""After a restore: whether the originals are where the database says, and whether they are the same."""

from dataclasses import dataclass, field

from files.hashing import sampled_hash
from files.models import File
from jobs.progress import NO_PROGRESS, Progress


@dataclass
class Relinked:
    """How many originals were found again. `different` and `absent` name up to LISTED of them."""

    same: int = 0
    different: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"different": 0, "absent": 0})


LISTED = 20


def check_originals(progress: Progress = NO_PROGRESS) -> Relinked:
    """Compare each original that is there with the sampled hash of its row. Reads only; makes no call to AWS."""
    result = Relinked()
    files = File.objects.select_related("root").order_by("root_id", "path")
    total = files.count()
    for index, file in enumerate(files.iterator(chunk_size=500)):
        progress.update(index / total, file.name)
        path = file.local_path
        if not path.is_file():
            _note(result.absent, result.counts, "absent", path.as_posix())
        elif file.sampled_hash and sampled_hash(path) != file.sampled_hash:
            _note(result.different, result.counts, "different", path.as_posix())
        else:
            result.same += 1
    return result


def _note(names: list[str], counts: dict[str, int], kind: str, name: str) -> None:
    counts[kind] += 1
    if len(names) < LISTED:
        names.append(name)
