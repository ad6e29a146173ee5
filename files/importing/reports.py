"""What an import or a scan did, for people and for scripts. Pure."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ProblemLine:
    """Something that could not be taken in, and what to do."""

    path: str
    reason: str
    remedy: str


@dataclass(kw_only=True)
class ImportReport:
    """Counts of files; `found` is what was listed."""

    path: str
    root_id: int | None = None
    dry_run: bool = False
    found: int = 0
    imported: int = 0
    unchanged: int = 0
    changed: int = 0
    moved: int = 0
    back: int = 0
    missing: int = 0
    waiting: int = 0
    removed: int = 0
    other: int = 0
    hidden: int = 0
    left_out: int = 0
    duplicates: int = 0
    took_s: float = 0.0
    problems: list[ProblemLine] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return bool(self.problems)

    def count(self, happened: Mapping[str, int]) -> None:
        """Add to these counts, by their names."""
        for name, count in happened.items():
            setattr(self, name, getattr(self, name) + count)

    def add(self, other: "ImportReport") -> None:
        """Take in the counts of a part, such as a root that lies in this folder."""
        self.count({name: getattr(other, name) for name in COUNTS})
        self.problems += other.problems

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "took_s": round(self.took_s, 2)}

    def summary(self) -> str:
        """One line: what happened, in words, without the zeros."""
        words = {
            "imported": "would be imported" if self.dry_run else "imported",
            "changed": "changed",
            "moved": "moved",
            "back": "back",
            "unchanged": "unchanged",
            "missing": "missing",
            "waiting": "still being copied",
            "removed": "removed earlier, left out",
            "left_out": "left out (bins, snapshots and low copies of other machines)",
        }
        parts = [f"{getattr(self, name):,} {word}" for name, word in words.items() if getattr(self, name)]
        if self.problems:
            parts.append(f"{len(self.problems):,} could not be read")
        return ", ".join(parts) or "No media files found"


COUNTS = (
    "found", "imported", "unchanged", "changed", "moved", "back", "missing", "waiting", "removed", "other", "hidden",
    "left_out",    "duplicates", "took_s",
)  # fmt: skip


class Pace:
    """How far a count is, how fast it goes, and when it ends."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.started = max(1, total), 0, time.monotonic()

    def step(self) -> None:
        self.done += 1

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total)

    def message(self) -> str:
        """`1,200 of 14,000 files · 210/s · about 1 min left`"""
        took = max(1e-6, time.monotonic() - self.started)
        rate = self.done / took
        left = (self.total - self.done) / rate if rate else 0
        words = [f"{self.done:,} of {self.total:,} files", f"{rate:,.0f}/s" if rate >= 1 else f"{rate:.2f}/s"]
        return " · ".join([*words, about(left)] if self.done < self.total else words)


def about(seconds: float) -> str:
    """A rough time left, as a person would say it."""
    if seconds < 60:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"
