"""Filters that say sizes, lengths, moments and money the way people do. Exact values belong into `title`."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from files import humanize

register = template.Library()


@register.filter
def size(value: int | float | None) -> str:
    """`1530000000` → `1.5 GB`. Decimal units, as file managers and drives are labelled."""
    if value is None:
        return "unknown"
    return humanize.size(value)


@register.filter
def timecode(value: float | None) -> str:
    """`222.4` → `3:42`, `3723` → `1:02:03`: a place in a clip, or its length on a poster."""
    if value is None:
        return "–"
    return humanize.length(max(0, value))


@register.filter
def duration(value: float | None) -> str:
    """`1104` → `18 min 24 s`; the two largest units, because nobody reads a third."""
    if value is None:
        return "unknown"
    total = max(0.0, float(value))
    if total < 0.05:
        return "0 s"
    if total < 10 and total != int(total):
        return f"{total:.1f} s"
    whole = round(total)
    parts = []
    for name, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, whole = divmod(whole, length)
        if count:
            parts.append(f"{count:,} {name}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


@register.filter
def hours(value: float | None) -> str:
    """A total running time: hours and minutes, never days, as film people count."""
    total = round(float(value or 0))
    if total < 3600:
        return duration(total)
    whole, rest = divmod(round(total / 60), 60)
    text = f"{whole:,} h"
    return f"{text} {rest} min" if rest and whole < 1000 else text


@register.filter
def day(value: datetime | None) -> str:
    """`14 Sep 2026`, in the site's time zone."""
    if value is None:
        return "unknown"
    local = timezone.localtime(value)
    return f"{local.day} {local:%b %Y}"


@register.filter
def moment(value: datetime | None) -> str:
    """`today 15:47`, `yesterday 9:03`, `14 Sep 15:47`, `14 Sep 2025`: as much of a moment as is needed."""
    if value is None:
        return "never"
    local, now = timezone.localtime(value), timezone.localtime()
    clock = f"{local.hour}:{local:%M}"
    days = (now.date() - local.date()).days
    if days == 0:
        return f"today {clock}"
    if days == 1:
        return f"yesterday {clock}"
    return f"{local.day} {local:%b} {clock}" if local.year == now.year else day(value)


@register.filter
def exactly(value: datetime | None) -> str:
    """The exact moment, for `title` and `datetime`."""
    return timezone.localtime(value).isoformat(timespec="seconds") if value else ""


@register.filter
def usd(value: Decimal | float | None) -> str:
    """`$12.40`; below a dollar four decimals, because one clip costs less than a cent. None is not 0."""
    if value is None:
        return "unpriced"
    amount = Decimal(str(value))
    digits = 2 if amount == 0 or abs(amount) >= 1 else 4
    return f"{'−' if amount < 0 else ''}${abs(amount):,.{digits}f}"


@register.filter
def percent(part: float | None, whole: float | None) -> str:
    """`percent 3 of 4` → `75 %`; never 100 % or 0 % when it is not quite so."""
    if not whole or part is None:
        return "0 %"
    share = 100 * part / whole
    rounded = round(share)
    if rounded == 100 and part < whole:
        rounded = 99
    if rounded == 0 and part > 0:
        return "under 1 %"
    return f"{rounded} %"


@register.filter
def with_code(text: str) -> SafeString:
    """What stands between backticks becomes `<code>`; everything is escaped."""
    pieces = [
        format_html("<code>{}</code>", piece) if index % 2 else escape(piece)
        for index, piece in enumerate(text.split("`"))
    ]
    return mark_safe("".join(pieces))  # noqa: S308 - every piece is escaped above


@register.filter
def count_of(number: int, words: str) -> str:
    """`{{ 3|count_of:"file,files" }}` → `3 files`, `1 file`."""
    singular, _, plural = words.partition(",")
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
