"""A nested answer as it is asked: in two layers of objects at most, and back into its own form. Pure.

Nova 2 fails more often at tools with more layers (its guide, "Using tools"). So of a schema that has more

* an object inside an object stands there value by value: `people.max_count` is asked as `people__max_count`;
* a list of stretches of time in the last layer is a list of texts: `"12.5-20"`.

A list of other things inside the things of a list stays as it is, and a person is warned of it.
"""

import re
from collections.abc import Mapping
from typing import Any

from bedrock import tool_schemas
from nova.types.schemas import NAME, Schema, asked, span_names, type_of

JOINED = "__"
STRETCH = {"type": "string", "description": "Start and end in seconds, such as 12.5-20."}
STRETCH_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[-–]\s*(\d+(?:\.\d+)?)\s*")


def flattened(schema: Schema) -> dict[str, Any]:
    """The schema as it is asked, of one that `schemas.asked` made: itself where it has few layers."""
    return dict(schema) if tool_schemas.layers(schema) <= tool_schemas.LAYERS_MAX else _flat(schema, 1)


def schema_warnings(schema: Schema) -> list[str]:
    """What a person should know of a schema of their own before it is sent; empty = nothing."""
    return tool_schemas.warnings(flattened(asked(schema)))


def nested(answer: Any, schema: Schema) -> Any:
    """An answer in the form of the schema that was flattened. What has that form already stays as it is."""
    if isinstance(answer, list):
        items = schema.get("items", {})
        return [nested(item, items) for item in answer]
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if isinstance(answer, str) and _is_stretch(schema) and (ends := STRETCH_TEXT.fullmatch(answer)):
        return dict(zip(span_names(properties) or (), map(float, ends.groups()), strict=True))
    if not isinstance(answer, Mapping) or not properties:
        return answer
    places = _places(schema)
    made = {name: value for name, value in answer.items() if len(places.get(name, ())) < 2}
    for name, part in properties.items():
        lifted = {
            key.removeprefix(f"{name}{JOINED}"): value
            for key, value in answer.items()
            if len(places.get(key, ())) > 1 and places[key][0] == name
        }
        inner = made.get(name, {})
        if lifted and isinstance(inner, Mapping):
            made[name] = {**lifted, **inner}
        if name in made:
            made[name] = nested(made[name], part)
    return made


def _flat(schema: Schema, layer: int) -> dict[str, Any]:
    """`layer` is that of the object itself, or of the one that the list is in."""
    if type_of(schema) == "array":
        items = schema.get("items", {})
        is_last = layer >= tool_schemas.LAYERS_MAX
        return {**schema, "items": STRETCH if is_last and _is_stretch(items) else _flat(items, layer + 1)}
    if not schema.get("properties"):
        return dict(schema)
    properties, required = {}, []
    for name, path in _places(schema).items():
        parts = [schema]
        for step in path:
            parts.append(parts[-1]["properties"][step])
        told = " ".join(text for part in parts[1:] if (text := part.get("description")))
        described = {"description": told} if told else {}
        properties[name] = {**_flat(parts[-1], layer), **described}
        if all(step in part.get("required", ()) for step, part in zip(path, parts, strict=False)):
            required.append(name)
    outer = {key: schema[key] for key in schema if key not in ("properties", "required")}
    return {**outer, "properties": properties, **({"required": required} if required else {})}


def _places(schema: Schema) -> dict[str, tuple[str, ...]]:
    """The values of an object by the names that they are asked by: where each stands.

    An object whose values would be called as something else is asked as it is.
    """
    properties: Mapping[str, Schema] = schema.get("properties", {})
    places: dict[str, tuple[str, ...]] = {}
    for name, part in properties.items():
        inner = {f"{name}{JOINED}{below}": (name, *path) for below, path in _places(part).items()}
        is_free = all(NAME.fullmatch(called) and called not in {*properties, *places} for called in inner)
        places |= inner if inner and is_free else {name: (name,)}
    return places


def _is_stretch(schema: Schema) -> bool:
    """Whether it is a stretch of time and nothing else."""
    properties = schema.get("properties", {})
    return set(span_names(properties) or ()) == set(properties) != set()
