"""What Nova takes as the schema of a tool."""

from typing import Any

import pytest

from bedrock import tool_schemas

LEAF: dict[str, Any] = {"type": "string"}


def wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"inner": schema}}


@pytest.mark.parametrize(
    ("schema", "layers"),
    [
        (LEAF, 0),
        (wrapped(LEAF), 1),
        (wrapped({"type": "array", "items": wrapped(LEAF)}), 2),
        (wrapped(wrapped({"type": "array", "items": wrapped(LEAF)})), 3),
        ({"properties": {"a": {"anyOf": [LEAF, wrapped(LEAF)]}}}, 2),
    ],
)
def test_objects_inside_each_other_are_counted_and_more_than_two_are_warned_of(
    schema: dict[str, Any], layers: int
) -> None:
    assert tool_schemas.layers(schema) == layers
    assert bool(tool_schemas.warnings(schema)) is (layers > tool_schemas.LAYERS_MAX)


def test_what_is_sent_is_a_part_of_what_was_given() -> None:
    schema = {**wrapped(LEAF), "required": ["inner"], "description": "d", "additionalProperties": False}

    assert tool_schemas.sent(schema) == {**wrapped(LEAF), "required": ["inner"]}
    assert set(schema) == {"type", "properties", "required", "description", "additionalProperties"}
