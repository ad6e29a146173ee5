"""Text in pictures: what is written in a photograph, on signs, labels, screens and pages."""

from nova.types.shapes import list_of, object_of
from nova.types.spec import DEPTHS, IMAGE, Result, TypeSpec
from nova.types.views import ResultPassage, Thing, ThingsView

SCHEMA = object_of(
    texts=list_of(
        {"x-distinct": True},
        text={"type": "string", "description": "Word for word, one sign, label or line at a time."},
        where={"type": "string", "description": "What it is written on, in a few words.", "default": ""},
    )
)


def passages(result: Result) -> list[ResultPassage]:
    return [ResultPassage(text=str(item.get("text") or ""), kind="element") for item in result.get("texts") or []]


def view(result: Result) -> ThingsView:
    things = [
        Thing(name=str(item.get("text") or ""), kind="text", detail=str(item.get("where") or ""))
        for item in result.get("texts") or []
    ]
    return ThingsView([thing for thing in things if thing.name])


SPEC = TypeSpec(
    "picture_text",
    "picture_text: copy the text that can be read in the picture, word for word and in its own language, from the most "
    "prominent to the least. Leave the list empty where none can be read; do not guess at letters.",
    SCHEMA,
    label="Text in pictures",
    media=(IMAGE,),
    longest_tokens=dict.fromkeys(DEPTHS, 2000),
    usual_tokens=dict.fromkeys(DEPTHS, 150),
    passages=passages,
    view=view,
)
