"""Results of analyses as findable text."""

from typing import Any

import pytest

from embeddings.indexing.analysis_chunks import drafts_of


def shown(kind: str, result: dict[str, Any]) -> list[tuple[str, float | None, float | None]]:
    return [(draft.text, draft.start_s, draft.end_s) for draft in drafts_of(kind, result, source_id=3)]


def test_a_summary_has_no_place_in_time() -> None:
    assert shown("summary", {"text": "A pond  is mended."}) == [("A pond is mended.", None, None)]


def test_a_chapter_is_found_by_title_summary_and_points() -> None:
    chapters = [
        {
            "title": "Dye test",
            "summary": "The trail bends.",
            "key_points": ["no current"],
            "start_s": 200,
            "end_s": 365,
        },
        {"title": "Patch", "start_s": 572.5},
    ]

    assert shown("chapters", {"chapters": chapters}) == [
        ("Dye test. The trail bends. no current.", 200.0, 365.0),
        ("Patch.", 572.5, 572.5),
    ]


def test_elements_stand_where_they_are_first_seen() -> None:
    result = {
        "equipment": [{"name": "Skimmer", "category": "plumbing", "time_ranges": [{"start_s": 5, "end_s": 9}]}],
        "topics": [{"topic": "Leaks", "description": "Where water goes", "keywords": ["liner", "seam"]}],
        "speakers": [{"speaker_id": "1", "role": "builder", "time_ranges": []}, {"speaker_id": "2"}],
        "people": {"max_count": 2},
    }

    assert shown("elements", result) == [
        ("Skimmer (plumbing)", 5.0, 9.0),
        ("Leaks. Where water goes. liner, seam.", None, None),
        ("Speaker: builder", None, None),
    ]
    assert [draft.ordinal for draft in drafts_of("elements", result, source_id=3)] == [0, 1, 2]


def test_a_long_chapter_becomes_several_chunks_of_its_time() -> None:
    drafts = drafts_of(
        "chapters", {"chapters": [{"summary": "It goes on. " * 200, "start_s": 1, "end_s": 2}]}, source_id=1
    )

    assert len(drafts) > 2
    assert {(draft.start_s, draft.end_s) for draft in drafts} == {(1.0, 2.0)}


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("summary", {}),
        ("summary", {"text": None}),
        ("chapters", {"chapters": None}),
        ("chapters", {"chapters": [{}]}),
        ("elements", {"equipment": [{"name": ""}], "topics": [{}]}),
        ("poem", {"text": "x"}),
    ],
)
def test_what_has_no_words_makes_no_chunks(kind: str, result: dict[str, Any]) -> None:
    assert drafts_of(kind, result, source_id=1) == []


def test_times_that_run_backwards_are_a_point() -> None:
    assert shown("chapters", {"chapters": [{"title": "A", "start_s": 9, "end_s": 3}]}) == [("A.", 9.0, 9.0)]
