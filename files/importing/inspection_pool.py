"""Looking into many files at once, in processes of their own.

Python runs one thread at a time between the short calls of an inspection: eight threads were slower than one, four
processes four times as fast (measured). And a file that crashes a decoder takes a helper along, not the import.
"""

import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType

from files.errors import UnreadableError
from files.importing.inspection import Inspection, inspect_file
from files.importing.listing import ListedFile
from files.media import decoding
from files.storage.paths import shown_path

logger = logging.getLogger(__name__)
#: Files that a helper is asked about at once: each answer has to wait for its turn in this process.
TOGETHER = 20
#: So many answers are asked for ahead of what is taken in, so that no helper waits while rows are written.
AHEAD = 10
#: For fewer files than this, starting several helpers (0.3 s each) is not worth it: the one of this thread will do.
FEW = 50
#: Sleeping drives wake up in ten seconds; a file that takes so much longer hangs its reader.
PATIENCE_S = 120.0
PROJECT = Path(__file__).resolve().parents[2]


class HelperGoneError(Exception):
    """A helper ended, or was ended, before it answered."""


class InspectionPool:
    """Helpers, each driven by a thread of this process."""

    def __init__(self, workers: int, *, few: int = FEW) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="look")
        self._own = threading.local()
        self._helpers: set[_Helper] = set()
        self._is_closing = False
        self._few = few if hasattr(os, "fork") else sys.maxsize

    def __enter__(self) -> "InspectionPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        self._end_helpers()
        self._threads.shutdown(cancel_futures=True)
        self._end_helpers()  # one may have been started meanwhile

    def _end_helpers(self) -> None:
        for helper in list(self._helpers):
            helper.end()

    def inspect_all(self, root: Path, entries: Sequence[ListedFile]) -> Iterator[Inspection]:
        """Inspect these files; answers come in their order."""

        if len(entries) < self._few:
            yield from (inspect_file(root, entry, look=decoding.media_info) for entry in entries)
            return
        ahead: deque[Future[list[Inspection]]] = deque()
        for start in range(0, len(entries), TOGETHER):
            ahead.append(self._threads.submit(self._inspect, root, entries[start : start + TOGETHER]))
            if len(ahead) >= AHEAD:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()

    def _inspect(self, root: Path, entries: Sequence[ListedFile]) -> list[Inspection]:
        """In the helper of this thread; where it ends over these files, in another one, file by file."""
        done: list[Inspection] = []
        waiting = deque([list(entries)])
        while waiting:
            together = waiting.popleft()
            helper = self._own_helper()
            try:
                done += helper.inspect(root, together)
            except HelperGoneError:
                self._drop(helper)
                if len(together) > 1:
                    waiting.extend([entry] for entry in together)
                    continue
                name = shown_path(Path(together[0].path).name)
                logger.warning("A helper ended over %s", name)
                reason = f"{name} is damaged: the program that reads it crashes over it, or does not come to an end."
                done.append(Inspection(entry=together[0], error=UnreadableError(reason)))
        return done

    def _own_helper(self) -> "_Helper":
        helper: _Helper | None = getattr(self._own, "helper", None)
        if helper is None and not self._is_closing:
            helper = self._own.helper = _Helper()
            self._helpers.add(helper)
        if helper is None or self._is_closing:
            raise RuntimeError("The pool was closed.")
        return helper

    def _drop(self, helper: "_Helper") -> None:
        self._own.helper = None
        self._helpers.discard(helper)
        helper.end()


class _Helper:
    """One process of `inspection_server`, and the pipes to it."""

    def __init__(self) -> None:
        its_asked, self._asked = Pipe(duplex=False)
        self._answers, its_answers = Pipe(duplex=False)
        ends = (its_asked.fileno(), its_answers.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "files.importing.inspection_server", *map(str, ends), str(os.getpid())],
            cwd=PROJECT,
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        its_asked.close()
        its_answers.close()

    def inspect(self, root: Path, entries: Sequence[ListedFile]) -> list[Inspection]:
        try:
            self._asked.send((root, entries))
            if self._answers.poll(PATIENCE_S):
                inspections: list[Inspection] = self._answers.recv()
                return inspections
        except (EOFError, OSError) as error:
            raise HelperGoneError from error
        raise HelperGoneError

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
