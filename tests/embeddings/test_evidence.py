"""Words and meaning in one measure: which chunk answers, and whether anything does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.searching.evidence import JOINT_FLOOR, Reach, WordEvidence, fused, is_answered, stands_out

KNOWN = Reach(usual=0.0, spread=0.08, floor=0.38, tail_floor=0.2, trust=0.7, is_calibrated=True)
UNKNOWN = Reach(usual=0.6, spread=0.15, floor=0.38, tail_floor=0.2, trust=0.02, is_calibrated=True)
MANY = 2_000


def words(nats: dict[int, float], whole: tuple[int, ...] = ()) -> WordEvidence:
    return WordEvidence(nats=nats, whole=frozenset(whole), count=MANY)


def test_where_the_model_knows_the_language_its_best_beats_a_lone_word() -> None:
    assert next(iter(fused(words({1: 7.0, 2: 6.5}), {3: 0.6, 1: 0.21}, KNOWN))) == 3


def test_where_the_model_knows_nothing_the_words_decide_alone() -> None:
    cosines = {3: 0.9, 4: 0.89, 1: 0.8}

    assert list(fused(words({1: 25.0, 2: 12.0}), cosines, UNKNOWN))[:2] == [1, 2]


def test_a_chunk_with_both_beats_one_with_either() -> None:
    assert next(iter(fused(words({1: 24.0, 2: 22.0}), {2: 0.5, 3: 0.52, 1: 0.1}, KNOWN))) == 2


def test_nonsense_has_a_word_here_and_a_likeness_there_but_no_chunk_both() -> None:
    evidence = words({1: 0.8 * words({}).floor})

    assert not is_answered(evidence, {2: 0.7 * KNOWN.floor}, KNOWN)
    assert fused(evidence, {2: 0.7 * KNOWN.floor}, KNOWN) == {}
    assert is_answered(evidence, {1: (JOINT_FLOOR - 0.79) * KNOWN.floor}, KNOWN)


def test_every_word_of_the_question_is_an_answer_whatever_the_model_says() -> None:
    assert list(fused(words({1: 0.1}, whole=(1,)), {}, KNOWN)) == [1]


@pytest.mark.parametrize(
    ("best", "reach", "expected"),
    [(0.5, KNOWN, True), (0.37, KNOWN, False), (0.8, UNKNOWN, False), (0.99, UNKNOWN, True)],
)
def test_meaning_alone_answers_what_is_close_and_stands_out(best: float, reach: Reach, expected: bool) -> None:
    assert is_answered(words({}), {1: best, 2: 0.1}, reach) is expected


def test_what_does_not_stand_out_is_chance() -> None:
    assert not stands_out({1: 0.9}, UNKNOWN)
    assert stands_out({1: 0.3}, KNOWN)


def test_beside_a_good_chunk_those_with_hardly_any_of_it_are_left_out() -> None:
    assert 2 not in fused(words({1: 20.0, 2: 6.0}), {1: 0.5, 3: 0.1}, KNOWN)
    assert 3 not in fused(words({1: 20.0}), {1: 0.5, 3: 0.19}, KNOWN)


def test_in_a_small_library_nothing_is_said_of_chance() -> None:
    few = WordEvidence(nats={1: 0.01}, count=10)

    assert few.floor == 0
    assert list(fused(few, {}, KNOWN)) == [1]


@given(
    st.dictionaries(st.integers(0, 20), st.floats(0, 40), max_size=12),
    st.dictionaries(st.integers(0, 20), st.floats(-1, 1), max_size=12),
    st.sampled_from([KNOWN, UNKNOWN]),
)
def test_scores_fall_and_name_nothing_that_was_not_found(
    nats: dict[int, float], cosines: dict[int, float], reach: Reach
) -> None:
    scores = fused(words(nats), cosines, reach)

    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert set(scores) <= {*nats, *cosines}


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_what_is_closer_says_no_less(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert KNOWN.nats(low) <= KNOWN.nats(high)


def test_what_has_every_word_comes_before_what_only_means_the_same() -> None:
    found = WordEvidence(nats={1: 7.0}, whole=frozenset({1}), count=2000)

    assert list(fused(found, {1: 0.25, 2: 0.6}, KNOWN)) == [1, 2]


def test_a_word_as_it_was_typed_comes_before_another_form_of_it() -> None:
    found = WordEvidence(nats={1: 7.0, 2: 7.0}, whole=frozenset({1, 2}), exact=frozenset({1}), count=2000)

    assert list(fused(found, {1: 0.35, 2: 0.4}, KNOWN)) == [1, 2]
