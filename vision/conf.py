"""The settings of `vision`, read here and nowhere else in this app."""

import os
from collections.abc import Iterable

from django.conf import settings

#: The steps of an import that need frames.
LOOKING_STEPS = ("see", "read")


def frame_seconds() -> float:
    """At most so long without a frame within a shot."""
    return float(settings.FRAME_SECONDS)


def threads() -> int:
    """Threads of one reader: the workers share the processors, and whoever watches a video needs one too."""
    return max(1, (os.cpu_count() or 2) // max(1, int(settings.LONG_WORKERS)))


def reads_on_import(steps_of_folder: Iterable[str] | None) -> bool:
    """Whether an import goes on to read text on screen: only where that is named."""
    return "read" in (settings.IMPORT_STEPS if steps_of_folder is None else steps_of_folder)


def chooses_on_import(steps_of_folder: Iterable[str] | None) -> bool:
    """Whether an import goes on to look: as its folder says, else as the settings do."""
    steps = settings.IMPORT_STEPS if steps_of_folder is None else steps_of_folder
    return any(step in steps for step in LOOKING_STEPS)
