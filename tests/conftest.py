"""Fixtures that more than one app's tests use."""

from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings

from tests import media
from tests.flushing import django_db_setup
from tests.guards import no_writes_under_roots, pytest_runtest_teardown

__all__ = ["django_db_setup", "no_writes_under_roots", "pytest_runtest_teardown"]

# A busy machine is slow now and then, which is no finding; nothing is left in the checkout.
hypothesis_settings.register_profile("novaproject", deadline=None, database=None)
hypothesis_settings.load_profile("novaproject")

pytest_plugins = ["tests.standin.fixtures"]

#: The engine that this run is on: its marker's name.
ENGINE = "sqlite" if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else "postgres"
#: What mostly waits: for real processes to start, to die and to be replaced.
WAITING = ("jobs/test_chaos", "jobs/test_supervisor", "nova/test_chaos", "novaproject/test_serving")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits goes first, after the shuffle: the other workers have the processors meanwhile, and none is left alone
    with it at the end. What is about the other database engine is skipped."""
    for item in items:
        for engine in {"sqlite", "postgres"} - {ENGINE}:
            if marker := item.get_closest_marker(engine):
                item.add_marker(pytest.mark.skip(reason=f"{engine} alone: {marker.args[0]}"))
    items.sort(key=lambda item: not item.nodeid.removeprefix("tests/").startswith(WAITING))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our folders (data, uploads, proxies) in a place of the test's own; returns that place."""
    places = ("DATA_DIR", "data"), ("HOST_DIR", "data"), ("UPLOAD_DIR", "uploads"), ("PROXY_DIR", "proxy_video")
    for name, folder in places:
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.setattr(settings, name, tmp_path / folder)
    (tmp_path / "uploads" / ".incoming").mkdir()
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", str(tmp_path / "uploads" / ".incoming"))
    return tmp_path


@pytest.fixture(params=sorted(media.every_ffmpeg()))
def whichever_ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs over every ffmpeg of this machine: what comes out is the same."""
    monkeypatch.setattr(settings, "FFMPEG_PATH", media.every_ffmpeg()[request.param])
