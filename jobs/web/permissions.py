"""Who may cancel and retry: whoever may request that kind of work."""

from collections.abc import Iterable

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from jobs import registry
from jobs.models import Batch, Job

#: For kinds that nothing here knows any more.
FALLBACK = "jobs.change_job"

Person = AbstractBaseUser | AnonymousUser


def permission_for(kind_name: str) -> str:
    kind = registry.find(kind_name)
    return kind.permission if kind else FALLBACK


def may_control(user: Person, kind_names: Iterable[str]) -> bool:
    return all(user.has_perm(permission_for(name)) for name in set(kind_names))  # type: ignore[union-attr]


def check_job(user: Person, job: Job) -> None:
    """Raises PermissionDenied unless this person may cancel or retry the job."""
    if not may_control(user, [job.kind]):
        raise PermissionDenied(f"This needs the permission {permission_for(job.kind)}.")


def check_batch(user: Person, batch: Batch) -> None:
    """Raises PermissionDenied unless this person may cancel or retry every kind of job in the batch."""
    kinds = set(batch.jobs.order_by().values_list("kind", flat=True).distinct())
    if not may_control(user, kinds):
        needed = ", ".join(sorted({permission_for(kind) for kind in kinds}))
        raise PermissionDenied(f"This needs the permission {needed}.")
