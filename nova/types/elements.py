"""Elements: equipment, topics, people and speakers, each with the stretches of time in which it is there."""

from collections.abc import Sequence
from typing import Any

from nova.local import salience
from nova.local.clip import ClipFacts, SpokenLine, sentence
from nova.types.shapes import LEVEL, TEXTS, TIME_RANGES, list_of, object_of
from nova.types.spec import DEPTHS, Result, TypeSpec
from nova.types.views import ResultPassage, Thing, ThingsView, as_sentences, first_range, time_ranges

MOST_TOPICS = 8
#: Mentions this close together are one stretch of a topic.
TOPIC_GAP_S = 15.0
#: The share of the spoken lines that a topic of this importance is in.
HIGH_SHARE, MEDIUM_SHARE = 0.5, 0.2
#: A number for how sure a model is, as older replies have it, in words.
HIGH_CERTAINTY, MEDIUM_CERTAINTY = 0.75, 0.4

SCHEMA = object_of(
    equipment=list_of(
        {"x-key": "name"},
        name={"type": "string"},
        category={"type": "string"},
        time_ranges=TIME_RANGES,
        discussed={"type": "boolean", "description": "Whether it is spoken of or shown in use.", "default": False},
        confidence={**LEVEL, "description": "How sure you are.", "default": "low", "x-merge": "best"},
    ),
    topics=list_of(
        {"x-key": "topic"},
        topic={"type": "string"},
        importance={
            **LEVEL,
            "description": "How much of the clip it carries.",
            "default": "medium",
            "x-merge": "best",
        },
        description={"type": "string"},
        keywords={**TEXTS, "description": "Three to eight words.", "x-distinct": True},
        time_ranges=TIME_RANGES,
    ),
    people=object_of(
        max_count={
            "type": ["integer", "null"],
            "description": "Most people seen at one moment.",
            "x-merge": "max",
        },
        multiple_speakers={
            "type": ["boolean", "null"],
            "description": "Whether more than one person speaks.",
        },
    ),
    speakers=list_of(
        {"x-key": ["speaker_id", "role"]},
        speaker_id={"type": "string", "description": "speaker_1, speaker_2 and so on.", "x-merge": "apart"},
        role={"type": "string", "description": "What the person does, such as presenter or guest."},
        time_ranges=TIME_RANGES,
        speaking_percentage={
            "type": ["number", "null"],
            "description": "Share of the speech, 0 to 100.",
            "x-merge": "share",
        },
    ),
)


def from_clip(clip: ClipFacts, depth: str) -> dict[str, Any]:
    """Topics by what is spoken of most. Equipment and people need eyes: they stay empty."""
    words = salience.keywords([line.text for line in clip.lines], MOST_TOPICS)
    return {
        "equipment": [],
        "topics": [topic_from_clip(word, clip) for word in words],
        "people": {"max_count": None, "multiple_speakers": None},
        "speakers": [],
    }


def topic_from_clip(word: str, clip: ClipFacts) -> dict[str, Any]:
    """A word that is said often, with the lines that it is said in."""
    mentions = [line for line in clip.lines if word in salience.words_of(line.text)]
    share = len(mentions) / max(1, len(clip.lines))
    neighbours = salience.keywords([line.text for line in mentions], 6)
    return {
        "topic": word,
        "importance": "high" if share >= HIGH_SHARE else "medium" if share >= MEDIUM_SHARE else "low",
        "description": sentence(mentions[0].text) if mentions else "",
        "keywords": [other for other in neighbours if other != word],
        "time_ranges": joined_ranges(mentions),
    }


def joined_ranges(lines: Sequence[SpokenLine]) -> list[dict[str, float]]:
    """Stretches of time, mentions close to each other joined."""
    ranges: list[dict[str, float]] = []
    for line in lines:
        if ranges and line.start_s - ranges[-1]["end_s"] <= TOPIC_GAP_S:
            ranges[-1]["end_s"] = max(ranges[-1]["end_s"], round(line.end_s, 3))
        else:
            ranges.append({"start_s": round(line.start_s, 3), "end_s": round(line.end_s, 3)})
    return ranges


