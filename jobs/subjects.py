"""What jobs are about, in words: asked in bulk, one call for each kind of subject."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from jobs import registry
from jobs.models import Job

FILE = "file"


@dataclass(frozen=True, kw_only=True)
class SubjectDescription:
    """What one job is about."""

    label: str = ""
    url: str = ""
    file_id: int | None = None


def describe(jobs: Iterable[Job]) -> dict[int, SubjectDescription]:
    """What each of these jobs is about, by the job's id."""
    rows = list(jobs)
    ids: dict[str, set[int]] = {}
    for job in rows:
        if job.subject_id is not None:
            ids.setdefault(job.subject_kind, set()).add(job.subject_id)
    described = {kind: _describe_kind(kind, sorted(subject_ids)) for kind, subject_ids in ids.items()}
    return {job.pk: described.get(job.subject_kind, {}).get(job.subject_id or 0, SubjectDescription()) for job in rows}


def _describe_kind(kind: str, subject_ids: list[int]) -> dict[int, SubjectDescription]:
    subject = registry.subject(kind)
    if subject is None:
        return {
            pk: SubjectDescription(label=f"{kind} {pk}".strip(), file_id=pk if kind == FILE else None)
            for pk in subject_ids
        }
    labels = subject.labels(subject_ids)
    if kind == FILE:
        files = {pk: pk for pk in subject_ids}
    else:
        files = dict(subject.files(subject_ids)) if subject.files else {}
    urls: dict[int, str] = {}
    file_subject = registry.subject(FILE)
    if subject.url:
        urls = {pk: subject.url(pk) for pk in labels}
    elif file_subject is not None and file_subject.url is not None and files:
        # What has no page of its own is shown by its file's, while that is in the library.
        in_library = file_subject.labels(sorted(set(files.values())))
        urls = {pk: file_subject.url(file_id) for pk, file_id in files.items() if file_id in in_library}
    return {
        pk: SubjectDescription(label=labels.get(pk, f"{kind} {pk}"), url=urls.get(pk, ""), file_id=files.get(pk))
        for pk in subject_ids
    }


def of_file(file_id: int) -> Q:
    """The condition for jobs about a file, or about something that belongs to it."""
    condition = Q(subject_kind=FILE, subject_id=file_id)
    for kind, subject in registry.subjects().items():
        if kind != FILE and subject.of_file is not None:
            condition |= Q(subject_kind=kind, subject_id__in=list(subject.of_file(file_id)))
    return condition
