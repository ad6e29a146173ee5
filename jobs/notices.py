"""Standing notices: one row per key, shown until it is cleared."""

from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import Notice


def notify(key: str, text: str, *, level: str = "warning", remedy: str = "", url: str = "") -> Notice:
    """Show a notice until `clear(key)`. The same again writes nothing, so it may be called for each of 14,000 files."""
    values = {"text": text, "level": level, "remedy": remedy, "url": url}
    notice = Notice.objects.filter(key=key).first()
    if notice is not None and all(getattr(notice, name) == value for name, value in values.items()):
        return notice
    return Notice.objects.update_or_create(key=key, defaults=values | {"updated_at": timezone.now()})[0]


def clear(key: str) -> None:
    """Remove the notice with this key: what it says is true no more."""
    if Notice.objects.filter(key=key).exists():
        Notice.objects.filter(key=key).delete()


def standing() -> QuerySet[Notice]:
    """The notices that are shown now, the latest first."""
    return Notice.objects.all()
