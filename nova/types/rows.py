"""A result of any shape as rows: for a spreadsheet, and for the page of a type that has no view of its own. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Path of the part, name, start and end in seconds (empty where it has none), and what is said of it.
Row = tuple[str, str, float | str, float | str, str]


def rows(result: Mapping[str, Any], path: str = "") -> Iterator[Row]:
    """A row for each thing of a list and each of its stretches of time, and for everything else one a value."""
    for name, value in result.items():
        where = f"{path}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            yield from rows(value, where)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for item in value:
                if isinstance(item, Mapping):
                    yield from rows_of_thing(item, where)
                else:
                    yield where, "", "", "", as_text(item)
        else:
            yield where, "", "", "", as_text(value)


def rows_of_thing(thing: Mapping[str, Any], path: str) -> Iterator[Row]:
    """A row for each stretch of time of a thing; one where it has its own, or none. Its first text is its name."""
    name_key = next((key for key, value in thing.items() if isinstance(value, str)), "")
    ranges: Sequence[Mapping[str, Any]] = next((value for value in thing.values() if are_ranges(value)), [])
    details = {
        key: value
        for key, value in thing.items()
        if key not in (name_key, "start_s", "end_s", "index") and not are_ranges(value) and value not in ([], "", None)
    }
    text = "; ".join(f"{key}: {as_text(value)}" for key, value in details.items())
    for span in ranges or [thing]:
        yield path, str(thing.get(name_key, "")), span.get("start_s", ""), span.get("end_s", ""), text


def are_ranges(value: object) -> bool:
    """Whether it is a list of stretches of time and of nothing else."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and set(item) == {"start_s", "end_s"} for item in value)
    )


def as_text(value: object) -> str:
    """A value in a cell: lists of texts with commas, other compounds as JSON."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False)
