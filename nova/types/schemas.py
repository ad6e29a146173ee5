"""The JSON Schema of an analysis type: what our marks in it mean, and the part of it that a model is asked by. Pure.

A type has one schema, that of its stored result, with our own marks in it:

* `const`: the value is ours, the model is not asked for it; likewise `x-words-of: name` (the words in the sibling
  property of that name are counted) and `x-index: true` (the place in the list, from 1);
* `x-time: true` or a name that ends in `_s`: a moment in seconds, unless `x-time` is false;
* `x-sequence: true` on a list: one after the other, without an overlap;
* `default`: what stands where the model gave nothing of use;
* for the parts of a long video (`nova/replies/merging.py`): `x-key: name` (or names) on a list, whose items of the
  same key are one; `x-distinct: true` on a list, whose equal items are one; `x-merge`, one of `first`, `max`, `min`,
  `sum`, `share` (weighed by length), `best` (the first of its `enum`), `paragraphs` and `apart` (a name that counts
  within one part).

`asked` makes of it what is sent: Nova's tools take a plain, shallow schema without references.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]

#: What Nova's constrained decoding is known to take (user guide, "Tool use"); all else stays here.
SENT = ("type", "description", "enum")
COMPOSED = ("$ref", "anyOf", "oneOf", "allOf", "not", "if", "patternProperties")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
DEEPEST, LONGEST_CHARS = 8, 20_000


def combined_schema(parts: Mapping[str, Schema]) -> dict[str, Any]:
    """One schema for several types in one call: an object with a property for each."""
    properties = {name: dict(schema) for name, schema in parts.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def asked(schema: Schema) -> dict[str, Any]:
    """The part of a schema that a model is asked by: without what is ours, and what Nova's tools do not take.

    What may be null is asked for plainly, and may be left out.
    """
    sent = {key: schema[key] for key in SENT if key in schema}
    if "type" in sent:
        sent["type"] = type_of(schema)
    if "properties" in schema:
        theirs = {name: part for name, part in schema["properties"].items() if not is_ours(part)}
        sent["properties"] = {name: asked(part) for name, part in theirs.items()}
        required = [name for name in schema.get("required", ()) if name in theirs and not allows_null(theirs[name])]
        if required:
            sent["required"] = required
    if isinstance(schema.get("items"), Mapping):
        sent["items"] = asked(schema["items"])
    return sent


def is_ours(schema: Schema) -> bool:
    """Whether we give the value ourselves."""
    return "const" in schema or "x-words-of" in schema or bool(schema.get("x-index"))


def is_time(name: str, schema: Schema) -> bool:
    """Whether a property is a moment in seconds."""
    return bool(schema.get("x-time", name.endswith("_s"))) and type_of(schema) in ("number", "integer")


def type_of(schema: Schema) -> str:
    """The one type that is not null; empty where any will do."""
    kind = schema.get("type", "")
    kinds = [kind] if isinstance(kind, str) else [name for name in kind if name != "null"]
    return kinds[0] if len(kinds) == 1 else ""


def allows_null(schema: Schema) -> bool:
    kind = schema.get("type", "")
    return "null" in (kind if isinstance(kind, list | tuple) else [kind]) or None in schema.get("enum", ())


def span_names(properties: Mapping[str, Schema]) -> tuple[str, str] | None:
    """The names of the properties that are beginning and end of a stretch of time."""
    for name, schema in properties.items():
        end = name.replace("start", "end", 1)
        other = properties.get(end, {})
        if end != name and is_time(name, schema) and is_time(end, other) and type_of(schema) == type_of(other):
            return name, end
    return None


def faults_of(schema: object) -> list[str]:
    """Why a schema of a person's own cannot be used, in plain words; empty where it can."""
    if not isinstance(schema, Mapping):
        return ["The schema must be a JSON object."]
    try:
        Draft202012Validator.check_schema(schema)
        faults = list(_faults(schema, "", 1))
    except (jsonschema.SchemaError, RecursionError) as exc:
        return [f"This is no JSON Schema: {str(getattr(exc, 'message', exc))[:200]}"]
    if schema.get("type") != "object" or not schema.get("properties"):
        faults.insert(0, 'The outermost "type" must be "object", with "properties".')
    if len(str(schema)) > LONGEST_CHARS:
        faults.append(f"The schema is longer than {LONGEST_CHARS} characters.")
    return faults


def _faults(schema: Schema, path: str, depth: int) -> Iterator[str]:
    where = path or "the outermost object"
    if depth > DEEPEST:
        yield f"{where} is nested deeper than {DEEPEST} levels."
        return
    for word in COMPOSED:
        if word in schema:
            yield f"{where} uses {word}, which Nova's tools do not take; write it out plainly."
    kind = type_of(schema)
    if not kind and "enum" not in schema:
        yield f'{where} has no single "type".'
    if kind == "array" and not isinstance(schema.get("items"), Mapping):
        yield f'{where} is a list without "items".'
    properties = schema.get("properties", {})
    yield from (
        f"{where} requires {name}, which it does not have."
        for name in schema.get("required", ())
        if name not in properties
    )
    for name, part in properties.items():
        if not NAME.fullmatch(name):
            yield f"{name!r} is no name for a property: letters, digits, _ and - only, up to 64."
        elif isinstance(part, Mapping):
            yield from _faults(part, f"{path}.{name}".lstrip("."), depth + 1)
    if isinstance(schema.get("items"), Mapping):
        yield from _faults(schema["items"], f"{path}[]", depth + 1)
