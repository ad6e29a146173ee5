"""Reading kept replies again with the current parser: free, and with the difference shown before anything changes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from nova.errors import ReplyError
from nova.models import NovaJob, Question
from nova.notifications import announce
from nova.questions import reply_store, results
from nova.replies.parsing import PARSER_VERSION

#: Values are shown up to this many characters.
SHOWN = 60


@dataclass(kw_only=True)
class Rereading:
    """What reading the replies of one analysis again gives. `changes` are lines such as `chapters.0.title: "A" -> "B"`.

    `is_incomplete`: some of its questions were never answered, so there is nothing to read as a whole.
    """

    nova_job: NovaJob
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    error: str = ""
    is_incomplete: bool = False


@dataclass(frozen=True, kw_only=True)
class ReparseRequest:
    """Which analyses are read again (none named: all of them), and whether the new reading is kept."""

    nova_job_ids: Sequence[int] = ()
    failed: bool = False
    old: bool = False
    apply: bool = False

    def analyses(self) -> "QuerySet[NovaJob]":
        """The analyses whose replies are read again."""
        ended = [NovaJob.Status.COMPLETED, NovaJob.Status.FAILED]
        rows = NovaJob.objects.filter(status__in=ended, questions__reply__isnull=False)
        if self.nova_job_ids:
            rows = rows.filter(pk__in=self.nova_job_ids)
        if self.failed:
            rows = rows.filter(status=NovaJob.Status.FAILED)
        if self.old:
            current = Q(results__parser_version__gte=PARSER_VERSION)
            rows = rows.exclude(pk__in=NovaJob.objects.filter(current).values("pk"))
        return rows.select_related("file").order_by("pk").distinct()


@dataclass(kw_only=True)
class Tally:
    """How many analyses were read, and what came of it."""

    read: int = 0
    changed: int = 0
    unreadable: int = 0
    kept: int = 0
    incomplete: int = 0

    def in_words(self) -> str:
        said = f"{self.read:,} read, {self.changed:,} changed, {self.unreadable:,} unreadable, {self.kept:,} kept"
        return said + (f", {self.incomplete:,} passed over: not every question was answered" if self.incomplete else "")


def reparse(request: ReparseRequest, *, on_reading: Callable[[Rereading], None]) -> Tally:
    """Read them again, and keep the new readings if that is asked for. `on_reading` is called with each, before it is
    kept.
    """
    tally = Tally()
    for reading in reread(request.analyses().iterator(chunk_size=200)):
        tally.incomplete += reading.is_incomplete
        tally.read += not reading.is_incomplete
        tally.unreadable += bool(reading.error)
        tally.changed += bool(reading.changes)
        on_reading(reading)
        if request.apply and reading.found:
            replace_results(reading)
            tally.kept += 1
    return tally


def reread(nova_jobs: Iterable[NovaJob]) -> Iterator[Rereading]:
    """Read the replies of these analyses again; nothing is changed, nothing is paid."""
    for nova_job in nova_jobs:
        questions = list(nova_job.questions.select_related("reply", "nova_job", "nova_job__file"))
        answered = [question for question in questions if question.state == Question.State.ANSWERED and question.reply]
        if not answered or len(answered) < len(questions):
            yield Rereading(nova_job=nova_job, is_incomplete=True)
            continue
        before = {row.type: row.result for row in nova_job.results.all()}
        reading = Rereading(nova_job=nova_job)
        try:
            reading.found, reading.notes = reply_store.read(nova_job, answered)
        except ReplyError as exc:
            reading.error = str(exc)
        else:
            reading.changes = list(differences(before, reading.found))
        yield reading


def replace_results(reading: Rereading) -> None:
    """Put a reading in the place of the earlier one; an analysis that could not be read before is completed."""
    nova_job = reading.nova_job
    with transaction.atomic():
        results.replace_reading(nova_job, reading.found, notes=reading.notes, parser_version=PARSER_VERSION)
        if nova_job.status == NovaJob.Status.FAILED:
            nova_job.complete()
        if nova_job.file is not None:
            file = nova_job.file
            transaction.on_commit(lambda: announce(file, nova_job))


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What differs between two JSON values, a line each."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            earlier = before[index] if index < len(before) else None
            later = after[index] if index < len(after) else None
            yield from differences(earlier, later, f"{path}.{index}")
    elif before != after:
        yield f"{path}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
