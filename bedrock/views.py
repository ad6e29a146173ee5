"""The page of spending: where the month stands, and what was spent by day, model, mode, type or file."""

import csv
from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from bedrock import catalogue, conf, price_list, spend_plot
from bedrock.errors import NotOfferedError
from bedrock.forms import SpendForm
from bedrock.ledger import spend
from bedrock.models import GLOBAL, CatalogueModel

#: The tables that people choose from, and what their first column is called.
TABLES = {"day": "Day", "model": "Model", "mode": "Mode", "type": "Analysis", "file": "File", "month": "Month"}
#: A cell that a spreadsheet would compute begins so (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Rows of the table; the CSV has all.
MAX_ROWS = 200


@require_safe
@permission_required("bedrock.view_entry", raise_exception=True)
def spend_page(request: HttpRequest) -> HttpResponse:
    """Where the month stands, what was spent by one dimension, over time, and what each model costs."""
    form = SpendForm(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    by, since, until = query.get("by") or "day", query.get("since"), query.get("until")
    rows = spend.by(by, since=since, until=until)
    if query.get("as_csv"):
        return _as_csv(by, rows)
    month = spend.month()
    sums = [field.name for field in fields(spend.SpendRow) if field.name not in {"key", "label", "model_id"}]
    # The latest day on top; the dearest of everything else, as they come.
    ordered = rows[::-1] if by in {"day", "month"} else rows
    context = {
        "form": form,
        "by": by,
        "tables": TABLES,
        "first_column": TABLES[by],
        # The dates of this page for the addresses of the other tables.
        "dates": "".join(f"&{name}={day.isoformat()}" for name, day in (("since", since), ("until", until)) if day),
        "rows": [_shown(by, row) for row in ordered[:MAX_ROWS]],
        "n_rows": len(rows),
        "total": {name: sum(getattr(row, name) for row in rows) for name in sums},
        "month": month,
        "month_name": date.fromisoformat(f"{month.month}-01").strftime("%B"),
        "used_share": _share(month),
        "plot": spend_plot.plot(since, until),
        "models": price_list.lines(),
        "others": price_list.unit_lines(),
    }
    return render(request, "bedrock/spend.html", context)


@require_POST
@permission_required("bedrock.change_cataloguemodel", raise_exception=True)
def accept_estimate(request: HttpRequest, key: str) -> HttpResponse:
    """Take the estimated price of a model in our region as its price."""
    row = get_object_or_404(CatalogueModel, key=key)
    try:
        catalogue.accept_estimate(row, conf.region(), by=request.user.get_username())
    except NotOfferedError as exc:
        messages.warning(request, str(exc))
    else:
        messages.success(request, f"{row.name} is priced by an estimate now, until a price is known.")
    return redirect("spend")


@require_POST
@permission_required("bedrock.change_cataloguemodel", raise_exception=True)
def choose_profile(request: HttpRequest, key: str, profile: str) -> HttpResponse:
    """Call a model by the global profile, or by the nearest one again."""
    row = get_object_or_404(CatalogueModel, key=key)
    try:
        catalogue.choose_profile(row, conf.region(), is_global=profile == GLOBAL)
    except NotOfferedError as exc:
        messages.warning(request, str(exc))
    else:
        messages.success(request, f"{row.name} is {catalogue.route(row) or 'answered in this region'} from now on.")
    return redirect("spend")


def _shown(by: str, row: spend.SpendRow) -> dict[str, Any]:
    """A row with how far the actual cost was from its estimate, and the file's page."""
    off = (row.spent_usd / row.estimated_usd - 1) * 100 if row.estimated_usd and row.spent_usd else None
    file_id = int(row.key) if by == "file" and row.key else None
    return {"row": row, "off": None if off is None else f"{off:+.0f} %".replace("-", "−"), "file_id": file_id}


def _share(month: spend.Month) -> str:
    if not month.cap_usd or month.left_usd is None:
        return "0"
    return f"{min(max(1 - month.left_usd / month.cap_usd, Decimal(0)), Decimal(1)):.3f}"


def _as_csv(by: str, rows: list[spend.SpendRow]) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="spend-by-{by}.csv"'
    names = [field.name for field in fields(spend.SpendRow)]
    sheet = csv.DictWriter(answer, names)
    sheet.writeheader()
    for row in rows:
        sheet.writerow({name: _cell(value) for name, value in asdict(row).items()})
    return answer


def _cell(value: Any) -> str:
    """Text that a spreadsheet takes for text, also where a file's name looks like a formula."""
    if isinstance(value, Decimal):
        return f"{value:f}"  # all digits: the sum of a column is that of the ledger
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
