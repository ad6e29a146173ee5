"""Both sides of the door to refreshing the models in the background."""

from typing import TYPE_CHECKING, Any

from bedrock.refreshing import RefreshRequest, in_words, refresh
from jobs.queue import enqueue
from jobs.registry import FAST, Kind
from jobs.work import Work

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Job

REFRESH_MODELS = "refresh_models"
PERMISSION = "bedrock.change_cataloguemodel"


def request_refresh(options: dict[str, Any], *, created_by: "AbstractBaseUser | None" = None) -> "Job":
    """Ask for the models to be brought up to date; options are those of `RefreshRequest`."""
    by = {"by": created_by.get_username()} if created_by else {}
    return enqueue(REFRESH_MODELS, options={**options, **by}, created_by=created_by)


def run_refresh(work: Work) -> str:
    """The body of `refresh_models`."""
    return " ".join(line.strip() for line in in_words(refresh(RefreshRequest(**work.options))))


REFRESH_KIND = Kind(
    name=REFRESH_MODELS, label="Refresh models", queue=FAST, run=run_refresh, permission=PERMISSION, limit=1
)
