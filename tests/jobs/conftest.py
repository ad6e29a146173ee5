"""Fixtures for the tests of jobs."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User

from jobs.errors import WorkError
from jobs.work import Work
from tests.jobs.kinds import registered


@pytest.fixture
def kind() -> Iterator[str]:
    """A kind whose work does nothing."""
    with registered() as name:
        yield name


@pytest.fixture
def boss(db: None) -> User:
    """Somebody who may do everything."""
    return User.objects.create_superuser("boss")


@pytest.fixture
def viewer(db: None) -> User:
    """Somebody who may look at jobs and change none."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="jobs", codename__startswith="view_"))
    return user


def failing(work: Work) -> None:
    raise WorkError("It broke.", remedy="Mend it.")


@pytest.fixture
def broken() -> Iterator[str]:
    """A kind whose work fails for good."""
    with registered("shear", failing) as name:
        yield name
