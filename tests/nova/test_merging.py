"""Cutting and merging: everything of every span is there, in order, inside the source."""

import copy
import itertools
import json
import random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nova.replies.merging import Span, SpanValue, coalesce, cut, join_texts, merge, part_at_seam, set_apart, touches
from nova.types.built_in import BUILT_IN
from nova.types.shapes import check
from tests.nova.reply_samples import RESULTS

Part = tuple[Span, dict[str, dict[str, Any]]]


@settings(max_examples=200)
@given(st.floats(0.1, 40_000), st.floats(1, 3000), st.floats(0, 0.49))
def test_spans_cover_the_source_and_none_is_too_long(duration_s: float, knee_s: float, overlap: float) -> None:
    assume(duration_s / knee_s < 500)
    overlap_s = knee_s * overlap

    spans = cut(duration_s, knee_s=knee_s, overlap_s=overlap_s)

    assert spans[0].start_s == 0
    assert spans[-1].end_s == duration_s
    assert all(0 < span.length_s <= knee_s + 1e-6 for span in spans)
    for before, after in itertools.pairwise(spans):
        assert before.end_s - after.start_s == pytest.approx(overlap_s, abs=1e-6)


def test_a_short_source_is_one_span_and_a_long_one_as_few_as_can_be() -> None:
    assert cut(960, knee_s=960) == [Span(0, 960)]
    assert cut(961, knee_s=960) == [Span(0, 480.5), Span(480.5, 961)]
    assert len(cut(3600, knee_s=960, overlap_s=10)) == 4
    with pytest.raises(ValueError, match="overlap"):
        cut(100, knee_s=10, overlap_s=5)


def chapter(index: int, title: str, start_s: float, end_s: float, summary: str = "", *points: str) -> dict[str, Any]:
    times = {"start_s": start_s, "end_s": end_s}
    return {"index": index, "title": title, **times, "summary": summary, "key_points": list(points)}


def chapters(*found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"chapters": {"chapters": list(found)}}


def test_chapters_are_joined_at_the_seams() -> None:
    parts: list[Part] = [
        (Span(0, 100), chapters(chapter(1, "Arrival", 0, 60), chapter(2, "The tour", 60, 100, "Inside.", "a", "b"))),
        (Span(90, 190), chapters(chapter(1, "the tour!", 0, 40, "The hall.", "b", "c"), chapter(2, "End", 40, 100))),
    ]

    merged, notes = merge(parts)

    assert merged == chapters(
        chapter(1, "Arrival", 0, 60),
        chapter(2, "The tour", 60, 130, "Inside. The hall.", "a", "b", "c"),
        chapter(3, "End", 130, 190),
    )
    assert notes == []


def test_different_chapters_meet_in_the_overlap() -> None:
    parts: list[Part] = [
        (Span(0, 100), chapters(chapter(1, "One", 0, 100))),
        (Span(90, 190), chapters(chapter(1, "Two", 0, 100))),
    ]

    assert merge(parts)[0] == chapters(chapter(1, "One", 0, 95), chapter(2, "Two", 95, 190))


def test_chapters_that_contradict_each_other_are_all_kept_in_order() -> None:
    parts: list[Part] = [
        (Span(0, 100), chapters(chapter(1, "One", 0, 96), chapter(2, "Last", 96, 100))),
        (Span(90, 190), chapters(chapter(1, "Short", 0, 3), chapter(2, "Two", 3, 100))),
    ]

    found = merge(parts)[0]["chapters"]["chapters"]

    assert [one["title"] for one in found] == ["One", "Last", "Short", "Two"]
    assert all(one["start_s"] <= one["end_s"] for one in found)
    assert all(one["end_s"] <= other["start_s"] for one, other in itertools.pairwise(found))


def elements(**lists: Any) -> dict[str, dict[str, Any]]:
    nobody = {"max_count": None, "multiple_speakers": None}
    return {"elements": {"equipment": [], "topics": [], "people": nobody, "speakers": [], **lists}}


def thing(name: str, confidence: str, *ranges: tuple[float, float], category: str = "tool") -> dict[str, Any]:
    times = [{"start_s": start_s, "end_s": end_s} for start_s, end_s in ranges]
    return {"name": name, "category": category, "time_ranges": times, "discussed": False, "confidence": confidence}


def test_the_same_thing_in_two_spans_is_one_thing() -> None:
    parts: list[Part] = [
        (Span(0, 100), elements(equipment=[thing("Pump", "low", (10, 20), (95, 100)), thing("Hose", "high", (1, 2))])),
        (Span(100, 200), elements(equipment=[thing("pump ", "medium", (0, 7), category="machine")])),
    ]

    found = merge(parts)[0]["elements"]["equipment"]

    assert found == [
        {**thing("Pump", "medium", (10, 20), (95, 107)), "category": "tool / machine"},
        thing("Hose", "high", (1, 2)),
    ]


