"""What a format of export is given. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nova.types.built_in import BUILT_IN
from nova.types.views import Stretch, StretchesView

#: For files that name no frame rate: an editor needs one.
USUAL_RATE = 25.0


@dataclass(frozen=True, kw_only=True)
class ExportSource:
    """The current results of one file by type, who made each, and what an editing program asks of the file."""

    name: str
    results: Mapping[str, Mapping[str, Any]]
    made_by: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    duration_s: float | None = None
    frame_rate: float = USUAL_RATE
    media_url: str = ""

    @property
    def stretches(self) -> Sequence[Stretch]:
        """The stretches of the first type that divides the clip; none where no result does."""
        for spec in BUILT_IN.values():
            view = spec.view(self.results[spec.name]) if spec.name in self.results else None
            if isinstance(view, StretchesView):
                return view.stretches
        return []