def passages(result: Result) -> list[ResultPassage]:
    """Each thing, topic and speaker in words, where it is first."""
    found = []
    for item in result.get("equipment") or []:
        category = f" ({item['category']})" if item.get("category") else ""
        found.append(ResultPassage.at(f"{item.get('name') or ''}{category}", "element", first_range(item)))
    for topic in result.get("topics") or []:
        keywords = ", ".join(str(word) for word in topic.get("keywords") or [])
        text = as_sentences([topic.get("topic"), topic.get("description"), keywords])
        found.append(ResultPassage.at(text, "element", first_range(topic)))
    for speaker in result.get("speakers") or []:
        who = ", ".join(str(speaker[key]) for key in ("name", "role") if speaker.get(key))
        if who:
            found.append(ResultPassage.at(f"Speaker: {who}", "element", first_range(speaker)))
    return found


def view(result: Result) -> ThingsView:
    """Equipment, topics and speakers as one table; equipment is drawn on the timeline too."""
    things = [
        Thing(
            name=str(item.get("name", "")),
            kind="equipment",
            ranges=time_ranges(item),
            detail=str(item.get("category") or ""),
            certainty=certainty_of(item.get("confidence")),
            is_lane=True,
        )
        for item in result.get("equipment") or []
    ]
    things += [
        Thing(
            name=str(topic.get("topic", "")),
            kind="topic",
            ranges=time_ranges(topic),
            detail=str(topic.get("description") or ""),
            certainty=certainty_of(topic.get("importance")),
        )
        for topic in result.get("topics") or []
    ]
    for speaker in result.get("speakers") or []:
        share = speaker.get("speaking_percentage")
        things.append(
            Thing(
                name=str(speaker.get("name") or speaker.get("role") or speaker.get("speaker_id", "")),
                kind="speaker",
                ranges=time_ranges(speaker),
                detail=f"speaks {share:.0f} % of the time" if isinstance(share, int | float) else "",
            )
        )
    return ThingsView([thing for thing in things if thing.name])


def certainty_of(value: object) -> str:
    """How sure a model says that it is, as a word."""
    if isinstance(value, int | float):
        return "high" if value >= HIGH_CERTAINTY else "medium" if value >= MEDIUM_CERTAINTY else "low"
    return str(value or "").lower()


PICTURE_SCHEMA = object_of(
    equipment=list_of(
        {"x-key": "name"},
        name={"type": "string"},
        category={"type": "string"},
        confidence={**LEVEL, "description": "How sure you are.", "default": "low", "x-merge": "best"},
    ),
    topics=list_of(
        {"x-key": "topic"},
        topic={"type": "string"},
        importance={**LEVEL, "description": "How much of the picture it carries.", "default": "medium"},
        description={"type": "string"},
        keywords={**TEXTS, "description": "Three to eight words.", "x-distinct": True},
    ),
    people=object_of(max_count={"type": ["integer", "null"], "description": "How many people are seen."}),
)
PICTURE = TypeSpec(
    "elements",
    "elements: list the equipment and objects that matter in the picture, its topics, and how many people are seen. "
    "Leave a list empty rather than fill it with guesses. Name nobody by their face.",
    PICTURE_SCHEMA,
    longest_tokens=dict.fromkeys(DEPTHS, 2000),
    usual_tokens=dict.fromkeys(DEPTHS, 350),
    passages=passages,
    view=view,
)
SPEC = TypeSpec(
    "elements",
    "elements: list equipment and objects that matter, topics, people and speakers, each with the stretches of time in "
    "which it is seen or spoken of. Leave a list empty rather than fill it with guesses. Name nobody by their face.",
    SCHEMA,
    picture=PICTURE,
    usual_tokens=dict.fromkeys(DEPTHS, 900),
    make_locally=from_clip,
    passages=passages,
    view=view,
)
