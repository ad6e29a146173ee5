"""Good replies, and the ways in which they are damaged."""

from typing import Any

from nova.types.built_in import BUILT_IN
from nova.types.spec import stored_schemas

SUMMARY: dict[str, Any] = {
    "text": "A train crosses a viaduct. A passenger waves; it is “dark” again.",
    "depth": "standard",
    "language": "en",
    "word_count": 12,
}
CHAPTERS: dict[str, Any] = {
    "chapters": [
        {
            "index": 1,
            "title": "The viaduct",
            "start_s": 0,
            "end_s": 7.5,
            "summary": "A train, with {braces} and [brackets].",
            "key_points": ["granite", "arches, tall"],
        },
        {
            "index": 2,
            "title": 'The "sleeping" car',
            "start_s": 7.5,
            "end_s": 21.0,
            "summary": "A lazy wave.",
            "key_points": [],
        },
    ]
}
ELEMENTS: dict[str, Any] = {
    "equipment": [
        {
            "name": "locomotive",
            "category": "vehicle",
            "time_ranges": [{"start_s": 0.0, "end_s": 5.5}, {"start_s": 9, "end_s": 12}],
            "discussed": False,
            "confidence": "high",
        }
    ],
    "topics": [
        {
            "topic": "railways",
            "importance": "high",
            "description": "How the line was built.",
            "keywords": ["line", "granite"],
            "time_ranges": [{"start_s": 2, "end_s": 20.25}],
        }
    ],
    "people": {"max_count": 2, "multiple_speakers": False},
    "speakers": [
        {"speaker_id": "speaker_1", "role": "narrator", "time_ranges": [], "speaking_percentage": 100},
    ],
}
RESULTS = {"summary": SUMMARY, "chapters": CHAPTERS, "elements": ELEMENTS}
DURATION_S = 21.0
#: The types that are asked of a clip.
OF_CLIPS = [spec for spec in BUILT_IN.values() if spec.for_medium("video")]
SCHEMAS = stored_schemas(OF_CLIPS, "standard")


def only(name: str) -> dict[str, dict[str, Any]]:
    return {name: SCHEMAS[name]}


def by_tool(given: Any) -> dict[str, Any]:
    """An output message of Converse: reasoning first, then the forced tool."""
    return {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": "[REDACTED]"}}},
            {"text": "<thinking>I call the tool.</thinking>"},
            {"toolUse": {"toolUseId": "t1", "name": "give_analysis", "input": given}},
        ],
    }
