"""What an analysis type is: what it asks, what it may take, and what is made of its result. Pure."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nova.local.clip import ClipFacts
from nova.local.picture import PictureFacts
from nova.types.rows import rows
from nova.types.schemas import Schema
from nova.types.views import ResultPassage, RowsView, View

Result = Mapping[str, Any]

VIDEO, AUDIO, IMAGE = "video", "audio", "image"

DEPTHS = ("brief", "standard", "detailed")
#: The longest answer of a type of the user's own, in tokens.
OWN_TOKENS = 4000
#: And a usual one.
OWN_USUAL_TOKENS = 500


def no_passages(result: Result) -> list[ResultPassage]:
    """Nothing of it is searched."""
    return []


def as_rows(result: Result) -> View:
    """Shown value by value."""
    return RowsView(list(rows(result)))


@dataclass(frozen=True)
class TypeSpec:
    """An analysis type. Those of the user's own have the first three members; the rest has its defaults.

    `wordings` (added to the instructions), `longest_tokens` and `usual_tokens` (of an answer) are by depth.
    `make_locally` gives what the free local model makes of a clip; None: it can make nothing of this type.
    `picture` is the same type as it is asked of a picture, where that is asked otherwise than of a clip.
    """

    name: str
    instructions: str
    schema: Schema
    wordings: Mapping[str, str] = field(default_factory=dict)
    longest_tokens: Mapping[str, int] = field(default_factory=dict)
    usual_tokens: Mapping[str, int] = field(default_factory=dict)
    make_locally: Callable[[ClipFacts, str], dict[str, Any]] | None = None
    passages: Callable[[Result], Sequence[ResultPassage]] = no_passages
    view: Callable[[Result], View] = as_rows
    label: str = ""
    media: Sequence[str] = (VIDEO, AUDIO, IMAGE)
    picture: "TypeSpec | None" = None
    describe_locally: Callable[[PictureFacts, str], dict[str, Any]] | None = None

    def for_medium(self, medium: str) -> "TypeSpec | None":
        """The type as it is asked of this medium; None where it is not for it."""
        if medium not in self.media:
            return None
        return self.picture if medium == IMAGE and self.picture else self

    def is_local(self, medium: str) -> bool:
        """Whether the free local model can make something of this type."""
        spec = self.for_medium(medium)
        return spec is not None and (spec.describe_locally if medium == IMAGE else spec.make_locally) is not None

    def asks(self, depth: str) -> str:
        return " ".join(part for part in (self.instructions, self.wordings.get(depth, "")) if part)

    def for_depth(self, depth: str) -> dict[str, Any]:
        """The schema of a result of this depth."""
        schema = copy.deepcopy(dict(self.schema))
        chosen = schema.get("properties", {}).get("depth", {})
        if depth in chosen.get("enum", ()):
            chosen["const"] = depth
        return schema

    def max_tokens(self, depth: str) -> int:
        """The longest answer that is asked for."""
        return self.longest_tokens.get(depth, OWN_TOKENS)

    def usual_tokens_of(self, depth: str) -> int:
        """How long an answer usually is."""
        return self.usual_tokens.get(depth, OWN_USUAL_TOKENS)


def stored_schemas(specs: Sequence[TypeSpec], depth: str) -> dict[str, dict[str, Any]]:
    """The schema of each type's result, by name: what `replies.parse_reply` is given."""
    return {spec.name: spec.for_depth(depth) for spec in specs}
