"""Timing of several ways in one run, question by question in turn, so that what else runs here touches all alike."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Timing:
    """Seconds of many calls."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    @property
    def p95_ms(self) -> float:
        return float(np.percentile(self.seconds, 95)) * 1000

    @contextmanager
    def one(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - began)


def alternate(calls: dict[str, Callable[[int], Any]], *, queries: int, rounds: int) -> dict[str, Timing]:
    """Time each way on each query, one after the other, several rounds; the first round warms up."""
    timings = {name: Timing() for name in calls}
    for turn in range(rounds + 1):
        for query in range(queries):
            for name, call in calls.items():
                timing = timings[name] if turn else Timing()
                with timing.one():
                    call(query)
    return timings
