"""Fixtures for the tests of jobs."""

from collections.abc import Iterator

import pytest

from tests.jobs.kinds import registered


@pytest.fixture
def kind() -> Iterator[str]:
    """A kind whose work does nothing."""
    with registered() as name:
        yield name
