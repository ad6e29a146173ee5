"""Progress for a person at a terminal; silent where there is none."""

import sys
import time
from typing import TextIO

EVERY_S = 0.2
BAR_WIDTH = 24


class TerminalProgress:
    """One line that is written over: bar, per cent, message. Implements `jobs.progress.Progress`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.is_shown = self.stream.isatty()
        self._last_s = 0.0
        self._width = 0

    def update(self, fraction: float, message: str = "") -> None:
        now = time.monotonic()
        if not self.is_shown or (now - self._last_s < EVERY_S and fraction < 1):
            return
        self._last_s = now
        full = round(BAR_WIDTH * fraction)
        line = f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {fraction:4.0%} {message}"
        self.stream.write("\r" + line.ljust(self._width))
        self.stream.flush()
        self._width = len(line)

    def check(self) -> None:
        return None

    def close(self) -> None:
        """Leave the line."""
        if self.is_shown and self._width:
            self.stream.write("\r" + " " * self._width + "\r")
            self.stream.flush()
