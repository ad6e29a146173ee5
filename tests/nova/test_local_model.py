"""The free local model: deterministic, in shape, and honest about what it cannot know."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.local import salience, shots
from nova.local.clip import ClipFacts, SpokenLine
from nova.types import chapters, elements, summary
from nova.types.shapes import check
from tests.nova.reply_samples import OF_CLIPS

TRAIN = [
    SpokenLine(0.3, 3.2, "This viaduct was built from local granite."),
    SpokenLine(3.8, 6.6, "Its five arches have carried trains for a century."),
    SpokenLine(7.3, 10.2, "At dusk the red sleeping car crosses the river."),
    SpokenLine(10.8, 13.6, "The sleeping car is lit, and somebody waves from the sleeping car."),
    SpokenLine(14.3, 17.2, "Then the valley is dark again."),
    SpokenLine(17.8, 20.6, "Only the moon stays above the hills."),
]
CLIP = ClipFacts(duration_s=21.0, cuts=[(7.0, 60.0), (14.0, 55.0)], lines=TRAIN, name="train.mp4", language="en")


def test_chapters_begin_at_the_cuts_and_cover_the_clip() -> None:
    found = chapters.from_clip(CLIP, "standard")["chapters"]

    assert [(one["index"], one["start_s"], one["end_s"]) for one in found] == [(1, 0, 7), (2, 7, 14), (3, 14, 21)]
    assert found[1]["title"].lower().count("sleeping") == 1
    assert "granite" in found[0]["summary"] or "arches" in found[0]["summary"]


def test_a_cut_inside_a_sentence_waits_for_its_end() -> None:
    clip = ClipFacts(
        duration_s=60, cuts=[(20.0, 50.0)], lines=[SpokenLine(15.0, 21.5, "A long sentence over the cut.")]
    )

    found = chapters.from_clip(clip, "standard")["chapters"]

    assert found[1]["start_s"] == 21.5


def test_chapters_have_room_between_them() -> None:
    cuts = [(second, 50.0 + second) for second in range(1, 300)]

    found = chapters.from_clip(ClipFacts(duration_s=300, cuts=cuts, lines=[]), "standard")["chapters"]

    assert len(found) <= chapters.MOST_CHAPTERS
    assert all(one["end_s"] - one["start_s"] >= chapters.SHORTEST_CHAPTER_S for one in found)


def test_a_clip_without_cuts_gets_its_chapters_from_the_pauses() -> None:
    lines = [SpokenLine(0, 10, "The first subject is stone."), SpokenLine(40, 50, "The second subject is water.")]

    found = chapters.from_clip(ClipFacts(duration_s=60, cuts=[], lines=lines), "standard")["chapters"]

    assert [one["start_s"] for one in found] == [0, 40]


def test_a_summary_keeps_the_order_of_what_was_said() -> None:
    text = summary.from_clip(CLIP, "detailed")["text"]

    assert [text.index(line.text) for line in TRAIN] == sorted(text.index(line.text) for line in TRAIN)


def test_a_brief_summary_is_shorter_than_a_detailed_one() -> None:
    brief = summary.from_clip(CLIP, "brief")
    detailed = summary.from_clip(CLIP, "detailed")

    assert 0 < brief["word_count"] < detailed["word_count"]


def test_a_clip_without_speech_says_so() -> None:
    found = summary.from_clip(ClipFacts(duration_s=75, cuts=[(30, 40)], lines=[]), "standard")

    assert found["text"] == "A clip of 1 min 15 s with 2 shots; nothing is known of what is said in it."


def test_topics_have_the_times_at_which_they_are_spoken_of() -> None:
    topics = {element["topic"]: element for element in elements.from_clip(CLIP, "standard")["topics"]}

    assert topics["sleeping"]["time_ranges"] == [{"start_s": 7.3, "end_s": 13.6}]


def test_what_it_cannot_know_stays_empty() -> None:
    found = elements.from_clip(CLIP, "standard")

    assert found["equipment"] == []
    assert found["speakers"] == []
    assert found["people"] == {"max_count": None, "multiple_speakers": None}


def test_a_script_without_spaces_has_sentences_and_no_topics() -> None:
    clip = ClipFacts(
        duration_s=5, cuts=[], lines=[SpokenLine(0, 2, "我们今天更换了液压泵。"), SpokenLine(2, 5, "然后检查水管？")]
    )

    assert summary.from_clip(clip, "standard")["text"] == "我们今天更换了液压泵。 然后检查水管？"
    assert chapters.from_clip(clip, "standard")["chapters"][0]["title"] == "我们今天更换了液压泵"
    assert elements.from_clip(clip, "standard")["topics"] == []


@pytest.mark.parametrize(
    ("said", "topics"),
    [
        ("They would have been there because there were those things.", []),
        ("He's gone, and they're telling me you’ve asked: don't tell.", []),
        ("The pump's seal, and d'abord l'étang.", ["pump", "seal", "abord", "étang"]),
    ],
)
def test_common_words_are_no_topic(said: str, topics: list[str]) -> None:
    assert salience.keywords([said], 5) == topics


_times = st.floats(min_value=0, max_value=7200, allow_nan=False)


@st.composite
def _clips(draw: st.DrawFn) -> ClipFacts:
    duration_s = draw(st.floats(min_value=0.04, max_value=7200))
    moments = sorted(draw(st.lists(st.floats(min_value=0, max_value=duration_s), max_size=24)))
    texts = draw(st.lists(st.text(max_size=60), min_size=len(moments) // 2, max_size=len(moments) // 2))
    pairs = zip(moments[::2], moments[1::2], strict=False)
    lines = [SpokenLine(start, end, text) for (start, end), text in zip(pairs, texts, strict=False)]
    cuts = [(at_s, draw(st.floats(min_value=12, max_value=255))) for at_s in draw(st.lists(_times, max_size=20))]
    return ClipFacts(duration_s=duration_s, cuts=[cut for cut in cuts if cut[0] < duration_s], lines=lines)


@given(_clips(), st.sampled_from(["brief", "standard", "detailed"]))
def test_every_result_is_in_its_shape_and_inside_the_clip(clip: ClipFacts, depth: str) -> None:
    for spec in OF_CLIPS:
        assert spec.make_locally is not None
        check(spec.name, spec.make_locally(clip, depth), spec.schema)
    found = chapters.from_clip(clip, "standard")["chapters"]
    assert found[0]["start_s"] == 0
    assert abs(found[-1]["end_s"] - clip.duration_s) < 0.001
    assert all(before["end_s"] == after["start_s"] for before, after in pairwise(found))


def test_a_cut_stands_out_of_its_neighbours() -> None:
    times = [index / 10 for index in range(40)]
    changes = [1.0] * 40
    changes[20] = 60.0

    assert [cut.at_s for cut in shots.cuts_of(times, changes)] == [2.0]


def test_fast_movement_is_no_cut() -> None:
    assert shots.cuts_of([index / 10 for index in range(40)], [30.0, 34.0] * 20) == []
