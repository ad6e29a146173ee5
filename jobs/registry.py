"""What kinds of work there are, and what their subjects are called. Filled by each app's `ready()`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from jobs.errors import UnknownKindError
from jobs.work import Work

FAST = "fast"
LONG = "long"
QUEUES = (FAST, LONG)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of job: what runs, where, and who may ask for it."""

    name: str
    label: str
    queue: str
    run: Callable[[Work], str | None]
    subject_kind: str = ""
    permission: str
    #: Attempts at a job whose errors are retryable; other errors end it at once.
    max_attempts: int = 3
    #: What these subjects have cost so far.
    cost_of: Callable[[Sequence[int]], Decimal] | None = None
    #: Passes the cancel of a parked job on; gets the subject's id.
    on_cancel: Callable[[int], None] | None = None
    #: At most so many at once, of this kind or of all kinds with the same `concurrency_key`.
    limit: Callable[[], int] | int | None = None
    concurrency_key: str = ""
    #: Not started while the disk has less free space than the floor.
    needs_free_disk: bool = False
    #: Of many that are cancelled at once whoever waits for them hears in the background: what follows takes a while.
    is_told_later: bool = False
    #: Where what a succeeded job made is fetched; gets the job's id. Empty where it is gone.
    download: Callable[[int], str] | None = None
    #: Enqueues other jobs of its batch: it stands for them until it has, and is not counted beside them.
    is_enqueuing: bool = False

    @property
    def group(self) -> str:
        return self.concurrency_key or self.name

    @property
    def most_at_once(self) -> int | None:
        return self.limit() if callable(self.limit) else self.limit


@dataclass(frozen=True, kw_only=True)
class Subject:
    """How things of one kind are called, where they are shown, and which file they belong to."""

    labels: Callable[[Sequence[int]], Mapping[int, str]]
    url: Callable[[int], str] | None = None
    #: The ids of this kind that belong to a file, so that the jobs of a file can be listed.
    of_file: Callable[[int], Sequence[int]] | None = None
    #: The file of each of these subjects.
    files: Callable[[Sequence[int]], Mapping[int, int]] | None = None


_kinds: dict[str, Kind] = {}
_subjects: dict[str, Subject] = {}


def register(kind: Kind) -> None:
    if kind.queue not in QUEUES:
        raise ValueError(f"Kind {kind.name!r}: there is no queue {kind.queue!r}, only {' and '.join(QUEUES)}.")
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"The kind {kind.name!r} is registered twice.")


def unregister(name: str) -> None:
    """Take a kind out again (tests do)."""
    _kinds.pop(name, None)


def get(name: str) -> Kind:
    try:
        return _kinds[name]
    except KeyError as exc:
        raise UnknownKindError(f"Nothing here can do “{name}”.") from exc


def find(name: str) -> Kind | None:
    return _kinds.get(name)


def kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)


def enqueuing() -> list[str]:
    """The kinds that enqueue other jobs of their batch."""
    return [kind.name for kind in kinds() if kind.is_enqueuing]


def label_of(name: str) -> str:
    kind = _kinds.get(name)
    return kind.label if kind else name


def register_subject(
    kind: str,
    *,
    labels: Callable[[Sequence[int]], Mapping[int, str]],
    url: Callable[[int], str] | None = None,
    of_file: Callable[[int], Sequence[int]] | None = None,
    files: Callable[[Sequence[int]], Mapping[int, int]] | None = None,
) -> None:
    _subjects[kind] = Subject(labels=labels, url=url, of_file=of_file, files=files)


def subject(kind: str) -> Subject | None:
    return _subjects.get(kind)


def subjects() -> dict[str, Subject]:
    return dict(_subjects)
