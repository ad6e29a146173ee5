"""What a kind's `run` is given, and how it says that the work goes on elsewhere."""

from dataclasses import dataclass, field
from typing import Any

from jobs.progress import NO_PROGRESS, Progress


class Parked(str):
    """A message that means: not done, something else will end this job."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Work:
    """One attempt at one job."""

    job_id: int
    attempt: int
    subject_id: int | None
    options: dict[str, Any] = field(default_factory=dict)
    progress: Progress = NO_PROGRESS

    def park(self, message: str) -> Parked:
        """Return this from `run`: the job stays running without a lease until `finish_parked` ends it."""
        return Parked(message)

    @property
    def subject(self) -> int:
        """The subject's id, for kinds that always have one."""
        if self.subject_id is None:
            raise ValueError(f"Job {self.job_id} has no subject.")
        return self.subject_id
