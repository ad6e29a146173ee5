"""What Nova takes as the schema of a tool. Pure.

Sources: Amazon Nova user guide, "Defining a tool" and "Troubleshooting tool calls" (of the outermost object only
`type`, `properties` and `required`; anything else there makes the tool be ignored or refused), and the guide of Nova 2
(at most two layers of nesting).
"""

from collections.abc import Iterator, Mapping
from typing import Any

TOP_LEVEL = ("type", "properties", "required")
#: The outermost object is the first layer.
LAYERS_MAX = 2
#: What refers to elsewhere, which Nova does not follow.
REFERENCES = ("$ref", "$defs", "definitions")


def sent(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as it is sent: of the outermost object, only what Nova takes. Raises ValueError for a refused one."""
    if schema.get("type") != "object" or not schema.get("properties"):
        raise ValueError('the outermost "type" must be "object", with "properties"')
    if any(name in part for part in parts(schema) for name in REFERENCES):
        raise ValueError("it refers to another place ($ref, $defs), which the model does not follow")
    return {name: schema[name] for name in TOP_LEVEL if name in schema}


def warnings(schema: Mapping[str, Any]) -> list[str]:
    """What a person should know of a schema that is sent, in plain words; empty = nothing."""
    depth = layers(schema)
    if depth <= LAYERS_MAX:
        return []
    text = f"The answer has {depth} layers of objects inside each other, and AWS advises {LAYERS_MAX} for Nova 2."
    return [f"{text} Deeper ones fail more often: make a list of texts of the list of objects that lies in another."]


def layers(schema: Mapping[str, Any]) -> int:
    """How many objects lie inside each other, the outermost included."""
    inner = max((layers(part) for part in _children(schema)), default=0)
    return inner + (schema.get("type") == "object" or "properties" in schema)


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema and all that lie in it."""
    yield schema
    for child in _children(schema):
        yield from parts(child)


def _children(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    children = [*(schema.get("properties") or {}).values(), schema.get("items")]
    for name in ("anyOf", "oneOf", "allOf"):
        children += schema.get(name) or []
    return (child for child in children if isinstance(child, Mapping))
