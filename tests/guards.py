"""Watches over every test: nothing of ours writes under a library root, and none leaves the next another database."""

import os
import sys
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.signals import post_save

from files.models import Root

_OURS = tuple(
    f"{settings.BASE_DIR}{os.sep}{app}{os.sep}"
    for app in ("novaproject", "embeddings", "nova", "transcription", "bedrock", "files", "jobs")
)
_TESTS = f"{settings.BASE_DIR}{os.sep}tests{os.sep}"
#: Audit events that change a path, and which of their arguments are paths.
_CHANGES = {
    "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.mkdir": (0,), "os.link": (1,), "os.symlink": (1,),
    "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,), "os.setxattr": (0,),
    "shutil.rmtree": (0,), "shutil.move": (0, 1), "shutil.copyfile": (1,), "shutil.unpack_archive": (1,),
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_roots: set[str] = set()
_violations: list[str] = []


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if not _roots:
        return
    if event == "open":
        paths = (args[0],) if isinstance(args[2], int) and args[2] & _WRITING else ()
    else:
        paths = tuple(args[at] for at in _CHANGES.get(event, ()))
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike) and _is_in_root(os.fsdecode(path)) and _is_ours():
            _violations.append(f"{event} {os.fsdecode(path)}")
            raise PermissionError(f"{event} under a library root: {path!r}")


def _is_in_root(path: str) -> bool:
    whole = os.path.abspath(path)  # noqa: PTH100  (Path.resolve() would raise audit events itself)
    return any(whole == root or whole.startswith(root + os.sep) for root in _roots)


def _is_ours() -> bool:
    """Whether code of the project asked for it; tests may do with their originals what they like."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_TESTS) and frame.f_code.co_filename != __file__:
            return False
        if frame.f_code.co_filename.startswith(_OURS):
            return True
        frame = frame.f_back
    return False


sys.addaudithook(_watch)


def _remember(sender: type[Root], instance: Root, **_kwargs: Any) -> None:
    if not instance.is_uploads:
        _roots.add(os.path.abspath(instance.local_path))  # noqa: PTH100


@pytest.fixture(autouse=True)
def no_writes_under_roots() -> Iterator[None]:
    """Fail a test in which code of ours changed something under a root, even if it swallowed the refusal."""
    post_save.connect(_remember, sender=Root, dispatch_uid="tests.guards")
    yield
    post_save.disconnect(sender=Root, dispatch_uid="tests.guards")
    seen = list(_violations)
    _roots.clear()
    _violations.clear()
    assert not seen, f"wrote under a library root: {seen}"


_BEFORE_THE_FIRST = connection.settings_dict["NAME"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """Fail a test that leaves the ones after it in another database: they would be red or green by chance.

    Not a fixture, because what counts is what stands when all fixtures are torn down.
    """
    yield
    left, ours = connection.settings_dict["NAME"], connection.settings_dict["TEST"]["NAME"]
    if left not in {_BEFORE_THE_FIRST, ours}:
        connection.close()
        connection.settings_dict["NAME"] = ours
        pytest.fail(f"this test left the ones after it in {left}")
