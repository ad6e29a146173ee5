"""Long videos: cut into spans that a model samples densely, and put together again in times of the source. Pure.

How values are put together is written in the schema (the marks are explained in `nova/types/schemas.py`). Without a
mark, lists follow each other, objects are merged name by name, texts that differ are joined, and true wins over false.
"""

import copy
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nova.replies.coercion import fill_ours, quoted
from nova.replies.timing import map_times, sort_by_time
from nova.types.built_in import BUILT_IN
from nova.types.schemas import Schema, is_ours, span_names

#: Times of the source are kept to the millisecond.
DECIMALS = 3
#: Ends and beginnings this close are one moment.
TOUCHING_S = 0.002

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Span:
    """A stretch of the source, in seconds from its start."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class SpanValue:
    """A value, the span that it is of, and the number of that span."""

    number: int
    share: float
    value: Any

    def of(self, value: Any) -> "SpanValue":
        return SpanValue(self.number, self.share, value)


def cut(duration_s: float, *, knee_s: float, overlap_s: float = 0.0) -> list[Span]:
    """Spans of equal length, none longer than `knee_s`, each beginning `overlap_s` before the last one's end.

    `knee_s` is the length up to which the model looks at every second (960 for Nova; bedrock's catalogue knows it).
    """
    if not 0 <= overlap_s * 2 < knee_s:
        raise ValueError("The overlap must be shorter than half of a span.")
    if duration_s <= knee_s:
        return [Span(0.0, duration_s)]
    number = math.ceil((duration_s - overlap_s) / (knee_s - overlap_s))
    step_s = (duration_s - overlap_s) / number
    starts = [place * step_s for place in range(number)]
    return [Span(start_s, start_s + step_s + overlap_s) for start_s in starts[:-1]] + [Span(starts[-1], duration_s)]


def merge(
    parts: Sequence[tuple[Span, Results]], schemas: Mapping[str, Schema] | None = None
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """One result for each type from those of the spans, and notes on what a person should know of it.

    Times in `parts` are from the start of the span, those that come back from the start of the source. `schemas` are
    those of the results; without them the built-in types are known.
    """
    known = schemas if schemas is not None else {name: spec.schema for name, spec in BUILT_IN.items()}
    ordered = sorted(parts, key=lambda part: (part[0].start_s, part[0].end_s, json.dumps(part[1], sort_keys=True)))
    merged, notes = {}, []
    for name in dict.fromkeys(name for _, results in ordered for name in results):
        schema = known.get(name, {})
        having = [(span, in_source(results[name], schema, span)) for span, results in ordered if name in results]
        notes += [
            f"{name}: nothing is known of {span.start_s:.0f} to {span.end_s:.0f} s"
            for span, results in ordered
            if name not in results
        ]
        if len(having) == 1:
            merged[name] = having[0][1]
            continue
        whole_s = sum(span.length_s for span, _ in having)
        shares = [span.length_s / whole_s if whole_s > 0 else 1 / len(having) for span, _ in having]
        pieces = [
            SpanValue(n, share, value) for n, (share, (_, value)) in enumerate(zip(shares, having, strict=True), 1)
        ]
        joiner = Joiner()
        merged[name] = joiner.join(pieces, schema, name)
        fill_ours(merged[name], schema)
        notes += joiner.notes
    return merged, list(dict.fromkeys(notes))


def in_source(result: Mapping[str, Any], schema: Schema, span: Span) -> dict[str, Any]:
    """A copy of the result of a span with its times moved to where the span lies, and none beyond its end."""

    def shift(second: float) -> float:
        if not span.start_s:
            return second
        shifted = round(second + span.start_s, DECIMALS)
        return min(span.end_s, shifted) if span.length_s > 0 else shifted

    shifted: dict[str, Any] = map_times(copy.deepcopy(dict(result)), schema, shift)
    return shifted


class Joiner:
    """Joins the values of one result, and notes what a person should know."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def join(self, pieces: Sequence[SpanValue], schema: Schema, path: str) -> Any:
        """One value of those of several spans, by the marks of its schema."""
        present = [piece for piece in pieces if piece.value is not None]
        if not present:
            return None
        values = [piece.value for piece in present]
        if all(isinstance(value, dict) for value in values):
            return self.join_objects(present, schema, path)
        if all(isinstance(value, list) for value in values):
            return self.join_lists(present, schema, path)
        if schema.get("x-merge") == "share" and are_numbers(values):
            unknown = len(present) < len(pieces)
            return None if unknown else round(sum(piece.value * piece.share for piece in present), DECIMALS)
        return self.join_scalars(values, schema, path)

    def join_objects(self, pieces: Sequence[SpanValue], schema: Schema, path: str) -> dict[str, Any]:
        """Name by name; a stretch of time begins with the first and ends with the last."""
        parts: Mapping[str, Schema] = schema.get("properties", {})
        span = span_names(parts)
        joined = {}
        for name in dict.fromkeys(name for piece in pieces for name in piece.value):
            own = [piece.of(piece.value[name]) for piece in pieces if name in piece.value]
            if is_ours(parts.get(name, {})):
                joined[name] = own[0].value
            elif span and name in span:
                moments = [piece.value for piece in own if piece.value is not None]
                joined[name] = (min if name == span[0] else max)(moments, default=None)
            else:
                joined[name] = self.join(own, parts.get(name, {}), f"{path}.{name}")
        return joined

    def join_lists(self, pieces: Sequence[SpanValue], schema: Schema, path: str) -> list[Any]:
        """By the mark of the list: in sequence, by key, distinct, joined ranges, or all in order of time."""
        item_schema: Schema = schema.get("items", {})
        span = span_names(item_schema.get("properties", {}))
        items = [item for piece in pieces for item in piece.value]
        if span and not all(item.get(name) is not None for item in items for name in span):
            span = None  # a time is not known
        if schema.get("x-sequence") and span:
            return self.join_sequence(pieces, schema, path, span)
        if "x-key" in schema:
            return self.join_by_key(pieces, schema, path)
        if schema.get("x-distinct"):
            return list({json.dumps(item, sort_keys=True): item for item in reversed(items)}.values())[::-1]
        if span and set(item_schema["properties"]) == set(span):
            return coalesce(items, span)
        sort_by_time(items, schema)
        return items

    def join_by_key(self, pieces: Sequence[SpanValue], schema: Schema, path: str) -> list[Any]:
        """The same thing in several spans is one thing; if it has one stretch of time, only where these touch."""
        item_schema: Schema = schema.get("items", {})
        span = span_names(item_schema.get("properties", {}))
        groups: list[list[SpanValue]] = []
        latest: dict[tuple[str, ...], list[SpanValue]] = {}
        for piece in [whole.of(item) for whole in pieces for item in whole.value]:
            key = key_of(piece.value, schema)
            group = latest.get(key) if key else None
            if group is None or (span and not touches(group, piece, span)):
                groups.append(group := [])
            group.append(piece)
            if key:
                latest[key] = group
        items = [self.as_one(group, schema, path) for group in groups]
        set_apart(items, [group[0].number for group in groups], item_schema)
        sort_by_time(items, schema)
        return items

    def join_sequence(self, pieces: Sequence[SpanValue], schema: Schema, path: str, span: tuple[str, str]) -> list[Any]:
        """Stretches that follow each other, joined at the seams."""
        joined: list[SpanValue] = []
        for piece in pieces:
            items = [piece.of(dict(item)) for item in piece.value]
            if joined and items:
                part_at_seam(joined, items, span)
                last, first = joined[-1], items[0]
                key = key_of(last.value, schema)
                touch = first.value[span[0]] - last.value[span[1]] <= TOUCHING_S
                if touch and key and key == key_of(first.value, schema):
                    joined[-1], items = last.of(self.as_one([last, first], schema, path)), items[1:]
            joined += items
        return [piece.value for piece in joined]

    def as_one(self, same: Sequence[SpanValue], schema: Schema, path: str) -> dict[str, Any]:
        """One thing of several of the same key, which is spelled as it came first."""
        whole = self.join_objects(same, schema.get("items", {}), f"{path}[]")
        if len(same) > 1:
            whole |= {name: same[0].value[name] for name in key_names(schema)}
        return whole

    def join_scalars(self, values: list[Any], schema: Schema, path: str) -> Any:
        """By the rule of the schema; where the spans contradict each other the first stands, with a note."""
        rule = schema.get("x-merge", "")
        if rule == "paragraphs":
            self.notes.append(f"{path}: {len(values)} parts, one after the other")
            return "\n\n".join(str(value) for value in values if str(value).strip())
        if all(isinstance(value, bool) for value in values):
            return any(values)
        if are_numbers(values) and rule in NUMBERS:
            return NUMBERS[rule](values)
        if rule == "best" and all(value in schema.get("enum", ()) for value in values):
            return min(values, key=list(schema["enum"]).index)
        if all(isinstance(value, str) for value in values) and rule != "first" and "enum" not in schema:
            return join_texts(values)
        if any(value != values[0] for value in values):
            said = ", ".join(quoted(value) for value in dict.fromkeys(map(str, values)))
            self.notes.append(f"{path}: the parts say {said}; the first stands")
        return values[0]


NUMBERS: Mapping[str, Callable[[Iterable[Any]], Any]] = {"max": max, "min": min, "sum": sum}


def are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def join_texts(values: Sequence[str]) -> str:
    """Each text once: sentences after each other, words with a stroke between them."""
    distinct = list(dict.fromkeys(value.strip() for value in values if value.strip()))
    are_sentences = any(text.endswith((".", "!", "?", "…")) for text in distinct)
    return (" " if are_sentences else " / ").join(distinct) if len(distinct) > 1 else next(iter(distinct), "")


def key_of(item: Any, schema: Schema) -> tuple[str, ...] | None:
    """What an item is known by, without case and punctuation; None where it says nothing."""
    names = key_names(schema)
    if not names or not isinstance(item, Mapping):
        return None
    key = tuple(" ".join(re.findall(r"\w+", str(item.get(name) or "").casefold())) for name in names)
    return key if all(key) else None


def key_names(schema: Schema) -> Sequence[str]:
    names: Sequence[str] = schema.get("x-key", ())
    return (names,) if isinstance(names, str) else names


def touches(group: Sequence[SpanValue], piece: SpanValue, span: tuple[str, str]) -> bool:
    """Whether a stretch overlaps those of the group, or begins or ends where they do."""
    start, end = span
    moments = [member.value.get(name) for member in (*group, piece) for name in span]
    if any(moment is None for moment in moments):
        return False
    first, last = min(member.value[start] for member in group), max(member.value[end] for member in group)
    return bool(piece.value[start] - last <= TOUCHING_S and first - piece.value[end] <= TOUCHING_S)


def coalesce(ranges: Sequence[Mapping[str, Any]], span: tuple[str, str]) -> list[dict[str, Any]]:
    """Stretches in order, those that overlap or touch as one."""
    start, end = span
    joined: list[dict[str, Any]] = []
    for stretch in sorted(ranges, key=lambda stretch: (stretch[start], stretch[end])):
        if joined and stretch[start] - joined[-1][end] <= TOUCHING_S:
            joined[-1][end] = max(joined[-1][end], stretch[end])
        else:
            joined.append(dict(stretch))
    return joined


def part_at_seam(before: Sequence[SpanValue], after: Sequence[SpanValue], span: tuple[str, str]) -> None:
    """Let what overlaps meet in one moment, in place: inside of both neighbours, if there is such a moment."""
    start, end = span
    last, first = before[-1].value, after[0].value
    if last[end] <= first[start]:
        return
    low, high = max(last[start], first[start]), min(last[end], first[end])
    are_whole = all(isinstance(item[name], int) for item in (last, first) for name in span)
    middle_s = (low + high) / 2 if low <= high else (first[start] + last[end]) / 2
    seam_s = round(middle_s, None if are_whole else DECIMALS)
    for item in (piece.value for piece in before):
        item[start], item[end] = min(item[start], seam_s), min(item[end], seam_s)
    for item in (piece.value for piece in after):
        item[start], item[end] = max(item[start], seam_s), max(item[end], seam_s)


def set_apart(items: Sequence[dict[str, Any]], numbers: Sequence[int], schema: Schema) -> None:
    """Names that count within one span only (speaker_1) get its number where another span has the same, in place."""
    for name in (name for name, part in schema.get("properties", {}).items() if part.get("x-merge") == "apart"):
        taken: set[str] = set()
        for item, number in zip(items, numbers, strict=True):
            label = str(item.get(name, ""))
            while label in taken:
                label = f"{label} (part {number})"
            item[name] = label
            taken.add(label)
