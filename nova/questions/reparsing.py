"""Reading kept replies again with the current parser: free, and with the difference shown before anything changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from nova.errors import ReplyError
from nova.models import NovaJob, Question
from nova.notifications import announce
from nova.questions import reply_store, results
from nova.replies.parsing import PARSER_VERSION

#: Values are shown up to this many characters.
SHOWN = 60


@dataclass(kw_only=True)
class Reading:
    """What another reading of one analysis gives. `changes` are lines such as `chapters.0.title: "A" -> "B"`."""

    nova_job: NovaJob
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    error: str = ""


def readings(nova_jobs: Iterable[NovaJob]) -> Iterator[Reading]:
    """Read the replies of these analyses again; nothing is changed, nothing is paid."""
    for nova_job in nova_jobs:
        questions = list(nova_job.questions.select_related("reply", "nova_job", "nova_job__file"))
        answered = [question for question in questions if question.state == Question.State.ANSWERED and question.reply]
        if not answered or len(answered) < len(questions):
            continue
        before = {row.type: row.result for row in nova_job.results.all()}
        reading = Reading(nova_job=nova_job)
        try:
            reading.found, reading.notes = reply_store.read(nova_job, answered)
        except ReplyError as exc:
            reading.error = str(exc)
        else:
            reading.changes = list(differences(before, reading.found))
        yield reading


def keep(reading: Reading) -> None:
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
