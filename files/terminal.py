"""Progress for a person at a terminal; silent where there is none."""

import sys
import time
from typing import TextIO

EVERY_S = 0.2
BAR_WIDTH = 24
#: Before that a forecast would be noise.
FORECAST_FROM = 0.02


class TerminalProgress:
    """One line that is written over: bar, per cent, message. Implements `jobs.progress.Progress`.

    With `forecasts` the time left is added, for work whose messages do not tell it.
    """

    def __init__(self, stream: TextIO | None = None, *, forecasts: bool = False) -> None:
        self.stream = stream or sys.stderr
        self.is_shown = self.stream.isatty()
        self.forecasts = forecasts
        self._last_s = 0.0
        self._last_fraction = 0.0
        self._started_s = time.monotonic()
        self._width = 0

    def update(self, fraction: float, message: str = "") -> None:
        now = time.monotonic()
        if fraction < self._last_fraction:  # another piece of work began
            self._started_s = now
        self._last_fraction = fraction
        if not self.is_shown or (now - self._last_s < EVERY_S and fraction < 1):
            return
        self._last_s = now
        full = round(BAR_WIDTH * fraction)
        left = ""
        if self.forecasts and FORECAST_FROM < fraction < 1:
            left_s = (now - self._started_s) * (1 - fraction) / fraction
            left = f", about {left_s / 60:.0f} min left" if left_s > 90 else f", about {left_s:.0f} s left"
        line = f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {fraction:4.0%} {message}{left}"
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