def speaker(speaker_id: str, role: str, share: float | None, *ranges: tuple[float, float]) -> dict[str, Any]:
    times = [{"start_s": start_s, "end_s": end_s} for start_s, end_s in ranges]
    return {"speaker_id": speaker_id, "role": role, "time_ranges": times, "speaking_percentage": share}


def test_speakers_are_one_only_where_name_and_role_are_the_same() -> None:
    parts: list[Part] = [
        (
            Span(0, 300),
            elements(speakers=[speaker("speaker_1", "host", 60, (0, 9)), speaker("speaker_2", "guest", 40)]),
        ),
        (Span(300, 400), elements(speakers=[speaker("speaker_1", "Host", 50), speaker("speaker_2", "builder", 50)])),
        (Span(400, 500), elements(speakers=[speaker("speaker_2", "", None)])),
    ]

    found = merge(parts)[0]["elements"]["speakers"]

    assert [(one["speaker_id"], one["role"], one["speaking_percentage"]) for one in found] == [
        ("speaker_1", "host", 46),
        ("speaker_2", "guest", 24),
        ("speaker_2 (part 2)", "builder", 10),
        ("speaker_2 (part 3)", "", None),
    ]


def test_people_are_counted_by_the_fullest_moment() -> None:
    parts: list[Part] = [
        (Span(0, 9), elements(people={"max_count": 2, "multiple_speakers": None})),
        (Span(9, 18), elements(people={"max_count": None, "multiple_speakers": True})),
        (Span(18, 27), elements(people={"max_count": 5, "multiple_speakers": False})),
    ]

    assert merge(parts)[0]["elements"]["people"] == {"max_count": 5, "multiple_speakers": True}


def test_summaries_follow_each_other_and_are_counted_again() -> None:
    def summary(text: str, language: str) -> dict[str, dict[str, Any]]:
        words = len(text.split())
        return {"summary": {"text": text, "depth": "brief", "language": language, "word_count": words}}

    merged, notes = merge([(Span(5, 9), summary("And then.", "de")), (Span(0, 5), summary("First this.", "en"))])

    assert merged["summary"] == {
        "text": "First this.\n\nAnd then.",
        "depth": "brief",
        "language": "en",
        "word_count": 4,
    }
    assert notes == [
        "summary.text: 2 parts, one after the other",
        "summary.language: the parts say 'en', 'de'; the first stands",
    ]


def test_says_which_span_has_nothing_of_a_type() -> None:
    merged, notes = merge([(Span(0, 100), chapters(chapter(1, "One", 0, 100))), (Span(100, 200), {})])

    assert merged == chapters(chapter(1, "One", 0, 100))
    assert notes == ["chapters: nothing is known of 100 to 200 s"]


def test_types_of_a_persons_own_are_merged_by_their_marks() -> None:
    moments = {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "number", "x-time": True}}}}
    span = {"start_s": {"type": "number"}, "end_s": {"type": "number"}, "what": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {
            "moments": moments,
            "pour_duration_s": {"type": "number", "x-time": False, "x-merge": "sum"},
            "stages": {"type": "array", "x-key": "what", "items": {"type": "object", "properties": span}},
            "verdict": {"type": "string", "enum": ["good", "bad"], "x-merge": "best"},
            "rating": {"type": "number"},
        },
    }
    first = {"moments": [{"at": 5}], "pour_duration_s": 4, "verdict": "bad", "rating": 3}
    first["stages"] = [{"start_s": 1, "end_s": 2, "what": "mix"}, {"start_s": 8, "end_s": 10, "what": "pour"}]
    other = {"moments": [{"at": 1}], "pour_duration_s": 3, "verdict": "good", "rating": 4}
    other["stages"] = [{"start_s": 0, "end_s": 2, "what": "pour"}, {"start_s": 5, "end_s": 6, "what": "mix"}]

    merged, notes = merge([(Span(0, 10), {"own": first}), (Span(10, 20), {"own": other})], {"own": schema})

    assert merged["own"] == {
        "moments": [{"at": 5}, {"at": 11}],
        "pour_duration_s": 7,
        "verdict": "good",
        "rating": 3,
        "stages": [
            {"start_s": 1, "end_s": 2, "what": "mix"},
            {"start_s": 8, "end_s": 12, "what": "pour"},
            {"start_s": 15, "end_s": 16, "what": "mix"},
        ],
    }
    assert notes == ["own.rating: the parts say '3', '4'; the first stands"]


