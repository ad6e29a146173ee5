"""What `manage.py work` runs now and then: polling, looking for drives that came back."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection

from jobs.workers import election

logger = logging.getLogger(__name__)


@dataclass
class PeriodicTask:
    """One thing that is done every so often, never twice at once."""

    name: str
    every_s: Callable[[], float]
    run: Callable[[], object]
    #: Each host does it for itself; else one host does it for all.
    on_each_host: bool = False
    last_started: float | None = None
    thread: threading.Thread | None = field(default=None, repr=False)

    def is_due(self, now: float) -> bool:
        if self.thread is not None and self.thread.is_alive():
            return False
        return self.last_started is None or now - self.last_started >= self.every_s()

    def run_safely(self) -> None:
        """Run it; whatever goes wrong is logged, and it is tried again the next time."""
        try:
            self.run()
        except Exception:
            logger.exception("The tick %s failed; it is tried again in %g s", self.name, self.every_s())

    def start(self, now: float) -> None:
        """Run it in a thread of its own: a drive or a network that hangs must not stop the supervisor."""
        self.last_started = now

        def run_and_close() -> None:
            try:
                self.run_safely()
            finally:
                connection.close()

        self.thread = threading.Thread(target=run_and_close, name=f"tick-{self.name}", daemon=True)
        self.thread.start()


_ticks: dict[str, PeriodicTask] = {}


def register_tick(
    name: str, every_s: Callable[[], float], run: Callable[[], object], *, on_each_host: bool = False
) -> None:
    if name in _ticks:
        raise ValueError(f"The tick {name!r} is registered twice.")
    _ticks[name] = PeriodicTask(name, every_s, run, on_each_host)


def unregister_tick(name: str) -> None:
    """Take a tick out again (tests do)."""
    _ticks.pop(name, None)


def ticks() -> list[PeriodicTask]:
    return list(_ticks.values())


def start_due(now: float | None = None) -> int:
    """Start what is due; returns how many."""
    moment = time.monotonic() if now is None else now
    due = [tick for tick in _ticks.values() if tick.is_due(moment)]
    if not all(tick.on_each_host for tick in due) and not election.is_elected():
        due = [tick for tick in due if tick.on_each_host]
    for tick in due:
        tick.start(moment)
    return len(due)
