"""Spending over time, as a plot: by day, or by month where there would be too many days to see."""

from datetime import UTC, date, timedelta
from decimal import Decimal

from django.utils import timezone

from bedrock.ledger import spend
from jobs.plots import Column, Number, Plot, Series, draw

#: Without dates, so many days up to today.
DAYS = 30
#: More columns than these cannot be told apart on a phone.
MAX_DAYS = 62
SERIES = (
    Series(name="spent", css="c1"),
    Series(name="reserved", css="c3"),
    Series(name="possibly charged", css="c2"),
)


def plot(since: date | None = None, until: date | None = None) -> Plot | None:
    """What was spent, reserved and possibly charged; days in UTC, both ends included. None without spending."""
    until = until or timezone.now().astimezone(UTC).date()
    since = since or max(until, date.min + timedelta(days=DAYS)) - timedelta(days=DAYS - 1)
    n_days = (until - since).days + 1
    by = "day" if n_days <= MAX_DAYS else "month"
    rows = {row.key: row for row in spend.by(by, since=since, until=until)}
    days = [since + timedelta(days=n) for n in range(n_days)] if by == "day" else []
    names = {f"{day}": f"{day.day} {day:%b}" for day in days} or {key: key for key in sorted(rows)}
    amounts = {key: (row.spent_usd, row.reserved_usd, row.possibly_paid_usd) for key, row in rows.items()}
    nothing = (Decimal(0),) * len(SERIES)
    columns = [Column(label=label, values=amounts.get(key, nothing)) for key, label in names.items()]
    return draw(columns, SERIES, key="spend", title=f"Spend by {by}", first_column=by.capitalize(), shown=_usd)


def _usd(value: Number) -> str:
    return f"${value:,.2f}" if not value or value >= Decimal("0.01") else f"${value:.4f}"