def test_without_a_schema_names_tell_what_is_a_time() -> None:
    merged, _ = merge(
        [(Span(0, 10), {"own": {"hits": [{"at_s": 1}]}}), (Span(10, 20), {"own": {"hits": [{"at_s": 2}]}})]
    )

    assert merged["own"] == {"hits": [{"at_s": 1}, {"at_s": 12}]}


def test_one_part_is_the_whole_and_is_only_moved() -> None:
    before = copy.deepcopy(RESULTS)

    assert merge([(Span(0, 21), RESULTS)]) == (RESULTS, [])
    assert merge([(Span(0, 0), RESULTS)]) == (RESULTS, [])
    assert merge([(Span(100, 121), RESULTS)])[0]["chapters"]["chapters"][1]["start_s"] == 107.5
    assert before == RESULTS


# --- properties -------------------------------------------------------------------------------------------------------

WORDS = st.text(alphabet="abcdé ", min_size=1, max_size=8).map(lambda text: " ".join(text.split()) or "a")


def places(length_s: float) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(0, int(length_s * 10)).map(lambda tenth: tenth / 10), min_size=2, max_size=6).map(
        sorted
    )


@st.composite
def long_results(draw: st.DrawFn) -> tuple[float, list[Part]]:
    duration_s = draw(st.integers(30, 300))
    spans = cut(duration_s, knee_s=draw(st.integers(20, 100)), overlap_s=draw(st.integers(0, 8)))
    parts: list[Part] = []
    for span in spans[:4]:
        length_s = span.length_s
        bounds = draw(places(length_s))
        found = [
            chapter(n, draw(WORDS), start_s, end_s, draw(WORDS), draw(WORDS))
            for n, (start_s, end_s) in enumerate(itertools.pairwise(bounds), start=1)
        ]
        edges = draw(places(length_s))
        things = [thing(draw(WORDS), draw(st.sampled_from(["high", "low"])), (edges[0], edges[-1]))]
        talkers = [speaker("speaker_1", draw(WORDS), 100, (edges[0], edges[1]))]
        parts.append((span, {**chapters(*found), **elements(equipment=things, speakers=talkers)}))
    return duration_s, parts


def spans_in(value: Any) -> list[tuple[float, float]]:
    if isinstance(value, list):
        return [span for item in value for span in spans_in(item)]
    if isinstance(value, dict):
        own = [(value["start_s"], value["end_s"])] if "start_s" in value else []
        return own + [span for part in value.values() for span in spans_in(part)]
    return []


def texts_in(value: Any) -> set[str]:
    if isinstance(value, list | dict):
        parts = value if isinstance(value, list) else value.values()
        return {text for part in parts for text in texts_in(part)}
    return {value} if isinstance(value, str) else set()


@settings(max_examples=40)
@given(long_results(), st.randoms(use_true_random=False))
def test_nothing_is_lost_whatever_the_order(drawn: tuple[float, list[Part]], chance: random.Random) -> None:
    duration_s, parts = drawn
    shuffled = chance.sample(parts, len(parts))

    merged, notes = merge(parts)

    assert merge(shuffled) == (merged, notes)
    for name, result in merged.items():
        check(name, result, BUILT_IN[name].schema)
    assert all(0 <= start_s <= end_s <= duration_s for start_s, end_s in spans_in(merged))
    found = merged["chapters"]["chapters"]
    assert [one["index"] for one in found] == list(range(1, len(found) + 1))
    assert all(one["end_s"] <= other["start_s"] for one, other in itertools.pairwise(found))
    everything = json.dumps(merged, ensure_ascii=False)
    said = {text for _, results in parts for text in texts_in(results)} - {"low"}  # the best confidence stands
    assert all(text in everything for text in said)
    for span, results in parts:
        for start_s, end_s in spans_in(results["elements"]):
            assert is_covered(span.start_s + start_s, span.start_s + end_s, spans_in(merged["elements"]))


def is_covered(start_s: float, end_s: float, spans: list[tuple[float, float]]) -> bool:
    return any(low <= start_s + 0.002 and end_s - 0.002 <= high for low, high in spans)


def ranges(*pairs: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"start_s": start_s, "end_s": end_s} for start_s, end_s in pairs]


SPAN = ("start_s", "end_s")


