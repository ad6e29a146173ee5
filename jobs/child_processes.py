"""Dying with one's parent, so that a kill -9 leaves nothing behind. Linux only; elsewhere the watch loops must do."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
_forking_pid = 0


def die_with(parent_pid: int) -> None:
    """From now on, this process is killed when its parent dies; at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def tie_forks() -> None:
    """Let every process that Python forks from this one, and theirs, die with its parent."""
    os.register_at_fork(before=_remember, after_in_child=_die_with_forker)


def _remember() -> None:
    global _forking_pid  # noqa: PLW0603  (handed from the fork's `before` to its child)
    _forking_pid = os.getpid()


def _die_with_forker() -> None:
    die_with(_forking_pid)
