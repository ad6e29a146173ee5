"""Built-in analysis types: one module each, and everything else goes through their registry."""

from dataclasses import replace
from typing import Any

import pytest

from embeddings.indexing.analysis_chunks import drafts_of
from embeddings.models import Chunk
from nova.types.built_in import BUILT_IN
from nova.types.registry import digest_of
from nova.types.spec import DEPTHS, TypeSpec
from nova.types.views import RowsView
from tests.nova.reply_samples import RESULTS

SPECS = list(BUILT_IN.values())

#: What was asked and paid by these names is found by them again: a change of one asks, and charges, once more.
PAID_BY = {
    ("summary", "brief"): "fa73d5759f4c3df9",
    ("summary", "standard"): "8b7dcdcb8202d2f2",
    ("summary", "detailed"): "9724d0864e091b9d",
    ("chapters", "standard"): "95460f989d0dc02f",
    ("elements", "standard"): "fa78818d8312acba",
}


@pytest.mark.parametrize(("name", "depth"), PAID_BY)
def test_what_was_paid_before_is_found_by_the_same_name(name: str, depth: str) -> None:
    assert digest_of(BUILT_IN[name], depth)[:16] == PAID_BY[name, depth]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_each_type_shows_and_indexes_what_its_result_says(spec: TypeSpec) -> None:
    result = {**RESULTS, "picture_text": {"texts": [{"text": "EXIT", "where": "a sign"}]}}[spec.name]

    drafts = drafts_of(spec.name, result, source_id=1)

    assert drafts
    assert {draft.kind for draft in drafts} <= set(Chunk.Kind.values)
    assert not isinstance(spec.view(result), RowsView)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("result", [{}, {"text": None, "chapters": None, "equipment": None, "topics": [{}]}])
def test_a_result_with_gaps_is_shown_all_the_same(spec: TypeSpec, result: dict[str, Any]) -> None:
    assert spec.view(result) is not None
    assert drafts_of(spec.name, result, source_id=1) == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_longest_answer_is_known_for_every_depth(spec: TypeSpec) -> None:
    longest = [spec.max_tokens(depth) for depth in DEPTHS]

    assert longest == sorted(longest)
    assert all(300 <= tokens <= 5000 for tokens in longest)
    assert all(0 < spec.usual_tokens_of(depth) < spec.max_tokens(depth) / 2 for depth in DEPTHS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_what_is_asked_of_a_picture_has_no_times_in_it(spec: TypeSpec) -> None:
    of_picture = spec.for_medium("image")

    assert of_picture is None or not any(word in str(of_picture.schema) for word in ("start_s", "time_ranges"))
    assert of_picture is None or "clip" not in of_picture.asks("standard")


def test_a_type_of_ones_own_is_shown_row_by_row() -> None:
    own = TypeSpec("safety", "safety: find risks.", {"type": "object", "properties": {"risk": {"type": "string"}}})

    assert own.view({"risk": "wet floor"}) == RowsView([("risk", "", "", "", "wet floor")])
    assert own.passages({"risk": "wet floor"}) == []
    assert replace(own, instructions="other").asks("brief") == "other"
