"""The handle that verbs report through."""

from typing import Protocol


class Progress(Protocol):
    """Where work says how far it is, and learns that it should stop."""

    def update(self, fraction: float, message: str = "") -> None:
        """Report `fraction` (0 to 1). Cheap: written about once a second. Raises Cancelled."""

    def check(self) -> None:
        """Raise Cancelled if somebody asked to stop."""


class _NoProgress:
    """For calls that nobody watches."""

    def update(self, fraction: float, message: str = "") -> None:
        return None

    def check(self) -> None:
        return None


NO_PROGRESS: Progress = _NoProgress()
