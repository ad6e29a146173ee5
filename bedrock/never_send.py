"""Folders whose files never go to AWS. Held where money is reserved, which no call can pass by, and where something is
copied to S3, which no upload can.
"""

from collections.abc import Iterable

from bedrock.errors import FolderNeverSentError
from files.models import File
from jobs.bulk import sliced


def kept_here(file_ids: Iterable[int | None]) -> set[int]:
    """Which of these files lie in a folder that is never sent."""
    known = {file_id for file_id in file_ids if file_id is not None}
    if not known:
        return set()
    rows = File.everything.filter(root__never_send=True)
    if not rows.exists():
        return set()
    return {pk for some in sliced(sorted(known)) for pk in rows.filter(pk__in=some).values_list("pk", flat=True)}


def require_sendable(file_ids: Iterable[int | None]) -> None:
    """Raise FolderNeverSentError where one of these files may not be sent."""
    kept = kept_here(file_ids)
    if kept:
        file = File.everything.select_related("root").get(pk=min(kept))
        raise refusal(file)


def refusal(file: File) -> FolderNeverSentError:
    return FolderNeverSentError(f"“{file.name}” lies in “{file.root.name}”, and nothing of that folder is sent to AWS.")
