"""What a person chooses for an analysis, as it is kept on its row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from nova.models import NovaJob


#: What may be left out of a paid analysis, by what is known for free.
SAME, STILL = "same", "still"
SKIPPED = {
    SAME: "What shows the same as another file here, or as one that Nova saw",
    STILL: "Videos in which nothing changes",
}


@dataclass(frozen=True, kw_only=True)
class AnalysisRequest:
    """Model key, analysis types, mode, and what goes into the prompt. `again` > 0 asks anew what was answered."""

    model: str
    types: tuple[str, ...]
    mode: str = "realtime"
    language: str = "auto"
    depth: str = "standard"
    again: int = 0

    @classmethod
    def of(cls, nova_job: "NovaJob") -> Self:
        options = nova_job.options
        return cls(
            model=nova_job.model,
            types=tuple(nova_job.analysis_types),
            mode=nova_job.mode,
            language=str(options.get("language", "auto")),
            depth=str(options.get("summary_depth", "standard")),
            again=int(options.get("again", 0)),
        )

    def as_options(self) -> dict[str, Any]:
        """The part that is kept in `NovaJob.options`."""
        options: dict[str, Any] = {"summary_depth": self.depth, "language": self.language}
        return options | ({"again": self.again} if self.again else {})

    def in_key(self) -> list[Any]:
        """The part that makes another question of it."""
        return [self.language, self.depth, self.again]
