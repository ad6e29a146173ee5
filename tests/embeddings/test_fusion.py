"""Reciprocal rank fusion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.searching.fusion import Ranking, as_fraction, reciprocal_rank

keys = st.lists(st.integers(0, 30), unique=True, max_size=20)


def test_a_key_in_both_lists_beats_a_better_place_in_one() -> None:
    fused = reciprocal_rank([Ranking(["a", "b"]), Ranking(["c", "b"])])

    assert list(fused) == ["b", "a", "c"]
    assert fused["b"] == pytest.approx(2 / 62)
    assert fused["a"] == pytest.approx(1 / 61)


def test_weights_count() -> None:
    assert list(reciprocal_rank([Ranking(["a"], weight=0.5), Ranking(["b"])])) == ["b", "a"]


@given(keys)
def test_one_list_keeps_its_order(ranked: list[int]) -> None:
    assert list(reciprocal_rank([Ranking(ranked)])) == ranked
    assert list(reciprocal_rank([Ranking(ranked), Ranking(ranked)])) == ranked


@given(keys, keys)
def test_every_key_is_there_once_with_scores_falling(one: list[int], other: list[int]) -> None:
    fused = reciprocal_rank([Ranking(one), Ranking(other)])

    assert set(fused) == {*one, *other}
    assert list(fused.values()) == sorted(fused.values(), reverse=True)


def test_a_key_named_twice_in_one_list_counts_once() -> None:
    assert reciprocal_rank([Ranking(["a", "a"])]) == reciprocal_rank([Ranking(["a"])])


def test_fractions_are_of_the_best() -> None:
    assert as_fraction({"a": 0.5, "b": 0.25}) == {"a": 1.0, "b": 0.5}
    assert as_fraction({"a": 0.0}) == {"a": 0.0}
    assert as_fraction({"a": -0.5}) == {"a": 0.0}
    assert as_fraction({}) == {}
