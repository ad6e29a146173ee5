"""Brings values of the wrong type into a JSON Schema, and notes each correction. Pure.

Nothing is invented: what is missing becomes empty, null or the schema's own `default`; where none of these is allowed
the item is left out, and at last the whole result is given up.
"""

import copy
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nova.replies import lenient_json
from nova.types.schemas import Schema, allows_null, is_ours, is_time, span_names, type_of

MOST_NOTES = 50
QUOTED_CHARS = 40
#: A longer text is neither a time nor a number.
LONGEST_TIME = 40
#: What stands for an unknown choice, where the schema has it.
UNDECIDED = ("unknown", "other")
YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")

CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,6})?)")
HOURS = re.compile(
    r"(?:(\d{1,4})\s*h\w*)?\s*(?:(\d{1,5})\s*m\w*)?\s*(?:(\d{1,6}(?:\.\d{1,6})?)\s*s\w*)?", re.IGNORECASE
)
NUMERAL = re.compile(
    r"([+-]?(?:\d{1,15}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?)\s*(?:%|s|sec|secs|seconds?)?", re.IGNORECASE
)
THOUSANDS, DECIMAL_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+"), re.compile(r"(\d+),(\d{1,2})")
RANGE = re.compile(r"(.+?)\s*(?:-|–|—|\bto\b)\s*(.+)")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotCoercibleError(ValueError):
    """A value that can't be brought into its schema."""


