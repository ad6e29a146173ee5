"""Kinds of work that only the tests know."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jobs import registry
from jobs.work import Work


def do_nothing(work: Work) -> str | None:
    return None


@contextmanager
def registered(name: str = "count_sheep", run: Callable[[Work], str | None] = do_nothing, **more: Any) -> Iterator[str]:
    """A kind that exists for this long."""
    wanted: dict[str, Any] = {"queue": "fast", "subject_kind": "sheep", "permission": "jobs.change_job"} | more
    registry.register(registry.Kind(name=name, label=name.replace("_", " ").capitalize(), run=run, **wanted))
    try:
        yield name
    finally:
        registry.unregister(name)
