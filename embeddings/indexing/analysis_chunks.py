"""Results of analyses as chunks that should exist: what each analysis type says of its result. Pure."""

from collections.abc import Mapping
from typing import Any

from embeddings.indexing.chunks import Draft, from_text
from nova.types.built_in import BUILT_IN


def drafts_of(type_name: str, result: Mapping[str, Any], *, source_id: int) -> list[Draft]:
    """The chunks of one result of this analysis type; none for a type that has no words to find."""
    spec = BUILT_IN.get(type_name)
    drafts: list[Draft] = []
    for passage in spec.passages(result) if spec else ():
        drafts += from_text(
            passage.text,
            kind=passage.kind,
            source_id=source_id,
            start_s=passage.start_s,
            end_s=passage.end_s,
            first=len(drafts),
        )
    return [draft for draft in drafts if draft.text]
