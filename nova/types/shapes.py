"""The shapes of results, as JSON Schemas: what every model, free or paid, must answer.

They are shallow and without `$ref`, because a model is asked to fill them by a forced tool.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema

from nova.errors import ReplyError

_RANGES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"start_s": {"type": "number", "minimum": 0}, "end_s": {"type": "number", "minimum": 0}},
        "required": ["start_s", "end_s"],
    },
}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_LEVEL = {"type": "string", "enum": ["high", "medium", "low"]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties)}


SUMMARY = _object(
    text={"type": "string", "minLength": 1},
    depth={"type": "string", "enum": ["brief", "standard", "detailed"]},
    language={"type": "string"},
    word_count={"type": "integer", "minimum": 0},
)
CHAPTERS = _object(
    chapters=_list(
        index={"type": "integer", "minimum": 1},
        title={"type": "string"},
        start_s={"type": "number", "minimum": 0},
        end_s={"type": "number", "minimum": 0},
        summary={"type": "string"},
        key_points=_TEXTS,
    )
)
ELEMENTS = _object(
    equipment=_list(
        name={"type": "string"},
        category={"type": "string"},
        time_ranges=_RANGES,
        discussed={"type": "boolean"},
        confidence=_LEVEL,
    ),
    topics=_list(
        topic={"type": "string"},
        importance=_LEVEL,
        description={"type": "string"},
        keywords=_TEXTS,
        time_ranges=_RANGES,
    ),
    people=_object(max_count={"type": ["integer", "null"]}, multiple_speakers={"type": ["boolean", "null"]}),
    speakers=_list(
        speaker_id={"type": "string"},
        role={"type": "string"},
        time_ranges=_RANGES,
        speaking_percentage={"type": ["number", "null"]},
    ),
)
BUILT_IN: Mapping[str, dict[str, Any]] = {"summary": SUMMARY, "chapters": CHAPTERS, "elements": ELEMENTS}


def check(kind: str, result: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise ReplyError where a result does not have its shape."""
    try:
        jsonschema.validate(result, schema)
    except jsonschema.ValidationError as exc:
        where = "/".join(str(part) for part in exc.absolute_path) or "the whole"
        raise ReplyError(f"The result of {kind} is not in its shape at {where}: {exc.message}") from exc
