"""What is done to a list of segments: pure, so tables and properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcription import segments
from transcription.segments import SpokenSegment, Word


def segment(text: str, start_s: float = 0.0, end_s: float = 2.0, **more: object) -> SpokenSegment:
    return SpokenSegment(start_s=start_s, end_s=end_s, text=text, **more)  # type: ignore[arg-type]


anything = st.builds(
    SpokenSegment,
    start_s=st.floats(),
    end_s=st.floats(),
    text=st.text(max_size=20),
    confidence=st.none() | st.floats(),
    no_speech=st.none() | st.floats(),
)


@given(st.lists(anything, max_size=8), st.none() | st.floats(1, 100))
def test_tidy_segments_are_in_order_inside_the_clip_and_not_empty(
    given: list[SpokenSegment], duration_s: float
) -> None:
    tidy = segments.tidy(given, duration_s=duration_s)

    assert [s.start_s for s in tidy] == sorted(s.start_s for s in tidy)
    assert all(0 <= s.start_s <= s.end_s <= (duration_s or math.inf) for s in tidy)
    assert all(s.text.strip() for s in tidy)
    assert all(s.confidence is None or 0 <= s.confidence <= 1 for s in tidy)
    assert segments.tidy(tidy, duration_s=duration_s) == tidy


def test_tidy_casts_what_numpy_left_behind() -> None:
    word = Word(start_s=np.float64(0.1), end_s=np.float64(0.5), text=" hi ", confidence=np.float64(0.9))

    (tidy,) = segments.tidy(
        [segment(" hi ", np.float64(0.1), np.float64(0.5), words=(word,), confidence=np.float64(2))]
    )

    assert type(tidy.start_s) is type(tidy.end_s) is type(tidy.confidence) is float
    assert type(tidy.words[0].start_s) is type(tidy.words[0].confidence) is float
    assert tidy.words[0].text == "hi"


def test_the_third_repeat_is_flagged_and_the_first_two_are_not() -> None:
    flagged = segments.flag_hallucinations([segment("Thank you.")] * 2 + [segment("thank you")] * 2 + [segment("Bye")])

    assert [s.flags for s in flagged] == [(), (), ("repetition",), ("repetition",), ()]


@pytest.mark.parametrize(
    ("text", "is_loop"),
    [("so it goes " * 30, True), ("no " * 5, False), ("The quick brown fox jumps over the lazy dog. " * 1, False)],
)
def test_a_segment_that_loops_in_itself_is_seen(text: str, is_loop: bool) -> None:
    assert segments.is_loop(text) is is_loop


@pytest.mark.parametrize(
    ("no_speech", "confidence", "flagged"),
    [(0.9, 0.2, True), (0.9, None, True), (0.9, 0.8, False), (0.3, 0.2, False), (None, 0.1, False)],
)
def test_words_over_silence_are_flagged(no_speech: float | None, confidence: float | None, flagged: bool) -> None:
    (made,) = segments.flag_hallucinations([segment("Subscribe", no_speech=no_speech, confidence=confidence)])

    assert (made.flags == ("silence",)) is flagged


def test_corrections_replace_what_they_cover() -> None:
    new = [segment("helo", 0, 2), segment("wrld", 2, 4), segment("bye", 4, 6)]
    corrected = segment("world", 2.1, 4.1, is_corrected=True)

    kept = segments.keep_corrections(new, [corrected])

    assert [s.text for s in kept] == ["helo", "world", "bye"]
    assert segments.keep_corrections(new, []) == new


def words_of(text: str) -> tuple[Word, ...]:
    """A word a second."""
    return tuple(Word(start_s=float(at), end_s=at + 0.9, text=word) for at, word in enumerate(text.split()))


@pytest.mark.parametrize(
    ("new", "texts"),
    [
        (segment("a b c d e f", 0, 6, words=words_of("a b c d e f")), ["a b", "C D", "e f"]),
        (segment("a b c d", 0, 4, words=words_of("a b c d")), ["a b", "C D"]),
        (segment("x c d y", 1.5, 4.5, words=tuple(words_of("_ _ c d"))[2:]), ["C D"]),
        (segment("abcdef", 0, 6, words=words_of("a b c d e f")), ["ab", "C D", "ef"]),
        (segment("all of it, without times of words", 0, 6), ["all of it, without times of words", "C D"]),
        (segment("about as long", 1.5, 4.5), ["C D"]),
    ],
)
def test_what_stands_beside_a_correction_in_a_longer_segment_is_not_lost(new: SpokenSegment, texts: list[str]) -> None:
    kept = segments.keep_corrections([new], [segment("C D", 2, 4, is_corrected=True)])

    assert [row.text for row in kept] == texts
    assert all(row.start_s <= row.end_s for row in kept)


@given(st.lists(anything, max_size=6), st.lists(anything, max_size=3))
def test_no_correction_is_ever_lost(new: list[SpokenSegment], corrected: list[SpokenSegment]) -> None:
    new, corrected = segments.tidy(new), segments.tidy(corrected)

    kept = segments.keep_corrections(new, corrected)

    assert all(row in kept for row in corrected)


def test_the_full_text_leaves_out_what_is_flagged() -> None:
    assert segments.full_text([segment("one"), segment("two", flags=("silence",)), segment("three")]) == "one three"


def test_shift_moves_segments_and_their_words() -> None:
    moved = segments.shift(segment("a", 1, 2, words=(Word(start_s=1, end_s=2, text="a"),)), 10)

    assert (moved.start_s, moved.end_s, moved.words[0].start_s) == (11, 12, 11)


def test_words_survive_json() -> None:
    word = Word(start_s=0.0, end_s=1.0, text="hi", confidence=0.5)

    assert segments.words_from_json([word.as_json()]) == (word,)
    assert segments.words_from_json(None) == ()
