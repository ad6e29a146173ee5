"""Reading and keeping results: one current result per file and analysis type."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from files.models import File
from nova.models import LOCAL, AnalysisResult, NovaJob
from transcription.models import SpeakerName

#: A note on results that were made without a word: there is nothing in them to search for.
NOTHING_SAID = "nothing is said"


def current_for(file: File) -> dict[str, AnalysisResult]:
    """The results that pages and search use, by analysis type, with the names that people gave to speakers.

    For reading only: a name belongs to the file, and a result stays as it was answered.
    """
    rows = list(AnalysisResult.objects.filter(file=file, is_current=True).select_related("nova_job"))
    if any(row.result.get("speakers") for row in rows):
        names = SpeakerName.objects.names_for(file.pk)
        for row in rows:
            row.result = with_names(row.result, names)
    return {row.type: row for row in rows}


def with_names(result: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A result whose speakers have the `name` that somebody gave to their `speaker_id`, before what they have."""
    speakers = [
        {"name": names[speaker["speaker_id"]], **speaker}
        if isinstance(speaker, Mapping) and speaker.get("speaker_id") in names
        else speaker
        for speaker in result.get("speakers") or []
    ]
    return {**result, "speakers": speakers} if speakers else dict(result)


def keep(
    nova_job: NovaJob,
    results: Mapping[str, Mapping[str, Any]],
    *,
    version: str,
    notes: Sequence[str] = (),
    parser_version: int | None = None,
) -> list[AnalysisResult]:
    """Keep the results of one analysis in one transaction, and make them current.

    A result of the free local model never takes the place of one that was paid for.
    """
    rows = []
    with transaction.atomic():
        _hold(nova_job)
        for kind, result in results.items():
            earlier = AnalysisResult.objects.filter(file=nova_job.file, type=kind, is_current=True)
            yields = nova_job.model == LOCAL and earlier.exclude(nova_job__model=LOCAL).exists()
            if not yields:
                earlier.exclude(nova_job=nova_job).update(is_current=False)
            row, _ = AnalysisResult.objects.update_or_create(
                nova_job=nova_job,
                type=kind,
                defaults={
                    "file_id": nova_job.file_id,
                    "result": result,
                    "version": version,
                    "notes": list(notes),
                    "parser_version": parser_version,
                    "is_current": not yields,
                },
            )
            rows.append(row)
    return rows


def _hold(nova_job: NovaJob) -> None:
    """Of one file, one analysis at a time says which results are current."""
    if nova_job.file_id is not None:
        File.everything.hold(nova_job.file_id)


def make_current(nova_job: NovaJob) -> bool:
    """Use the results of this analysis again: what it was made of is as it was. Returns whether others were in use.

    A result of the free local model never takes the place of one that was paid for.
    """
    changed = False
    with transaction.atomic():
        _hold(nova_job)
        for row in AnalysisResult.objects.filter(nova_job=nova_job, file=nova_job.file, is_current=False):
            in_use = AnalysisResult.objects.filter(file=nova_job.file, type=row.type, is_current=True)
            if nova_job.model == LOCAL and in_use.exclude(nova_job__model=LOCAL).exists():
                continue
            in_use.update(is_current=False)
            row.is_current = changed = True
            row.save(update_fields=["is_current"])
    return changed


def replace_reading(
    nova_job: NovaJob, readings: Mapping[str, Mapping[str, Any]], *, notes: Sequence[str], parser_version: int
) -> None:
    """Put another reading of the same replies in the place of the earlier one; which one is current stays.

    What an analysis had no result for before is current where nothing else is.
    """
    with transaction.atomic():
        _hold(nova_job)
        for kind, result in readings.items():
            facts = {"result": result, "notes": list(notes), "parser_version": parser_version}
            if AnalysisResult.objects.filter(nova_job=nova_job, type=kind).update(**facts):
                continue
            is_first = not AnalysisResult.objects.filter(file=nova_job.file, type=kind, is_current=True).exists()
            AnalysisResult.objects.create(
                nova_job=nova_job, type=kind, file_id=nova_job.file_id, is_current=is_first, **facts
            )
