"""What people write into a filter (`1:30`, `10 GB`, `last week`), as the numbers and moments of the API. Pure."""

import re
from datetime import datetime, timedelta

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZE = re.compile(r"([\d.,]+)\s*([kmgt]?b?)", re.IGNORECASE)
_LENGTH_UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hours": 3600, "hour": 3600, "minutes": 60}
_LENGTH = re.compile(r"([\d.]+)\s*(s|sec|minutes|min|m|hours|hour|h)\b", re.IGNORECASE)
_AGO = re.compile(r"(?:last\s+)?(\d+)\s+(day|week|month|year)s?(?:\s+ago)?", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def size_bytes(text: str) -> str:
    """`10 GB` → `10000000000`; what cannot be read stays as it is, and the filter says so."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return text
    unit = found[2].lower()
    unit = unit if unit in _UNITS else f"{unit}b"
    try:
        return str(int(float(found[1].replace(",", "")) * _UNITS[unit]))
    except ValueError:
        return text


def length_s(text: str) -> str:
    """`1:30` → `90`, `1 h 5 min` → `3900`."""
    text = text.strip()
    try:
        if ":" in text:
            total = 0.0
            for part in text.split(":"):
                total = total * 60 + float(part)
            return f"{total:g}"
        if text and not _LENGTH.sub("", text).strip(" ,"):
            return f"{sum(float(number) * _LENGTH_UNITS[unit.lower()] for number, unit in _LENGTH.findall(text)):g}"
    except ValueError:
        return text
    return text


def since(text: str, now: datetime) -> str:
    """`yesterday`, `last week`, `3 days ago` → the moment that it means, in ISO form."""
    word = " ".join(text.lower().split())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "today":
        return midnight.isoformat()
    if word == "yesterday":
        return (midnight - timedelta(days=1)).isoformat()
    if word in ("last week", "last month", "last year"):
        return (midnight - timedelta(days=_DAYS[word.removeprefix("last ")])).isoformat()
    found = _AGO.fullmatch(word)
    return (midnight - timedelta(days=int(found[1]) * _DAYS[found[2]])).isoformat() if found else text


def machine_value(name: str, text: str, now: datetime) -> str:
    """The value of the filter `name` as `GET /api/files` reads it."""
    if name.endswith("_size"):
        return size_bytes(text)
    if name.endswith("_duration"):
        return length_s(text)
    return since(text, now) if name.endswith(("_after", "_before")) else text
