"""How long the steps of this library will take, in words, at the pace of this machine's own finished jobs."""

from collections.abc import Iterable

from files.selection import facets
from files.selection.pace import expected_s
from novaproject.templatetags import human


def in_words(steps: Iterable[tuple[facets.Action, float]]) -> str:
    """`make proxies about 2 h, transcribe about 5 h` for actions and the bytes of the files that they are for.

    Steps of which nothing is known yet are left out; empty where that is all of them.
    """
    expected = [(action.label, expected_s(action.job_kind, size_bytes)) for action, size_bytes in steps]
    return ", ".join(
        f"{label[:1].lower()}{label[1:]} about {human.hours(seconds)}" for label, seconds in expected if seconds
    )
