"""Both sides of the door to reconciling in the background."""

from django.contrib.auth.base_user import AbstractBaseUser

from files.upkeep.reconciling import reconcile
from jobs.models import Job
from jobs.queue import enqueue
from jobs.registry import LONG, Kind
from jobs.work import Work

RECONCILE = "reconcile"
PERMISSION = "files.delete_proxy"


def request_reconciling(*, apply: bool = False, created_by: AbstractBaseUser | None = None) -> Job:
    """Ask for rows and files to be compared; with `apply`, put right."""
    return enqueue(RECONCILE, options={"apply": apply}, created_by=created_by)


def run_reconcile(work: Work) -> str:
    """The body of `reconcile`."""
    report = reconcile(apply=bool(work.options.get("apply")))
    return " ".join([report.summary(), *(f"{len(items):,} {said}." for said, items in report.lines)])


RECONCILE_KIND = Kind(name=RECONCILE, label="Reconcile", queue=LONG, run=run_reconcile, permission=PERMISSION, limit=1)
