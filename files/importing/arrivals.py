"""What an import or a scan brought: the news that goes to whatever follows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from files.models import File


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Files on which work begins: new ones, ones with new content, and ones that were removed from the library.

    Beside them those that have another name or folder, on which nothing but what is known by name has to be done.
    """

    new: Sequence[File] = ()
    changed: Sequence[File] = ()
    back: Sequence[File] = ()
    moved: Sequence[File] = ()

    @property
    def files(self) -> list[File]:
        """On which all work begins."""
        return [*self.new, *self.changed, *self.back]


Arrived = Callable[[Arrivals], None]


def nobody_waits(arrivals: Arrivals) -> None:
    """For scans after which nothing goes on."""
