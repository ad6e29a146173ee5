"""Decoding what may be a bomb, in a helper process with limits.

A picture of 0.7 MB can ask for 2 GB, and what crashes a decoder takes the helper along, not the worker or the web
server. A helper has no network where the system can deny it. Whoever opens what strangers made does it here.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from files.errors import UnreadableError
from files.media import pictures
from files.media.info import MediaInfo
from files.media.probe import probe
from files.storage.naming import shown

#: A photo of 200 million pixels needs 1.3 GB on its way to a poster.
HELPER_BYTES = 2 * 1024**3
#: Sleeping drives wake up in ten seconds, and the largest pictures are decoded in twenty.
PATIENCE_S = 180.0
PROJECT = Path(__file__).resolve().parents[2]
#: What a helper does when it is asked, by name.
TASKS: dict[str, Callable[..., Any]] = {
    "poster_of_image": pictures.poster_of_image,
    "poster_of_cover": pictures.poster_of_cover,
    "probe": probe,
}


class Helper:
    """One helper process. Used by one thread at a time."""

    def __init__(self, memory_bytes: int = HELPER_BYTES) -> None:
        its_asked, self._asked = Pipe(duplex=False)
        self._answers, its_answers = Pipe(duplex=False)
        ends = (its_asked.fileno(), its_answers.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "files.media.decoding_server", *map(str, (*ends, os.getpid(), memory_bytes))],
            cwd=PROJECT,
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        its_asked.close()
        its_answers.close()

    def __enter__(self) -> "Helper":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def do(self, task: str, path: Path, **options: Any) -> Any:
        """Do one of the `TASKS`. Raises what that raises, and UnreadableError where the helper ends over it."""
        try:
            self._asked.send((task, path, options))
            if self._answers.poll(PATIENCE_S):
                is_done, answer = self._answers.recv()
                if is_done:
                    return answer
                raise answer
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass
        self.end()
        raise UnreadableError(
            f"{shown(path.name)} is damaged: the program that reads it crashes over it, needs too much memory, or does "
            "not come to an end."
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it, and close the pipes to it."""
        self._process.kill()
        self._process.wait()
        self._asked.close()
        self._answers.close()


_own = threading.local()
#: Those of all threads, ended with the process; a forked worker has none of its parent's.
_started: list[Helper] = []


@atexit.register
def _end_helpers() -> None:
    for helper in _started:
        helper.end()


os.register_at_fork(after_in_child=_started.clear)


def _helper() -> Helper:
    """The helper of this thread of a worker; it ends with the worker."""
    helper: Helper | None = getattr(_own, "helper", None)
    if helper is None or not helper.is_alive or _own.pid != os.getpid():
        helper = _own.helper = Helper()
        _own.pid = os.getpid()
        _started.append(helper)
    return helper


def poster_of_image(path: Path) -> pictures.Poster:
    """`pictures.poster_of_image` in the helper."""
    poster: pictures.Poster = _helper().do("poster_of_image", path)
    return poster


def poster_of_cover(path: Path) -> bytes | None:
    """`pictures.poster_of_cover` in the helper."""
    poster: bytes | None = _helper().do("poster_of_cover", path)
    return poster


def media_info(path: Path) -> MediaInfo:
    """`probe.probe` in the helper."""
    info: MediaInfo = _helper().do("probe", path)
    return info


def media_info_once(path: Path) -> MediaInfo:
    """`probe.probe` in a helper that ends at once: for the web server, which keeps none."""
    with Helper() as helper:
        info: MediaInfo = helper.do("probe", path)
    return info


def small_picture_once(path: Path, *, most_pixels: int) -> bytes:
    """The JPEG of `pictures.poster_of_image`, by a helper that ends at once: for the web server, which keeps none."""
    with Helper() as helper:
        poster: pictures.Poster = helper.do("poster_of_image", path, most_pixels=most_pixels)
    return poster.content


def serve(asked: Connection, answers: Connection) -> None:
    """The helper's side: do what is asked until the other side is gone."""
    try:
        while True:
            task, path, options = asked.recv()
            try:
                answers.send((True, TASKS[task](path, **options)))
            except MemoryError:
                answers.send((False, UnreadableError(f"{shown(path.name)} needs too much memory to be read.")))
            except Exception as error:  # noqa: BLE001  (it is raised again on the other side)
                answers.send((False, error))
    except (EOFError, BrokenPipeError):
        return
