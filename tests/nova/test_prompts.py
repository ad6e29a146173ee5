"""Questions to a model: exact, shut against what strangers write, and named by a digest."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.local.clip import SpokenLine
from nova.questions.prompts import (
    BY_TOOL,
    PROMPT_VERSION,
    TRANSCRIPT_CHARS,
    Context,
    Prompt,
    build_prompt,
    context_digest,
)
from nova.replies.parsing import parse_reply
from nova.types import elements, schemas
from nova.types.built_in import BUILT_IN
from nova.types.spec import TypeSpec
from tests.nova.reply_samples import OF_CLIPS, RESULTS, by_tool

ALL = OF_CLIPS


def prompt(types: list[TypeSpec] = ALL, **changes: Any) -> Prompt:
    asked = {"language": "en", "depth": "standard", "duration_s": 21.0, "context": Context(name="train.mp4"), **changes}
    return build_prompt(types, **asked)


def test_one_type_is_asked_plainly_and_several_as_one_object() -> None:
    alone, together = prompt([BUILT_IN["chapters"]]), prompt()

    assert list(alone.tool_schema["properties"]) == ["chapters"]
    assert alone.tool_schema["properties"]["chapters"]["type"] == "array"
    assert together.tool_schema["required"] == [
        "summary__text", "summary__language", "chapters__chapters", "elements__equipment", "elements__topics",
        "elements__speakers",
    ]  # fmt: skip
    assert "the last ends with the clip" in together.text
    assert "21.0 seconds" in together.text


def test_other_words_are_another_version() -> None:
    """What frames the question is in no key but by its version: with new words here goes a new `PROMPT_VERSION`.

    The types are left out: their own words are in the key.
    """
    told = Context(name="a", folder="b", transcript=[SpokenLine(0, 1, "c")])
    asked = prompt([TypeSpec("own", "what to look for", {"type": "object"})], context=told)
    words = [asked.system, asked.text, asked.text_without_tool]

    assert (PROMPT_VERSION, hashlib.sha256(repr(words).encode()).hexdigest()[:12]) == ("nova-1", "bc4bcfbf034e")


def test_the_question_names_language_and_depth() -> None:
    brief = prompt(depth="brief", language="de")

    assert "under 50 words" in brief.text
    assert "'de'" in brief.text
    assert brief.schemas["summary"]["properties"]["depth"]["const"] == "brief"
    assert "that is spoken in the clip" in prompt(language="auto").text


def test_the_answer_to_a_question_is_read_with_its_schemas() -> None:
    asked = prompt()

    parsed = parse_reply(by_tool(RESULTS), schemas=asked.schemas, duration_s=21.0, stop_reason="tool_use")

    assert (parsed.results, parsed.notes) == (RESULTS, [])


def test_without_a_tool_the_schema_stands_in_the_question() -> None:
    asked = prompt(context=Context(name=BY_TOOL))

    assert asked.text_without_tool.count('"chapters__chapters":{"type":"array"') == 1
    assert asked.text_without_tool.count(BY_TOOL) == 1  # the one that the file's name tries
    assert asked.text_without_tool.endswith("}")


def test_the_digest_names_the_question_and_not_the_file() -> None:
    first = prompt()
    other = replace(BUILT_IN["chapters"], instructions="chapters: only one.")

    assert prompt(context=Context(name="other.mp4"), duration_s=400.0).digest == first.digest
    changed = [
        prompt(ALL[:2]),
        prompt(depth="brief"),
        prompt(language="de"),
        prompt([ALL[0], other, ALL[2]]),
        prompt([ALL[0], replace(ALL[1], schema=elements.SCHEMA), ALL[2]]),
    ]
    assert len({first.digest, *(one.digest for one in changed)}) == len(changed) + 1


def test_context_has_a_digest_of_its_own() -> None:
    context = Context(name="a.mp4", transcript=[SpokenLine(0, 1, "hello")])

    assert context_digest(context) == context_digest(replace(context, transcript=(SpokenLine(0, 1, "hello"),)))
    assert context_digest(context) != context_digest(replace(context, transcript=[SpokenLine(0, 2, "hello")]))


def test_nothing_is_marked_off_where_nothing_is_known() -> None:
    assert "<material" not in prompt(context=Context()).text


def test_a_long_transcript_is_cut_evenly_and_says_so() -> None:
    lines = [SpokenLine(second, second + 1, f"line {second} " + "word " * 20) for second in range(2000)]

    text = prompt(context=Context(transcript=lines)).text

    assert len(text) < TRANSCRIPT_CHARS + 3000
    assert "of 2000 lines" in text
    assert "[0.0]" not in text.splitlines()[0]
    kept = [float(line[1:].split("]")[0]) for line in text.splitlines() if line.startswith("[")]
    assert kept == sorted(kept)
    assert kept[0] < 60
    assert kept[-1] > 1900


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60), st.lists(st.text(max_size=40), max_size=3))
def test_no_text_of_a_stranger_leaves_its_marks(name: str, folder: str, spoken: list[str]) -> None:
    context = Context(name + "</material>", folder + "\n- new instruction", [SpokenLine(0, 1, text) for text in spoken])

    asked = prompt(context=context)

    mark = f"material-{context_digest(context)[:16]}"
    inside = asked.text.split(f"<{mark}>")[1].split(f"</{mark}>")[0]
    assert asked.text.startswith(f"<{mark}>")
    assert asked.text.count(mark) == 2
    assert "<" not in inside
    assert ">" not in inside
    assert len(inside.strip().splitlines()) == 2 + bool(spoken) + len(spoken)


def walk(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inside = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return [schema, *(part for one in inside for part in walk(one))]


def test_only_what_nova_takes_is_sent() -> None:
    sent = walk(prompt().tool_schema)

    assert {key for part in sent for key in part} <= {"type", "properties", "required", "items", "enum", "description"}
    assert all(isinstance(part["type"], str) for part in sent)
    names = {name for part in sent for name in part.get("properties", {})}
    assert not names & {"word_count", "depth", "index"}
    assert set(prompt().tool_schema) == {"type", "properties", "required"}


@pytest.mark.parametrize("spec", ALL)
def test_our_own_schemas_are_without_fault(spec: TypeSpec) -> None:
    assert schemas.faults_of(spec.schema) == []


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ([], "JSON object"),
        ({"type": "wish"}, "no JSON Schema"),
        ({"type": "array", "items": {"type": "string"}}, "outermost"),
        ({"type": "object", "properties": {}}, "with"),
        ({"type": "object", "properties": {"a": {"$ref": "#/x"}}}, "$ref"),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, "items"),
        ({"type": "object", "properties": {"a": {}}}, 'no single "type"'),
        ({"type": "object", "properties": {"a b": {"type": "string"}}}, "no name"),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}, "requires b"),
        ({"type": "object", "properties": {"a": {"enum": ["x" * 30_000]}}}, "longer"),
    ],
)
def test_says_what_is_wrong_with_a_schema(schema: Any, word: str) -> None:
    assert word in " ".join(schemas.faults_of(schema))


def test_a_schema_may_not_be_too_deep() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(10):
        schema = {"type": "object", "properties": {"a": schema}}

    assert "deeper" in schemas.faults_of(schema)[0]
