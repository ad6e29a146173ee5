"""The building blocks of a result's JSON Schema, and the check of a result against its schema. Pure.

Schemas are shallow and without `$ref`, because a model is asked to fill them by a forced tool.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema

from nova.errors import ReplyError

TEXTS = {"type": "array", "items": {"type": "string"}}
LEVEL = {"type": "string", "enum": ["high", "medium", "low"]}
SECOND = {"type": "number", "minimum": 0}
TIME_RANGES = {
    "type": "array",
    "items": {"type": "object", "properties": {"start_s": SECOND, "end_s": SECOND}, "required": ["start_s", "end_s"]},
}


def object_of(**properties: Any) -> dict[str, Any]:
    """An object that has all of these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def list_of(marks: Mapping[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A list of objects that have all of these properties; `marks` are those of `nova/types/schemas.py`."""
    return {"type": "array", "items": object_of(**properties), **(marks or {})}


def check(name: str, result: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise ReplyError where a result of this type does not have its shape."""
    try:
        jsonschema.validate(result, schema)
    except jsonschema.ValidationError as exc:
        where = "/".join(str(part) for part in exc.absolute_path) or "the whole"
        raise ReplyError(f"The result of {name} is not in its shape at {where}: {exc.message}") from exc
