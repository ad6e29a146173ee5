"""All results as rows of a spreadsheet: one for each thing and each stretch of time, of any analysis type. Pure."""

import csv
import io

from nova.exports.source import ExportSource
from nova.types.rows import rows

#: A cell that a spreadsheet would compute begins so (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = ("type", "part", "name", "start_s", "end_s", "text", "model", "model_id")


def write(source: ExportSource) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for name, result in source.results.items():
        maker = source.made_by.get(name, {})
        for row in rows(result):
            cells = (name, *row, maker.get("model", ""), maker.get("model_id", ""))
            writer.writerow([as_cell(value) for value in cells])
    return out.getvalue()


def as_cell(value: float | str) -> float | str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
