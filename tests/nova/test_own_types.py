"""Types of a person's own: any plain schema is asked, read and merged by the same rules."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nova.errors import UnreadableReply
from nova.replies.merging import Span, merge
from nova.replies.parsing import Parsed, parse_reply
from nova.types.schemas import asked, faults_of
from tests.nova.reply_samples import by_tool

OWN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tier": {"type": "string", "enum": ["Classic", "Deluxe", "Unknown"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "steps": {"type": "integer"},
        "has_slide": {"type": "boolean"},
        "seen": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        "moments": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "at": {"type": "number", "x-time": True},
                    "length_s": {"type": "number", "x-time": False},
                },
                "required": ["at"],
            },
        },
        "site": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "plot": {"type": ["string", "null"]}},
            "required": ["city", "plot"],
        },
        "extra": {"type": "object"},
        "anything": {},
    },
    "required": ["tier", "score", "steps", "has_slide", "seen", "site"],
}
REPLY: dict[str, Any] = {
    "tier": "Deluxe",
    "score": 0.5,
    "steps": 3,
    "has_slide": True,
    "seen": ["a", "b"],
    "site": {"city": "Ulm", "plot": None},
}


def parse(reply: Any, schema: dict[str, Any] = OWN, *, duration_s: float | None = 60.0) -> Parsed:
    return parse_reply(by_tool(reply), schemas={"own": schema}, duration_s=duration_s, stop_reason="tool_use")


def test_a_clean_reply_is_unchanged() -> None:
    whole = {
        **REPLY,
        "moments": [{"at": 7, "length_s": 900}],
        "extra": {"x": [1, {"y": None}]},
        "anything": [1.5, "é", {"z": False}],
    }

    assert parse(whole) == Parsed({"own": whole}, [])


@pytest.mark.parametrize(
    ("damage", "corrected"),
    [
        ({"tier": "classic (small)"}, {"tier": "Classic"}),
        ({"tier": "Ultimate"}, {"tier": "Unknown"}),
        ({"score": 7}, {"score": 1}),
        ({"score": "45 %"}, {"score": 1}),
        ({"score": "0,4"}, {"score": 0.4}),
        ({"steps": "1,200"}, {"steps": 1200}),
        ({"steps": 2.6}, {"steps": 3}),
        ({"has_slide": "Yes"}, {"has_slide": True}),
        ({"has_slide": 0}, {"has_slide": False}),
        ({"seen": ["a", "b", "c"]}, {"seen": ["a", "b"]}),
        ({"seen": '["a", "b"]'}, {}),
        ({"seen": "only one"}, {"seen": ["only one"]}),
        ({"seen": {"first": "a", "second": "b"}}, {}),
        ({"seen": None}, {"seen": []}),
        ({"site": '{"city": "Ulm", "plot": null}'}, {}),
        ({"site": [{"city": "Ulm", "plot": "7"}]}, {"site": {"city": "Ulm", "plot": "7"}}),
        ({"site": {"City": "Ulm"}}, {}),
        ({"site": {"city": {"name": "Ulm"}, "plot": {}}}, {}),
        ({"site": "unknown"}, {"site": {"city": "", "plot": None}}),
        ({"anything": float("nan")}, {"anything": None}),
        ({"extra": {"\x00": "a\x00b"}}, {"extra": {"\ufffd": "a\ufffdb"}}),
        (
            {"moments": [{"at": "1h 2m 3s"}, {"at": "4 s"}]},
            {"moments": [{"at": 4}, {"at": 60}]},
        ),
        ({"moments": [{"at": -3}, {"at": True}, {"at": 10**400}, {"length_s": 3}]}, {"moments": [{"at": 0}]}),
        ({"moments": [{"at": 5, "length_s": "long"}]}, {"moments": [{"at": 5}]}),
    ],
)
def test_wrong_values_are_corrected_and_noted(damage: dict[str, Any], corrected: dict[str, Any]) -> None:
    parsed = parse({**REPLY, **damage})

    assert parsed.results["own"] == {**REPLY, **corrected}
    assert parsed.notes


@pytest.mark.parametrize("damage", [{"score": "high"}, {"has_slide": "maybe"}, {"steps": None}, {"steps": [1]}])
def test_what_cannot_be_known_is_not_invented(damage: dict[str, Any]) -> None:
    with pytest.raises(UnreadableReply, match=rf"own\.{next(iter(damage))}"):
        parse({**REPLY, **damage})


def test_what_more_a_schema_allows_is_kept() -> None:
    schema = {**OWN, "additionalProperties": True}

    assert parse({**REPLY, "more": [1]}, schema).results["own"] == {**REPLY, "more": [1]}


def test_endless_damage_gives_few_notes() -> None:
    assert len(parse({**REPLY, **{f"other{n}": n for n in range(500)}}).notes) == 51


def test_stretches_are_in_order_also_beside_one_without_times() -> None:
    """Out of order, one was cut where the next began: it ended before its own beginning."""
    item = {
        "type": "object",
        "properties": {"start_s": {"type": ["number", "null"]}, "end_s": {"type": ["number", "null"]}},
    }
    schema = {"type": "object", "properties": {"shots": {"type": "array", "items": item, "x-sequence": True}}}
    unknown = {"start_s": None, "end_s": None}

    found = parse({"shots": [{"start_s": 10, "end_s": 12}, unknown, {"start_s": 0, "end_s": 11}]}, schema).results

    assert found["own"]["shots"] == [{"start_s": 0, "end_s": 10}, unknown, {"start_s": 10, "end_s": 12}]
    assert parse(found["own"], schema) == Parsed(found, [])


# --- any schema -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["name", "kind", "start_s", "end_s", "at_s", "items"])
LEAVES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "enum": ["high", "low"], "default": "low"},
        {"type": ["number", "null"]},
        {"type": "number", "minimum": 0},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "array", "x-distinct": True, "items": {"type": "string"}},
    ]
)


def objects_of(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(NAMES, parts, min_size=1, max_size=4)
    return st.builds(
        lambda found, is_strict: {
            "type": "object",
            "properties": found,
            "required": [name for name in found if is_strict],
        },
        properties,
        st.booleans(),
    )


def lists_of(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    marks = st.sampled_from([{}, {"x-key": "name"}, {"x-sequence": True}, {"x-sequence": True, "x-key": "name"}])
    return st.builds(lambda item, mark: {"type": "array", "items": item, **mark}, objects_of(parts), marks)


INNER = LEAVES | objects_of(LEAVES) | lists_of(LEAVES)
SCHEMAS = objects_of(INNER | lists_of(INNER))


@st.composite
def value_of(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """A value of the schema, now and then a wrong one."""
    wrong: st.SearchStrategy[Any] = st.sampled_from([None, "0:10", "x", -1, 7.5, [], {}, [[]], {"name": 1}, True])
    if draw(st.integers(0, 11)) == 0:
        return draw(wrong)
    kind = schema["type"]
    if kind == "object":
        return {name: draw(value_of(part)) for name, part in schema["properties"].items()}
    if kind == "array":
        return [draw(value_of(schema["items"])) for _ in range(draw(st.integers(0, 3)))]
    leaf = {"string": "high", "boolean": True, "integer": 3}
    return leaf.get(kind) if isinstance(kind, str) and kind in leaf else draw(st.integers(0, 80)) / 2


@settings(max_examples=80)
@given(st.data())
def test_any_schema_is_asked_read_and_merged(data: st.DataObject) -> None:
    schema = data.draw(SCHEMAS)
    replies = [data.draw(value_of(schema)) for _ in range(3)]
    assert faults_of(schema) == []
    assert faults_of(asked(schema)) == []

    parts = []
    for number, reply in enumerate(replies):
        try:
            parsed = parse(reply, schema, duration_s=30.0)
        except UnreadableReply:
            continue
        Draft202012Validator(schema).validate(parsed.results["own"])
        assert parse(parsed.results["own"], schema, duration_s=30.0) == Parsed(parsed.results, [])
        parts.append((Span(number * 25.0, number * 25.0 + 30.0), parsed.results))
    merged, _ = merge(parts, {"own": schema})

    if parts:
        Draft202012Validator(schema).validate(merged["own"])
        assert merge(parts[::-1], {"own": schema})[0] == merged
        assert all(0 <= second <= 80 for second in times_in(merged))
    json.dumps(merged, allow_nan=False)


def times_in(value: Any) -> list[float]:
    """Every number whose name ends in `_s`."""
    if isinstance(value, dict):
        own = [part for name, part in value.items() if name.endswith("_s") and isinstance(part, int | float)]
        return [second for second in own if not isinstance(second, bool)] + times_in(list(value.values()))
    return [second for part in value for second in times_in(part)] if isinstance(value, list) else []
