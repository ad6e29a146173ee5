"""Times in results: brought inside the clip, in order, and moved to where the clip lies in its source. Pure."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from nova.replies.coercion import Notes
from nova.types.schemas import Schema, is_time, span_names, type_of


def settle(value: Any, schema: Schema, *, duration_s: float | None, notes: Notes, path: str) -> None:
    """Bring all times inside the clip and in order, in place; each correction is noted.

    A stretch that begins after the clip's end says nothing of the clip: in a list it is left out.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if isinstance(value, dict):
        settle_moments(value, properties, (duration_s, notes, path))
        for name, part in properties.items():
            where = f"{path}.{name}".lstrip(".")
            settle(value.get(name), part, duration_s=duration_s, notes=notes, path=where)
    elif isinstance(value, list):
        leave_out_strays(value, schema, (duration_s, notes, path))
        for item in value:
            settle(item, schema.get("items", {}), duration_s=duration_s, notes=notes, path=f"{path}[]")
        if sort_by_time(value, schema):
            notes.add(path, "put in order of time")
        if schema.get("x-sequence"):
            trim_overlaps(value, schema, notes, path)


def map_times(value: Any, schema: Schema, change: Callable[[float], float]) -> Any:
    """A copy with every time changed. Where the schema knows nothing, names that end in `_s` are times."""
    if isinstance(value, Mapping):
        parts: Mapping[str, Schema] = schema.get("properties", {})
        changed = {}
        for name, part in value.items():
            part_schema = parts.get(name, {})
            is_number = isinstance(part, int | float) and not isinstance(part, bool)
            by_name = bool(part_schema.get("x-time", name.endswith("_s")))
            if not (is_number and (is_time(name, part_schema) if "type" in part_schema else by_name)):
                changed[name] = map_times(part, part_schema, change)
            else:
                changed[name] = round(change(part)) if type_of(part_schema) == "integer" else change(part)
        return changed
    if isinstance(value, list):
        return [map_times(item, schema.get("items", {}), change) for item in value]
    return value


def settle_moments(
    value: dict[str, Any], properties: Mapping[str, Schema], about: tuple[float | None, Notes, str]
) -> None:
    """Bring the moments of one object inside the clip, an end never before its beginning, in place."""
    duration_s, notes, path = about
    span = _span_in(value, properties)
    if span and value[span[0]] > value[span[1]]:
        notes.add(path, "beginning and end were swapped")
        value[span[0]], value[span[1]] = value[span[1]], value[span[0]]
    for name, part in properties.items():
        if is_time(name, part) and value.get(name) is not None:
            seconds = value[name]
            latest = duration_s if duration_s is None or type_of(part) != "integer" else math.floor(duration_s)
            inside = max(0, seconds if latest is None else min(latest, seconds))
            if inside != seconds:
                notes.add(f"{path}.{name}".lstrip("."), f"{seconds:g} is outside the clip; {inside:g} stands instead")
                value[name] = inside


def leave_out_strays(items: list[Any], schema: Schema, about: tuple[float | None, Notes, str]) -> None:
    """Take out of a list what begins after the end of the clip, in place."""
    duration_s, notes, path = about
    properties = schema.get("items", {}).get("properties", {})
    kept = []
    for item in items:
        span = _span_in(item, properties)
        if span and duration_s is not None and min(item[span[0]], item[span[1]]) > duration_s:
            notes.add(f"{path}[]", "left out: it begins after the end of the clip")
            notes.lost += 1
        else:
            kept.append(item)
    items[:] = kept


def _span_in(item: Any, properties: Mapping[str, Schema]) -> tuple[str, str] | None:
    """The names of beginning and end, where the item has both."""
    span = span_names(properties)
    has_both = span and isinstance(item, dict) and all(item.get(name) is not None for name in span)
    return span if has_both else None


def sort_by_time(items: list[Any], schema: Schema) -> bool:
    """Put a list of stretches or moments in order; what has no time stays in its place. True if that changed it."""
    names = order_names(schema)
    places = [at for at, item in enumerate(items) if names and all(item.get(name) is not None for name in names)]
    ordered = sorted((items[at] for at in places), key=lambda item: [item[name] for name in names])
    changed = any(items[at] is not item for at, item in zip(places, ordered, strict=True))
    for at, item in zip(places, ordered, strict=True):
        items[at] = item
    return changed


def order_names(schema: Schema) -> tuple[str, ...]:
    """What a list's items are ordered by: beginning and end, or their only moment."""
    properties = schema.get("items", {}).get("properties", {})
    moments = tuple(name for name, part in properties.items() if is_time(name, part))
    return span_names(properties) or (moments if len(moments) == 1 else ())


def trim_overlaps(items: list[Any], schema: Schema, notes: Notes, path: str) -> None:
    """One after the other: what overlaps the next ends where that begins."""
    properties = schema.get("items", {}).get("properties", {})
    timed = [item for item in items if _span_in(item, properties)]
    span = span_names(properties)
    for item, following in pairwise(timed):
        if span and item[span[1]] > following[span[0]]:
            notes.add(f"{path}[]", "it overlapped the next one; ends where that begins")
            item[span[1]] = following[span[0]]
