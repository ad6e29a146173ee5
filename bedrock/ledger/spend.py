"""What was spent: by day, model, mode, type and file, and estimate against actual."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from bedrock import conf
from bedrock.models import CatalogueModel, Entry, month_of

#: What spending can be seen by, and the column behind it.
DIMENSIONS = {
    "day": "day",
    "month": "month",
    "model": "model_key",
    "mode": "mode",
    "type": "analysis_type",
    "purpose": "purpose",
    "file": "file_id",
}
State = Entry.State


@dataclass(frozen=True, kw_only=True)
class SpendRow:
    """One line of a table of spending. `spent_usd` is settled, `estimated_usd` what was expected of the same calls."""

    key: str
    label: str
    calls: int
    spent_usd: Decimal
    estimated_usd: Decimal
    reserved_usd: Decimal
    possibly_paid_usd: Decimal
    unpriced_calls: int
    #: By model: what AWS calls it.
    model_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Month:
    """Where a month stands. `cap_usd` and `left_usd` are None without a cap."""

    month: str
    cap_usd: Decimal | None
    spent_usd: Decimal
    reserved_usd: Decimal
    possibly_paid_usd: Decimal
    unpriced_calls: int
    left_usd: Decimal | None


def by(dimension: str, *, since: date | None = None, until: date | None = None) -> list[SpendRow]:
    """Spending by a dimension, days counted in UTC and included at both ends. The dearest first; days in order."""
    column = DIMENSIONS[dimension]
    entries = _entries(since, until)
    if column == "day":
        entries = entries.annotate(day=TruncDate("created_at", tzinfo=UTC))
    groups = list(entries.values(column).annotate(**_sums()).order_by(column))
    names: dict[int | None, str] = {}
    if dimension == "file":
        names = dict(entries.order_by("id").values_list("file_id", "file_name"))
    rows = [_row(group, column, names) for group in groups]
    if dimension == "model":
        model_ids = dict(CatalogueModel.objects.values_list("key", "model_id"))
        rows = [replace(row, model_id=model_ids.get(row.key, "")) for row in rows]
    return rows if dimension in {"day", "month"} else sorted(rows, key=lambda row: row.spent_usd, reverse=True)


def month(name: str | None = None) -> Month:
    """Where this month (or another, as "2026-11") stands against the cap."""
    name = name or month_of(timezone.now())
    sums = Entry.objects.in_month(name).aggregate(counted=Sum("counted_usd"), **_sums())
    cap = conf.budget_usd()
    return Month(
        month=name,
        cap_usd=cap,
        spent_usd=_usd(sums["spent"]),
        reserved_usd=_usd(sums["reserved"]),
        possibly_paid_usd=_usd(sums["possibly"]),
        unpriced_calls=sums["unpriced"],
        left_usd=None if cap is None else cap - _usd(sums["counted"]),
    )


def of_files(file_ids: Iterable[int]) -> dict[int, Decimal]:
    """What was spent on each of these files; files without spending are left out."""
    groups = Entry.objects.of_files(file_ids).filter(state=State.SETTLED).values("file_id")
    return {group["file_id"]: _usd(group["spent"]) for group in groups.annotate(spent=Sum("actual_usd")).order_by()}


def _entries(since: date | None, until: date | None) -> QuerySet[Entry]:
    entries = Entry.objects.exclude(state=State.RELEASED)
    if since:
        entries = entries.filter(created_at__gte=datetime.combine(since, time.min, UTC))
    return entries.filter(created_at__lte=datetime.combine(until, time.max, UTC)) if until else entries


def _sums() -> dict[str, Any]:
    settled = Q(state=State.SETTLED)
    return {
        "calls": Count("id", filter=~Q(state=State.RELEASED)),
        "spent": Sum("actual_usd", filter=settled),
        "estimated": Sum("estimated_usd", filter=settled),
        "reserved": Sum("counted_usd", filter=Q(state=State.RESERVED)),
        "possibly": Sum("counted_usd", filter=Q(state=State.POSSIBLY_PAID)),
        "unpriced": Count("id", filter=settled & Q(actual_usd__isnull=True)),
    }


def _row(group: dict[str, Any], column: str, names: dict[int | None, str]) -> SpendRow:
    key = group[column]
    text = "" if key is None else str(key)
    return SpendRow(
        key=text,
        label=names.get(key) or text or "none",
        calls=group["calls"],
        spent_usd=_usd(group["spent"]),
        estimated_usd=_usd(group["estimated"]),
        reserved_usd=_usd(group["reserved"]),
        possibly_paid_usd=_usd(group["possibly"]),
        unpriced_calls=group["unpriced"],
    )


def _usd(value: Decimal | None) -> Decimal:
    return value or Decimal(0)
