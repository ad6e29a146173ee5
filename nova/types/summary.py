"""Summary: what the clip shows and what is said in it, as a text."""

from typing import Any

from nova.local import salience
from nova.local.clip import ClipFacts, duration_in_words, sentence
from nova.local.picture import PictureFacts
from nova.types.shapes import object_of
from nova.types.spec import DEPTHS, Result, TypeSpec
from nova.types.views import ResultPassage, TextView

#: Sentences of the transcript that the local model takes, by depth.
SENTENCES = {"brief": 2, "standard": 5, "detailed": 12}

SCHEMA = object_of(
    text={
        "type": "string",
        "minLength": 1,
        "description": "The summary, as plain text.",
        "x-merge": "paragraphs",
    },
    depth={"type": "string", "enum": list(DEPTHS)},
    language={
        "type": "string",
        "description": "ISO 639-1 code of the language of your text.",
        "default": "",
        "x-merge": "first",
    },
    word_count={"type": "integer", "minimum": 0, "x-words-of": "text"},
)


def from_clip(clip: ClipFacts, depth: str) -> dict[str, Any]:
    """The sentences of the transcript that say most; without speech how long the clip is and how many shots it has."""
    chosen = salience.best([line.text for line in clip.lines], SENTENCES.get(depth, SENTENCES["standard"]))
    text = " ".join(sentence(text) for text in chosen)
    if not text:
        shots = "one shot" if not clip.cuts else f"{len(clip.cuts) + 1} shots"
        length = duration_in_words(clip.duration_s)
        text = f"A clip of {length} with {shots}; nothing is known of what is said in it."
    language = clip.language if chosen else "en"
    return {"text": text, "depth": depth, "language": language, "word_count": len(text.split())}


def passages(result: Result) -> list[ResultPassage]:
    return [ResultPassage(text=str(result.get("text") or ""), kind="summary")]


def view(result: Result) -> TextView:
    return TextView(str(result.get("text") or ""))


def from_picture(facts: PictureFacts, depth: str) -> dict[str, Any]:
    """What the file itself says: its size, and when, where and with what it was taken."""
    size = f" of {facts.width} × {facts.height} pixels" if facts.width and facts.height else ""
    details = "; ".join(f"{label.lower()}: {text}" for label, text in facts.labelled())
    folder = f" In the folder {facts.folder}." if facts.folder else ""
    text = f"A picture{size}{f' ({details})' if details else ''}; nothing is known of what it shows.{folder}"
    return {"text": text, "depth": depth, "language": "en", "word_count": len(text.split())}


PICTURE = TypeSpec(
    "summary",
    "summary: describe what the picture shows: subjects, setting, actions, light and mood where they matter.",
    SCHEMA,
    wordings={
        "brief": "One or two sentences, under 40 words.",
        "standard": "One paragraph, about 80 words.",
        "detailed": "Two or three paragraphs, about 200 words.",
    },
    longest_tokens={"brief": 300, "standard": 600, "detailed": 1200},
    usual_tokens={"brief": 60, "standard": 140, "detailed": 320},
    describe_locally=from_picture,
    passages=passages,
    view=view,
)
SPEC = TypeSpec(
    "summary",
    "summary: tell what the clip shows and what is said in it.",
    SCHEMA,
    picture=PICTURE,
    wordings={
        "brief": "Two or three sentences, under 50 words.",
        "standard": "One or two paragraphs, about 150 words.",
        "detailed": "Several paragraphs in the order of the clip, about 400 words.",
    },
    longest_tokens={"brief": 600, "standard": 1200, "detailed": 2500},
    usual_tokens={"brief": 90, "standard": 260, "detailed": 650},
    make_locally=from_clip,
    passages=passages,
    view=view,
)
