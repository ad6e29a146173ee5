"""Models that AWS answers no more today: what asks them waits, however much it is, and is tried again once an hour.

How AWS counts a day is not told, so one call an hour finds out; when it is answered, all else goes on.
"""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from bedrock.errors import DailyQuotaError
from bedrock.models import CatalogueModel

TRY_EVERY = timedelta(hours=1)


def close(model: str, reason: str) -> None:
    """Note that AWS answers this model (by its key or id) no more today."""
    _named(model).update(closed_until=timezone.now() + TRY_EVERY, closed_reason=reason[:500])


def reopen(model: str) -> None:
    """Note that AWS answers this model (by its key or id)."""
    _named(model).filter(closed_until__isnull=False).update(closed_until=None, closed_reason="")


def check_open(model: str) -> None:
    """Raise DailyQuotaError where AWS answers this model (by its key or id) no more today."""
    row = _named(model).filter(closed_until__gt=timezone.now()).first()
    if row is not None:
        raise DailyQuotaError(row.closed_reason or f"AWS answers {row.name} no more today.")


def may_ask(model: str) -> int | None:
    """How many calls of this model may be tried now: none, one that finds out, or any number (None)."""
    row = _named(model).filter(closed_until__isnull=False).first()
    if row is None or row.closed_until is None:
        return None
    return int(row.closed_until <= timezone.now())


def _named(model: str) -> QuerySet[CatalogueModel]:
    return CatalogueModel.objects.filter(Q(key=model) | Q(model_id=model))
