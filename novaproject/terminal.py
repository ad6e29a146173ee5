"""Progress of a command on a terminal."""

import time

from django.core.management.base import OutputWrapper

EVERY_S = 0.2


class TerminalProgress:
    """One line that is written over, on a terminal only: scripts see nothing of it."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._shows = bool(out.isatty())
        self._next_at = 0.0
        self._started_at = time.monotonic()

    def update(self, fraction: float, message: str = "") -> None:
        now = time.monotonic()
        if not self._shows or (now < self._next_at and fraction < 1):
            return
        self._next_at = now + EVERY_S
        self._out.write(f"\r\x1b[K{fraction:4.0%}  {self._remaining(fraction, now)}  {message[:60]}", ending="")

    def check(self) -> None:
        return None

    def _remaining(self, fraction: float, now: float) -> str:
        if not 0.02 < fraction < 1:
            return ""
        seconds = (now - self._started_at) * (1 - fraction) / fraction
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
