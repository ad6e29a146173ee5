"""Sizes, lengths and numbers in words. Pure."""


def size(size_bytes: int | None) -> str:
    """`1530000000` → `1.5 GB`, in decimal units, as drives are labelled."""
    if size_bytes is None:
        return "–"
    amount, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if amount < 999.5 or unit == "PB":
            break
        amount /= 1000
    return f"{amount:.1f} {unit}" if unit != "B" and amount < 9.95 else f"{amount:,.0f} {unit}"


def files(count: int) -> str:
    """`1` → `1 file`, `1200` → `1,200 files`"""
    return f"{count:,} file" if count == 1 else f"{count:,} files"


def uploads(count: int) -> str:
    """`1` → `1 upload`, `1200` → `1,200 uploads`"""
    return f"{count:,} upload" if count == 1 else f"{count:,} uploads"


def length(duration_s: float | None) -> str:
    """`3723` → `1:02:03`"""
    if duration_s is None:
        return "–"
    hours, rest = divmod(int(duration_s), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