class Notes:
    """What was corrected, each kind once with its number of times; `lost` counts what was left out."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self.lost = 0

    def add(self, path: str, what: str) -> None:
        self._seen[f"{path}: {what}" if path else what] += 1

    def lines(self) -> list[str]:
        lines = [f"{note} ({times} times)" if times > 1 else note for note, times in self._seen.items()]
        more = len(lines) - MOST_NOTES
        return [*lines[:MOST_NOTES], f"and {more} more kinds of damage"] if more > 0 else lines


def quoted(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= QUOTED_CHARS else text[:QUOTED_CHARS] + "…")


def seconds_of(text: str) -> float | None:
    """Seconds of "12.5", "12.5 s", "1:05", "01:01:05.5" or "1h 2m 3s"; None for anything else."""
    text = text.strip()
    if len(text) > LONGEST_TIME:
        return None
    if clock := CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups(default="0")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    number = number_of(text)
    if number is not None:
        return number
    units = HOURS.fullmatch(text)
    if text and units and any(units.groups()):
        hours, minutes, seconds = units.groups(default="0")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return None


def number_of(text: str) -> float | None:
    """The number in a text such as "12.5", "45 %", "1,200"; None for anything else."""
    text = text.strip()
    if len(text) > LONGEST_TIME:
        return None
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif comma := DECIMAL_COMMA.fullmatch(text):
        text = f"{comma[1]}.{comma[2]}"
    found = NUMERAL.fullmatch(text)
    return float(found[1]) if found else None


def fill_ours(value: Any, schema: Schema) -> None:
    """Set what is ours to say, in place: constants, counted words, places in a list."""
    if isinstance(value, list):
        item_schema: Schema = schema.get("items", {})
        index_names = [name for name, part in item_schema.get("properties", {}).items() if part.get("x-index")]
        for number, item in enumerate(value, start=1):
            fill_ours(item, item_schema)
            if isinstance(item, dict):
                item.update(dict.fromkeys(index_names, number))
    if not isinstance(value, dict):
        return
    for name, part in schema.get("properties", {}).items():
        if "const" in part:
            value[name] = part["const"]
        elif "x-words-of" in part:
            value[name] = len(str(value.get(part["x-words-of"], "")).split())
        elif name in value:
            fill_ours(value[name], part)


class Coercer:
    """Brings values into their schema. What is ours to say is left to `fill_ours`."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._kinds: dict[str, Callable[[Any, Schema, str], Any]] = {
            "object": self.as_object,
            "array": self.as_array,
            "string": self.as_string,
            "number": self.as_number,
            "integer": self.as_integer,
            "boolean": self.as_boolean,
            "time": self.as_moment,
        }

    def coerce(self, value: Any, schema: Schema, path: str) -> Any:
        """The value in its schema. Raises NotCoercibleError."""
        if value is None and allows_null(schema):
            return None
        try:
            if "enum" in schema:
                return self.as_choice(value, schema, path)
            kind = "time" if schema.get("x-time") and is_time("", schema) else type_of(schema)
            return self._kinds.get(kind, self.as_free)(value, schema, path)
        except NotCoercibleError as exc:
            if "default" in schema:
                self._notes.add(path, f"{exc}; {quoted(schema['default'])} stands instead")
                return copy.deepcopy(schema["default"])
            if allows_null(schema):
                self._notes.add(path, f"{exc}; left empty")
                return None
            raise

    def as_object(self, value: Any, schema: Schema, path: str) -> dict[str, Any]:
        given = self.as_mapping(value, schema, path)
        properties: Mapping[str, Schema] = schema.get("properties", {})
        if not properties:
            found: dict[str, Any] = self.as_free(given, schema, path)
            return found
        named = self._named(given, schema, path)
        required = schema.get("required", ())
        if not named and not given and not required and "." in path:  # an empty part, not an empty answer
            return {}
        if not named:
            raise NotCoercibleError(f"has none of {', '.join(properties)}")
        made: dict[str, Any] = {}
        for name, part in properties.items():
            where = f"{path}.{name}".lstrip(".")
            if is_ours(part):
                continue
            if name in named:
                self._put(made, name, (named[name], part, where), is_required=name in required)
            elif name in required:
                made[name] = self._missing(part, where)
        if not made:
            raise NotCoercibleError(f"has nothing of use for {', '.join(named)}")
        if schema.get("additionalProperties") is True:
            made |= {key: self.as_free(extra, {}, path) for key, extra in given.items() if key not in properties}
        return made

    def _put(self, made: dict[str, Any], name: str, what: tuple[Any, Schema, str], *, is_required: bool) -> None:
        value, part, where = what
        try:
            made[name] = self.coerce(value, {**part, "x-time": True} if is_time(name, part) else part, where)
        except NotCoercibleError as exc:
            self._notes.add(where, f"{exc}; left out")
            if is_required and type_of(part) == "object":
                made[name] = self._missing(part, where)
            elif is_required:
                raise NotCoercibleError(str(exc) if where in str(exc) else f"{where} {exc}") from exc

    def _missing(self, schema: Schema, path: str) -> Any:
        """What stands for a required value that isn't there."""
        if allows_null(schema):
            return None
        if type_of(schema) == "object":
            required = schema.get("required", ())
            parts = {name: part for name, part in schema.get("properties", {}).items() if name in required}
            return {n: self._missing(part, f"{path}.{n}") for n, part in parts.items() if not is_ours(part)}
        for fits, empty in (
            ("default" in schema, schema.get("default")),
            (type_of(schema) == "array", []),
            (type_of(schema) == "string" and not schema.get("minLength") and "enum" not in schema, ""),
        ):
            if fits:
                self._notes.add(path, f"missing; {'left empty' if not empty else repr(empty) + ' stands instead'}")
                return copy.deepcopy(empty)
        raise NotCoercibleError(f"{path} is missing")

    def _named(self, given: Mapping[Any, Any], schema: Schema, path: str) -> dict[str, Any]:
        """What the schema knows, by its own names; the rest is left out."""
        theirs = {name: part for name, part in schema["properties"].items() if not is_ours(part)}
        named = {name: given[name] for name in theirs if name in given}
        bare = {_bare(name): name for name in theirs if name not in named}
        keeps_others = schema.get("additionalProperties") is True
        for key, value in given.items():
            if key in schema["properties"]:
                continue
            name = bare.pop(_bare(str(key)), None)
            if name is not None:
                named[name] = value
                self._notes.add(path, f"{quoted(str(key))} read as {name}")
            elif not keeps_others:
                self._notes.add(path, f"{quoted(str(key))} is not asked for; left out")
        return named

    def as_mapping(self, value: Any, schema: Schema, path: str) -> Mapping[Any, Any]:
        if isinstance(value, Mapping):
            return value
        made = self._wrapped(value, schema)
        if made is None:
            raise NotCoercibleError(f"is {_kind(value)}, not an object")
        self._notes.add(path, f"{_kind(value)} instead of an object")
        return made

    def _wrapped(self, value: Any, schema: Schema) -> Mapping[Any, Any] | None:
        """An object of what should have been one: JSON in a text, a stretch "0:10-0:20", a lone list or text."""
        properties: Mapping[str, Schema] = schema.get("properties", {})
        span = span_names(properties)
        if isinstance(value, str):
            if (
                span
                and len(value) <= 2 * LONGEST_TIME
                and (ends := RANGE.fullmatch(value.strip()))
                and seconds_of(ends[1]) is not None
            ):
                return {span[0]: ends[1], span[1]: ends[2]}
            inside = _json_in(value, "{")
            if isinstance(inside, Mapping) and inside:
                return inside
            return {"text": value} if "text" in properties else None
        if isinstance(value, Sequence):
            if span and len(value) == 2:
                return {span[0]: value[0], span[1]: value[1]}
            if len(value) == 1 and isinstance(value[0], Mapping):
                return dict(value[0])
            lists = [name for name, part in properties.items() if type_of(part) == "array"]
            return {lists[0]: value} if len(lists) == 1 and value else None
        return None

    def as_array(self, value: Any, schema: Schema, path: str) -> list[Any]:
        items = self._list(value, schema, path)
        made = []
        for item in items:
            try:
                made.append(self.coerce(item, schema.get("items", {}), f"{path}[]"))
            except NotCoercibleError as exc:
                self._notes.add(f"{path}[]", f"left out: {exc}")
                self._notes.lost += 1
        most = schema.get("maxItems")
        if most is not None and len(made) > most:
            self._notes.add(path, f"{len(made)} items, {most} kept")
        return made if most is None else made[:most]

    def _list(self, value: Any, schema: Schema, path: str) -> list[Any]:
        if isinstance(value, list):
            return value
        self._notes.add(path, f"{_kind(value)} instead of a list")
        if value is None or value == "":
            self._notes.lost += 1
            return []
        inside = _json_in(value, "[") if isinstance(value, str) else None
        if isinstance(inside, list):
            return inside
        names = schema.get("items", {}).get("properties", {})
        if isinstance(value, Mapping) and not any(name in value for name in names):
            return list(value.values())
        return [value]

    def as_string(self, value: Any, schema: Schema, path: str) -> str:
        if isinstance(value, str):
            text = UNSTORABLE.sub("\ufffd", value)
            if text != value:
                self._notes.add(path, "signs that cannot be stored")
            return text
        if isinstance(value, bool | int | float):
            text = json.dumps(value)
        elif isinstance(value, list) and all(isinstance(part, str) for part in value):
            text = ", ".join(value)
        elif isinstance(value, Mapping) and len(value) == 1 and isinstance(only := next(iter(value.values())), str):
            text = only
        else:
            raise NotCoercibleError(f"is {_kind(value)}, not a text")
        self._notes.add(path, f"{_kind(value)} instead of a text")
        return self.as_string(text, schema, path)

    def as_number(self, value: Any, schema: Schema, path: str) -> float | int:
        number = value
        if isinstance(value, str):
            number = number_of(value)
            if number is None:
                raise NotCoercibleError(f"{quoted(value)} is no number")
            self._notes.add(path, "a text instead of a number")
        return self.within_bounds(_finite(number), schema, path)

    def as_integer(self, value: Any, schema: Schema, path: str) -> int:
        number = self.as_number(value, schema, path)
        if isinstance(value, float) and not value.is_integer():
            self._notes.add(path, "rounded")
        return round(number)

    def within_bounds(self, number: float | int, schema: Schema, path: str) -> float | int:
        least, most = schema.get("minimum", number), schema.get("maximum", number)
        kept: float | int = max(least, min(most, number))
        if kept != number:
            self._notes.add(path, f"{number:g} is out of bounds; {kept:g} stands instead")
        return kept

    def as_moment(self, value: Any, schema: Schema, path: str) -> float | int:
        """Seconds; the clip's bounds are looked at later."""
        seconds = seconds_of(value) if isinstance(value, str) else _finite(value)
        if seconds is None:
            raise NotCoercibleError(f"{quoted(value)} is no time")
        if isinstance(value, str):
            self._notes.add(path, "a text instead of seconds")
        return self.as_integer(seconds, {}, path) if type_of(schema) == "integer" else seconds

    def as_boolean(self, value: Any, schema: Schema, path: str) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower() if isinstance(value, str | int) else ""
        if word not in YES + NO:
            raise NotCoercibleError(f"{quoted(value)} is neither true nor false")
        self._notes.add(path, f"{_kind(value)} instead of true or false")
        return word in YES

    def as_choice(self, value: Any, schema: Schema, path: str) -> Any:
        choices = list(schema["enum"])
        for choice in choices:
            if choice == value and isinstance(choice, bool) == isinstance(value, bool):
                return choice
        by_word = {str(choice).strip().lower(): choice for choice in choices}
        words = str(value).strip().lower() if isinstance(value, str | int | float) else ""
        named = [choice for word, choice in by_word.items() if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", words)]
        undecided = [by_word[word] for word in UNDECIDED if word in by_word]
        chosen = [by_word[words]] if words in by_word else named if len(named) == 1 else undecided
        if not chosen:
            raise NotCoercibleError(f"{quoted(value)} is not one of {', '.join(map(str, choices))}")
        self._notes.add(path, f"{quoted(value)} read as {quoted(chosen[0])}")
        return chosen[0]

    def as_free(self, value: Any, schema: Schema, path: str) -> Any:
        """Anything goes, as long as it can be stored."""
        if isinstance(value, Mapping):
            return {self.as_string(str(key), {}, path): self.as_free(part, schema, path) for key, part in value.items()}
        if isinstance(value, list):
            return [self.as_free(part, schema, path) for part in value]
        if isinstance(value, float) and not math.isfinite(value):
            self._notes.add(path, "not a number; left empty")
            return None
        return self.as_string(value, schema, path) if isinstance(value, str) else value


def _finite(value: Any) -> float | int:
    """The number, as it came. Raises NotCoercibleError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotCoercibleError(f"is {_kind(value)}, not a number")
    try:
        if math.isfinite(float(value)):
            return value
    except OverflowError:
        pass
    raise NotCoercibleError("is no finite number")


def _json_in(text: str, opening: str) -> Any:
    if not text.lstrip().startswith(opening):
        return None
    try:
        return lenient_json.read(text).value
    except lenient_json.NotJsonError:
        return None


def _bare(name: str) -> str:
    """A name without case, separators and the unit: `startTime`, `start_seconds` and `start_s` are the same."""
    plain = re.sub(
        r"_?(?:s|sec|secs|seconds?|time)$", "", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name), flags=re.IGNORECASE
    )
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    kinds = ((bool, "true or false"), (str, "a text"), (int | float, "a number"), (Mapping, "an object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a list")
