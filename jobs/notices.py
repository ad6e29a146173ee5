"""Standing notices: one row per key, shown until it is cleared."""

from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import Notice


def notify(key: str, text: str, *, level: str = "warning", remedy: str = "", url: str = "") -> Notice:
    """Say this once. Saying the same again writes nothing, so it may be called for each of 14,000 files."""
    said = {"text": text, "level": level, "remedy": remedy, "url": url}
    notice = Notice.objects.filter(key=key).first()
    if notice is not None and all(getattr(notice, name) == value for name, value in said.items()):
        return notice
    return Notice.objects.update_or_create(key=key, defaults=said | {"updated_at": timezone.now()})[0]


def clear(key: str) -> None:
    """It is true no more."""
    if Notice.objects.filter(key=key).exists():
        Notice.objects.filter(key=key).delete()


def standing() -> QuerySet[Notice]:
    return Notice.objects.all()
