"""Nested answers are asked in two layers, and read in their own form."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bedrock import tool_schemas
from nova.local.clip import SpokenLine
from nova.questions.prompts import Context, build_prompt
from nova.replies.parsing import Parsed, parse_reply
from nova.types.built_in import BUILT_IN
from nova.types.flattening import flattened, nested, schema_warnings
from nova.types.schemas import asked, faults_of
from nova.types.spec import DEPTHS, IMAGE, VIDEO
from tests.nova.reply_samples import CHAPTERS, DURATION_S, ELEMENTS, RESULTS, SCHEMAS, SUMMARY, by_tool, only
from tests.nova.test_own_types import SCHEMAS as ANY_SCHEMA

TEXT: dict[str, Any] = {"type": "string"}
SPAN: dict[str, Any] = {"type": "object", "properties": {"start_s": {"type": "number"}, "end_s": {"type": "number"}}}


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def list_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": object_of(**properties)}


def as_text(stretch: dict[str, Any]) -> str:
    return f"{stretch['start_s']}-{stretch['end_s']}"


FLAT_ELEMENTS: dict[str, Any] = {
    **{
        name: [{**item, "time_ranges": [as_text(span) for span in item["time_ranges"]]} for item in ELEMENTS[name]]
        for name in ("equipment", "topics", "speakers")
    },
    "people__max_count": 2,
    "people__multiple_speakers": False,
}
FLAT = {
    "summary__text": SUMMARY["text"],
    "summary__language": "en",
    "chapters__chapters": CHAPTERS["chapters"],
    **{f"elements__{name}": value for name, value in FLAT_ELEMENTS.items()},
}


def built_in_questions() -> list[Any]:
    """Every selection of the built-in types that can be asked of a medium."""
    media = ((VIDEO, [spec for spec in BUILT_IN.values() if spec.for_medium(VIDEO)]), (IMAGE, list(BUILT_IN.values())))
    return [
        pytest.param(medium, [fitting for spec in chosen if (fitting := spec.for_medium(medium))], depth,
                     id=f"{medium}-{depth}-{'+'.join(spec.name for spec in chosen)}")
        for medium, specs in media
        for count in range(1, len(specs) + 1)
        for chosen in itertools.combinations(specs, count)
        for depth in DEPTHS
        if any(spec.for_medium(medium) for spec in chosen)
    ]  # fmt: skip


@pytest.mark.parametrize(("medium", "types", "depth"), built_in_questions())
def test_every_built_in_question_has_two_layers_and_only_what_nova_takes(
    medium: str, types: list[Any], depth: str
) -> None:
    context = Context(name="a", transcript=[SpokenLine(0, 1, "hello")])
    schema = build_prompt(types, language="en", depth=depth, duration_s=9.0, context=context, medium=medium).tool_schema

    assert tool_schemas.warnings(schema) == []
    assert tool_schemas.sent(schema) == schema


@pytest.mark.parametrize("answer", [RESULTS, FLAT, {"result": FLAT}, [FLAT], {**FLAT, "elements": ELEMENTS}])
def test_an_answer_is_read_in_its_own_form_and_as_it_was_asked(answer: Any) -> None:
    parsed = parse_reply(by_tool(answer), schemas=SCHEMAS, duration_s=DURATION_S, stop_reason="tool_use")

    assert parsed == Parsed(RESULTS, [])


@pytest.mark.parametrize("answer", [ELEMENTS, FLAT_ELEMENTS, {"elements": FLAT_ELEMENTS}])
def test_one_type_is_read_in_both_forms_too(answer: Any) -> None:
    parsed = parse_reply(json.dumps(answer), schemas=only("elements"), duration_s=DURATION_S, stop_reason="end_turn")

    assert parsed == Parsed({"elements": ELEMENTS}, [])


def test_what_has_two_layers_is_asked_as_it_is() -> None:
    schema = {**object_of(place=object_of(name=TEXT), shots=list_of(what=TEXT)), "required": ["place"]}

    assert flattened(schema) == schema


def test_a_value_is_required_where_all_that_it_stands_in_is() -> None:
    inner = {**object_of(name={**TEXT, "description": "In full."}, age=TEXT), "required": ["name"]}
    schema = object_of(
        shots=list_of(who={**object_of(person=inner), "required": ["person"], "description": "The lead."})
    )
    schema["properties"]["shots"]["items"]["required"] = ["who"]

    item = flattened(schema)["properties"]["shots"]["items"]

    assert item["required"] == ["who__person__name"]
    assert item["properties"]["who__person__name"] == {**TEXT, "description": "The lead. In full."}


def test_values_that_would_be_called_like_another_stay_where_they_are() -> None:
    deep = object_of(b=object_of(c=TEXT))
    schema = object_of(a=deep, a__b__c=TEXT)

    assert list(flattened(schema)["properties"]) == ["a", "a__b__c"]
    assert nested({"a": {"b": {"c": "in"}}, "a__b__c": "out"}, schema) == {"a": {"b": {"c": "in"}}, "a__b__c": "out"}


def test_a_stretch_that_is_written_otherwise_is_left_to_the_reading_of_times() -> None:
    schema = object_of(things=list_of(where={"type": "array", "items": SPAN}))
    answer = {"things": [{"where": ["1:05-1:10", "2 – 3.5", {"start_s": 4, "end_s": 5}]}]}

    where = nested(answer, schema)["things"][0]["where"]

    assert where == ["1:05-1:10", {"start_s": 2.0, "end_s": 3.5}, {"start_s": 4, "end_s": 5}]


def test_only_a_list_of_things_inside_things_is_warned_of() -> None:
    assert schema_warnings(object_of(a=object_of(b=object_of(c=TEXT)))) == []
    assert schema_warnings(object_of(things=list_of(where={"type": "array", "items": SPAN}))) == []

    (warning,) = schema_warnings(object_of(things=list_of(parts=list_of(name=TEXT))))

    assert "3 layers" in warning
    assert "list of texts" in warning


@st.composite
def answer_of(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """A value that fits the schema."""
    if schema.get("type") == "object":
        required = schema.get("required", ())
        parts = {name: part for name, part in schema["properties"].items() if name in required or draw(st.booleans())}
        return {name: draw(answer_of(part)) for name, part in parts.items()}
    if schema.get("type") == "array":
        return [draw(answer_of(schema["items"])) for _ in range(draw(st.integers(0, 2)))]
    leaf = {"string": schema.get("enum", ["12.5-20"])[0], "boolean": True, "integer": 3}
    return leaf.get(schema["type"], 7.5)


@settings(max_examples=80)
@given(st.data())
def test_any_answer_in_the_form_that_was_asked_fits_the_schema_in_its_own(data: st.DataObject) -> None:
    schema = asked(data.draw(ANY_SCHEMA))
    form = flattened(schema)
    assert faults_of(form) == []
    assert tool_schemas.layers(form) <= max(tool_schemas.LAYERS_MAX, tool_schemas.layers(schema))

    answer = data.draw(answer_of(form))
    own = nested(answer, schema)

    for part in tool_schemas.parts(schema):
        part.pop("required", None)  # type: ignore[attr-defined]  # what may be left out together is asked apart
    Draft202012Validator(schema).validate(own)
    assert nested(own, schema) == own