@pytest.mark.parametrize(
    ("stretches", "joined"),
    [
        ([(0, 10), (2, 5)], [(0, 10)]),  # a contained one shortens nothing
        ([(2, 5), (0, 10)], [(0, 10)]),
        ([(0, 10), (0, 4)], [(0, 10)]),
        ([(0, 10), (2, 5), (9, 12)], [(0, 12)]),
        ([(0, 10), (10.001, 12)], [(0, 12)]),
        ([(0, 10), (10.003, 12)], [(0, 10), (10.003, 12)]),
        ([(5, 6), (0, 1)], [(0, 1), (5, 6)]),
        ([(3, 3), (3, 3)], [(3, 3)]),
        ([], []),
    ],
)
def test_stretches_that_overlap_or_touch_are_one(
    stretches: list[tuple[float, float]], joined: list[tuple[float, float]]
) -> None:
    given_ranges = ranges(*stretches)

    assert coalesce(given_ranges, SPAN) == ranges(*joined)
    assert given_ranges == ranges(*stretches)  # what was given stays


@pytest.mark.parametrize(
    ("group", "other", "is_touching"),
    [
        ([(0, 10)], (10.001, 20), True),
        ([(0, 10)], (10.003, 20), False),
        ([(10, 20)], (0, 9.999), True),
        ([(10, 20)], (0, 9.997), False),
        ([(0, 5), (5, 30)], (20, 25), True),  # inside
        ([(20, 30), (0, 5)], (31, 40), False),
        ([(20, 30), (0, 5)], (30, 40), True),
    ],
)
def test_a_thing_goes_on_where_its_stretches_touch(
    group: list[tuple[float, float]], other: tuple[float, float], *, is_touching: bool
) -> None:
    members = [SpanValue(1, 0.5, stretch) for stretch in ranges(*group)]

    assert touches(members, SpanValue(2, 0.5, ranges(other)[0]), SPAN) is is_touching


def test_a_thing_of_unknown_time_touches_nothing() -> None:
    unknown = SpanValue(2, 0.5, {"start_s": None, "end_s": 4})

    assert touches([SpanValue(1, 0.5, ranges((0, 9))[0])], unknown, SPAN) is False


@pytest.mark.parametrize(
    ("last", "first", "seam_s"),
    [
        ((0.0, 100.0), (90.0, 190.0), 95.0),
        ((0.0, 95.0), (90.0, 91.0), 90.5),  # inside of the shorter one
        ((94.0, 95.0), (90.0, 190.0), 94.5),
        ((96.0, 100.0), (90.0, 93.0), 95.0),  # in the wrong order: halfway
        ((0.0, 10.001), (10.0, 20.0), 10.0),
    ],
)
def test_overlapping_neighbours_meet_in_one_moment(
    last: tuple[float, float], first: tuple[float, float], seam_s: float
) -> None:
    before, after = ([SpanValue(number, 0.5, ranges(pair)[0])] for number, pair in ((1, last), (2, first)))

    part_at_seam(before, after, SPAN)

    assert before[0].value["end_s"] == pytest.approx(seam_s, abs=0.001)
    assert after[0].value["start_s"] == before[0].value["end_s"]
    assert before[0].value["start_s"] <= before[0].value["end_s"]
    assert after[0].value["start_s"] <= after[0].value["end_s"]


def test_neighbours_that_only_touch_stay_as_they_are() -> None:
    before, after = [SpanValue(1, 0.5, ranges((0, 10))[0])], [SpanValue(2, 0.5, ranges((10, 20))[0])]

    part_at_seam(before, after, SPAN)

    assert [before[0].value, after[0].value] == ranges((0, 10), (10, 20))


def test_whole_seconds_stay_whole_at_a_seam() -> None:
    before, after = [SpanValue(1, 0.5, ranges((0, 10))[0])], [SpanValue(2, 0.5, ranges((7, 20))[0])]

    part_at_seam(before, after, SPAN)

    assert isinstance(before[0].value["end_s"], int)


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["One.", "Two."], "One. Two."),
        (["pump", "valve"], "pump / valve"),
        (["pump", " pump ", ""], "pump"),
        (["pump", "It leaks!"], "pump It leaks!"),
        (["", " "], ""),
        ([], ""),
    ],
)
def test_texts_that_differ_are_joined_as_sentences_or_as_words(texts: list[str], joined: str) -> None:
    assert join_texts(texts) == joined


def test_speakers_of_several_spans_are_kept_apart() -> None:
    schema = {"properties": {"speaker_id": {"type": "string", "x-merge": "apart"}}}
    items = [{"speaker_id": "speaker_1"} for _ in range(3)]

    set_apart(items, [1, 2, 2], schema)

    assert [item["speaker_id"] for item in items] == [
        "speaker_1",
        "speaker_1 (part 2)",
        "speaker_1 (part 2) (part 2)",
    ]
