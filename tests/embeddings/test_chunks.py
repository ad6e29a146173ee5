"""Chunking: nothing is lost, nothing is too long, and each piece knows its seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.indexing import chunks
from embeddings.indexing.chunks import TimedText

words = st.text(alphabet="abcdefg äöü.!?", max_size=90)
lines = st.lists(st.tuples(st.floats(0, 20), st.floats(0, 10), words), max_size=40)


def timed(parts: list[tuple[float, float, str]]) -> list[TimedText]:
    result, now = [], 0.0
    for gap, length, text in parts:
        result.append(TimedText(now + gap, now + gap + length, text))
        now += gap + length
    return result


@given(lines)
def test_every_word_of_a_transcript_is_in_exactly_one_chunk(parts: list[tuple[float, float, str]]) -> None:
    segments = timed(parts)

    drafts = chunks.from_lines(segments, kind="transcript", source_id=1)

    said = " ".join(segment.text for segment in segments).split()
    assert " ".join(draft.text for draft in drafts).split() == said
    assert [draft.ordinal for draft in drafts] == list(range(len(drafts)))


@given(lines)
def test_a_chunk_covers_the_seconds_of_its_segments(parts: list[tuple[float, float, str]]) -> None:
    for draft in chunks.from_lines(timed(parts), kind="transcript", source_id=1):
        assert draft.start_s is not None
        assert draft.end_s is not None
        assert draft.start_s <= draft.end_s
        assert draft.marks[0] == (0, draft.start_s)
        assert all(draft.start_s <= second <= draft.end_s for _, second in draft.marks)
        assert chunks.second_at(draft.marks, len(draft.text), None) == draft.marks[-1][1]


def test_a_chunk_ends_at_a_sentence_once_it_is_long_enough() -> None:
    segments = [
        TimedText(i * 4.0, i * 4.0 + 4, f"This is sentence number {i}, and it is forty long.") for i in range(12)
    ]

    drafts = chunks.from_lines(segments, kind="transcript", source_id=1)

    assert [draft.text.endswith(".") for draft in drafts] == [True] * len(drafts)
    assert all(chunks.AIM_CHARS <= len(draft.text) <= chunks.MAX_CHARS for draft in drafts[:-1])


def test_a_long_silence_starts_a_new_chunk() -> None:
    drafts = chunks.from_lines([TimedText(0, 2, "before"), TimedText(30, 32, "after")], kind="transcript", source_id=1)

    assert [(draft.text, draft.start_s, draft.end_s) for draft in drafts] == [("before", 0, 2), ("after", 30, 32)]


def test_the_second_of_a_word_is_that_of_its_segment() -> None:
    [draft] = chunks.from_lines(
        [TimedText(1, 2, "one two"), TimedText(2.5, 4, "three")], kind="transcript", source_id=1
    )

    assert draft.text == "one two three"
    assert chunks.second_at(draft.marks, draft.text.index("two"), None) == 1
    assert chunks.second_at(draft.marks, draft.text.index("three"), None) == 2.5
    assert chunks.second_at((), 3, 7.5) == 7.5


@given(st.text(max_size=3000))
def test_a_long_text_is_cut_without_losing_a_letter(text: str) -> None:
    drafts = chunks.from_text(text, kind="summary", source_id=1, start_s=3.0, end_s=9.0, first=5)

    assert "".join(draft.text for draft in drafts).replace(" ", "") == chunks.clean(text).replace(" ", "")
    assert all(0 < len(draft.text) <= chunks.MAX_CHARS and draft.start_s == 3.0 for draft in drafts)
    assert [draft.ordinal for draft in drafts] == list(range(5, 5 + len(drafts)))


@pytest.mark.parametrize(
    ("name", "folders", "expected"),
    [
        ("friday.mp4", [], "friday.mp4 · friday"),
        (
            "ridge-court_leakHunt.mp4",
            ["2026", "Ridge Court"],
            "ridge-court_leakHunt.mp4 · ridge court leak Hunt · 2026 Ridge Court",
        ),
        ("noext", [], "noext"),
        ("a\0b\nc.mov", [], "a b c.mov · a b c"),
        ("\udce4.mp4", [], "?.mp4 · ?"),
    ],
)
def test_a_name_is_found_as_it_is_and_by_its_words(name: str, folders: list[str], expected: str) -> None:
    assert chunks.name_text(name, folders) == expected


def test_the_hash_depends_on_the_text_alone() -> None:
    one = chunks.from_text("A leak.", kind="summary", source_id=1)[0]
    other = chunks.from_text("A  leak. ", kind="chapter", source_id=2, start_s=5)[0]

    assert one.content_hash == other.content_hash
    assert one.identity != other.identity
    assert len(one.content_hash) == 32
