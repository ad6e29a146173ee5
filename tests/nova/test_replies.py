"""Replies: damage in, valid results with notes out, or a plain word that it can't be read."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nova.errors import ReplyError, UnreadableReply
from nova.replies.parsing import Parsed, parse_reply
from tests.nova.reply_samples import CHAPTERS, DURATION_S, RESULTS, SCHEMAS, SUMMARY, by_tool, only

WHOLE = json.dumps(RESULTS, ensure_ascii=False)


def parse(message: Any, name: str = "", *, duration_s: float | None = DURATION_S, stop: str = "end_turn") -> Parsed:
    return parse_reply(message, schemas=only(name) if name else SCHEMAS, duration_s=duration_s, stop_reason=stop)


def damaged(**changes: Any) -> dict[str, Any]:
    """The chapters, the second one changed."""
    reply = copy.deepcopy(CHAPTERS)
    reply["chapters"][1].update(changes)
    return reply


@pytest.mark.parametrize(
    "message",
    [
        WHOLE,
        f"\n {json.dumps(RESULTS, indent=1)}\n",
        by_tool(RESULTS),
        by_tool(WHOLE),
        {"output": {"message": by_tool(RESULTS)}, "stopReason": "tool_use"},
        {"role": "assistant", "content": [{"reasoningContent": {}}, {"text": WHOLE}]},
    ],
)
def test_a_clean_reply_is_returned_unchanged(message: Any) -> None:
    before = copy.deepcopy(message)

    assert parse(message) == Parsed(RESULTS, [])
    assert message == before


@pytest.mark.parametrize("name", RESULTS)
def test_one_type_is_asked_and_answered_without_its_name_around_it(name: str) -> None:
    assert parse(RESULTS[name] and by_tool(RESULTS[name]), name) == Parsed({name: RESULTS[name]}, [])


@pytest.mark.parametrize("name", RESULTS)
def test_a_name_around_the_answer_does_no_harm(name: str) -> None:
    assert parse(by_tool({name: RESULTS[name]}), name).results == {name: RESULTS[name]}
    assert parse(by_tool({"result": RESULTS[name]}), name).results == {name: RESULTS[name]}


def test_what_is_ours_to_say_is_not_asked_of_the_model() -> None:
    reply = {"text": SUMMARY["text"], "language": "en"}

    assert parse(by_tool(reply), "summary") == Parsed({"summary": SUMMARY}, [])
    assert parse(by_tool({**SUMMARY, "word_count": 900, "depth": "brief"}), "summary").results["summary"] == SUMMARY


AROUND = {
    "fence": ("```json\n{}\n```", "a code fence around the answer"),
    "fence without an end": ("```json\n{}", "a code fence around the answer"),
    "prose": ("Here is {{the}} analysis [1]:\n{}\nI hope it helps!", "words around the answer"),
    "thinking": ("<thinking>Maybe {{}} or [3]?</thinking>\n{}", "thinking around the answer"),
    "thinking without an end": ("<thinking>It must be {}", "thinking around the answer"),
}


@pytest.mark.parametrize("around", AROUND)
def test_peels_what_is_around_the_answer(around: str) -> None:
    template, note = AROUND[around]

    parsed = parse(template.replace("{{", "{").replace("}}", "}").replace("{}", WHOLE))

    assert parsed.results == RESULTS
    assert note in parsed.notes


ALMOST_JSON = {
    "a trailing comma": (WHOLE.replace("]}", ",],}"), "a comma too many"),
    "a missing comma": (WHOLE.replace('"start_s": 7.5, ', '"start_s": 7.5 '), "a comma was missing"),
    "python": (str(RESULTS), "single quotes"),
    "a bare key": (WHOLE.replace('"chapters": [', "chapters: ["), "a key without quotes"),
    "a comment": (WHOLE.replace('"chapters": [', '"chapters": [ // two\n'), "a comment"),
    "a quote in a text": (WHOLE.replace('\\"sleeping\\"', '"sleeping"'), "a quote inside a text"),
    "a lost bracket": (WHOLE.replace('"key_points": []}]}', '"key_points": []}}'), "a bracket was missing"),
}


@pytest.mark.parametrize("damage", ALMOST_JSON)
def test_reads_what_is_almost_json(damage: str) -> None:
    text, note = ALMOST_JSON[damage]
    assert text != WHOLE

    parsed = parse(text)

    assert parsed.results == RESULTS
    assert note in parsed.notes


@pytest.mark.parametrize("path", [r"C:\new\video", r"D:\users\rob\takes.mp4", r"C:\new\bar", r"\\nas\x\q"])
def test_backslashes_of_a_windows_path_survive(path: str) -> None:
    text = json.dumps(RESULTS["summary"]).replace("A train", "Found in PATH: a train").replace("PATH", path)

    parsed = parse(text, "summary")

    assert path.lstrip("\\") in parsed.results["summary"]["text"]
    assert parsed.notes == ["a backslash that escapes nothing"]


def test_a_line_break_behind_a_colon_is_no_path() -> None:
    text = json.dumps({**SUMMARY, "text": "Plan B:\nrun to the train"})

    parsed = parse(text, "summary")

    assert parsed.results["summary"]["text"] == "Plan B:\nrun to the train"
    assert parsed.notes == []


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("12.5", 12.5), ("12,5", 12.5), ("0:12", 12), ("00:00:12.5", 12.5), ("12 s", 12), ("0m 12s", 12), (12, 12)],
)
def test_reads_times_however_they_are_written(given: Any, seconds: float) -> None:
    parsed = parse(by_tool(damaged(start_s=given)), "chapters")

    assert parsed.results["chapters"]["chapters"][1]["start_s"] == seconds
    assert bool(parsed.notes) == isinstance(given, str)


def test_times_are_brought_into_the_clip_and_in_order() -> None:
    late, swapped = damaged(end_s=2000), damaged(start_s=20, end_s=8)
    turned = {"chapters": CHAPTERS["chapters"][::-1]}
    stray = {"chapters": [*CHAPTERS["chapters"], {**CHAPTERS["chapters"][0], "start_s": 300, "end_s": 400}]}
    overlapping = damaged(start_s=5)

    assert parse(by_tool(late), "chapters").results["chapters"]["chapters"][1]["end_s"] == DURATION_S
    assert parse(by_tool(swapped), "chapters").results["chapters"] == damaged(start_s=8, end_s=20)
    assert parse(by_tool(turned), "chapters") == Parsed(
        {"chapters": CHAPTERS}, ["chapters.chapters: put in order of time"]
    )
    assert parse(by_tool(stray), "chapters").results["chapters"] == CHAPTERS
    assert parse(by_tool(overlapping), "chapters").results["chapters"]["chapters"][0]["end_s"] == 5
    assert all(parse(by_tool(one), "chapters").notes for one in (late, swapped, stray, overlapping))


def test_ranges_may_come_as_text_or_pairs() -> None:
    reply = copy.deepcopy(RESULTS["elements"])
    reply["topics"][0]["time_ranges"] = ["0:02-0:20", [3, 4], {"startTime": "1", "end": 2}]

    parsed = parse(by_tool(reply), "elements")

    assert parsed.results["elements"]["topics"][0]["time_ranges"] == [
        {"start_s": 1, "end_s": 2},
        {"start_s": 2, "end_s": 20},
        {"start_s": 3, "end_s": 4},
    ]


@pytest.mark.parametrize(
    ("damage", "corrected"),
    [
        ({"confidence": "HIGH"}, {}),
        ({"confidence": "quite high"}, {}),
        ({"confidence": "certain"}, {"confidence": "low"}),
        ({"confidence": 0.9}, {"confidence": "low"}),
        ({"discussed": "no"}, {}),
        ({"discussed": None}, {}),
        ({"time_ranges": {"start_s": 1, "end_s": 2}}, {"time_ranges": [{"start_s": 1, "end_s": 2}]}),
        ({"time_ranges": None}, {"time_ranges": []}),
        ({"time_ranges": [{"start_s": None, "end_s": 2}, {}]}, {"time_ranges": []}),
        ({"name": ["rail", "car"]}, {"name": "rail, car"}),
        ({"name": 7}, {"name": "7"}),
        ({"name": "lone \ud800 surrogate"}, {"name": "lone \ufffd surrogate"}),
        ({"colour": "red"}, {}),
    ],
)
def test_wrong_types_are_corrected_and_noted(damage: dict[str, Any], corrected: dict[str, Any]) -> None:
    reply = copy.deepcopy(RESULTS["elements"])
    expected = copy.deepcopy(reply)
    reply["equipment"][0].update(damage)
    expected["equipment"][0].update(corrected)

    parsed = parse(by_tool(reply), "elements")

    assert parsed.results["elements"] == expected
    assert parsed.notes


def test_what_can_be_unknown_may_be_left_out() -> None:
    reply = copy.deepcopy(RESULTS["elements"])
    reply["people"] = {"max_count": "several", "multiple_speakers": True}
    del reply["speakers"][0]["speaking_percentage"]

    found = parse(by_tool(reply), "elements").results["elements"]

    assert found["people"] == {"max_count": None, "multiple_speakers": True}
    assert found["speakers"][0]["speaking_percentage"] is None


def test_an_item_that_cannot_be_saved_is_left_out_alone() -> None:
    parsed = parse(by_tool(damaged(start_s="soon")), "chapters")

    assert parsed.results["chapters"]["chapters"] == CHAPTERS["chapters"][:1]
    assert any("left out" in note and "'soon' is no time" in note for note in parsed.notes)


def test_the_same_damage_is_noted_once_with_its_number() -> None:
    reply = {"chapters": [{**chapter, "start_s": str(chapter["start_s"])} for chapter in CHAPTERS["chapters"]]}

    assert parse(by_tool(reply), "chapters").notes == [
        "chapters.chapters[].start_s: a text instead of seconds (2 times)"
    ]


@pytest.mark.parametrize("stop", ["max_tokens", "model_context_window_exceeded"])
def test_a_reply_cut_at_the_limit_keeps_what_was_complete(stop: str) -> None:
    text = json.dumps(CHAPTERS)
    cut = text[: text.index("A lazy")]

    parsed = parse(cut, "chapters", stop=stop)

    assert parsed.results["chapters"]["chapters"] == CHAPTERS["chapters"][:1]
    assert "the reply reached its token limit; what came last may be missing" in parsed.notes
    assert "the reply ends too early; what was only half there is left out" in parsed.notes


def test_says_which_types_are_missing_from_a_combined_reply() -> None:
    parsed = parse(by_tool({"summary": RESULTS["summary"], "chapters": None}))

    assert parsed.results == {"summary": SUMMARY}
    assert parsed.missing == ("chapters", "elements")
    assert any(note.startswith("elements: ") for note in parsed.notes)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "I cannot watch this video.",
        "{}",
        "[]",
        '{"foo": 1}',
        "{" * 5000,
        "[" * 100_000,
        '{"chapters": [{"index"',
        "NaN",
    ],
)
def test_what_is_no_answer_is_said_so(message: str) -> None:
    with pytest.raises(UnreadableReply) as caught:
        parse(message, "chapters")

    assert isinstance(caught.value, ReplyError)
    assert caught.value.remedy


@pytest.mark.parametrize(("stop", "word"), [("max_tokens", "token limit"), ("content_filtered", "content_filtered")])
def test_says_why_there_is_no_answer(stop: str, word: str) -> None:
    with pytest.raises(UnreadableReply, match=word):
        parse('{"chapters": [{"tit', "chapters", stop=stop)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(st.sampled_from(["summary", "chapters", "text", "start_s", "end_s", "people", "x"]), inside)
    ),
    max_leaves=12,
)


def is_valid_or_refused(message: Any, duration_s: float | None = DURATION_S) -> None:
    try:
        parsed = parse(message, duration_s=duration_s)
    except UnreadableReply:
        return
    assert set(parsed.results) | set(parsed.missing) == set(SCHEMAS)
    for name, result in parsed.results.items():
        Draft202012Validator(SCHEMAS[name]).validate(result)
        json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    if duration_s is not None:
        assert all(0 <= second <= duration_s for second in times_in(parsed.results))


def times_in(value: Any) -> list[float]:
    if isinstance(value, list):
        return [second for item in value for second in times_in(item)]
    if isinstance(value, dict):
        own = [part for name, part in value.items() if name.endswith("_s")]
        return own + [second for part in value.values() for second in times_in(part)]
    return []


@settings(max_examples=150)
@given(
    st.text(alphabet=st.sampled_from(list("{}[]\"',:\\/ \n`<>truenl0123.-ax")), max_size=60), st.integers(0, len(WHOLE))
)
def test_arbitrary_text_in_a_reply_never_breaks_it(noise: str, place: int) -> None:
    is_valid_or_refused(noise)
    is_valid_or_refused(WHOLE[:place] + noise + WHOLE[place:])


@settings(max_examples=150)
@given(ANY_JSON, st.none() | st.floats(0, 1e6))
def test_arbitrary_json_never_breaks_it(value: Any, duration_s: float | None) -> None:
    is_valid_or_refused(by_tool(value), duration_s)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good reply with one value somewhere in it replaced or removed."""
    reply = copy.deepcopy(RESULTS)
    place: Any = reply
    while True:
        key = draw(st.sampled_from(range(len(place)) if isinstance(place, list) else list(place)))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    if draw(st.booleans()):
        place[key] = draw(ANY_JSON)
    else:
        del place[key]
    return reply


@settings(max_examples=200)
@given(mutated())
def test_a_good_reply_with_one_wrong_value_is_valid_or_refused(reply: Any) -> None:
    is_valid_or_refused(by_tool(reply))


def test_a_reply_cut_anywhere_holds_only_what_was_said() -> None:
    said = {json.dumps(chapter, sort_keys=True) for chapter in CHAPTERS["chapters"]}
    text = json.dumps(CHAPTERS)
    for length in range(len(text)):
        try:
            parsed = parse(text[:length], "chapters", stop="max_tokens")
        except UnreadableReply:
            continue
        assert {json.dumps(result, sort_keys=True) for result in parsed.results["chapters"]["chapters"]} <= said


@pytest.mark.parametrize(("text", "step"), [(WHOLE, 1), (json.dumps(RESULTS, indent=2), 11), (str(RESULTS), 7)])
def test_a_combined_reply_cut_anywhere_is_valid_or_refused(text: str, step: int) -> None:
    for length in range(0, len(text), step):
        is_valid_or_refused(text[:length])
