"""Forgetting the log files of days long gone."""

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

from files.storage import disk
from novaproject.logs.lines import PREFIX, SUFFIX

#: How often it is looked for what is old enough.
EVERY_S = 3600.0


def forget_old() -> int:
    """Delete files of more than LOG_KEEP_DAYS days ago; what else lies in the folder stays. Returns how many."""
    if not settings.LOG_KEEP_DAYS:
        return 0
    oldest = timezone.localdate() - timedelta(days=settings.LOG_KEEP_DAYS)
    files = settings.LOG_DIR.glob(f"{PREFIX}*{SUFFIX}")
    return sum(disk.remove(path) for path in files if (_day_of(path.name) or oldest) < oldest)


def _day_of(name: str) -> date | None:
    try:
        return date.fromisoformat(name.removeprefix(PREFIX).removesuffix(SUFFIX))
    except ValueError:
        return None
