"""Children that end with their parent, and process groups that end together, so that no kill leaves anything behind.

Dying with one's parent is Linux's; elsewhere the watch loops must do.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from jobs import no_network

PR_SET_PDEATHSIG = 1
#: Loaded before any fork: between fork and exec a child must not take locks of the loader.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_forking_pid = 0


def dying_with_parent(
    number: int = signal.SIGKILL, *, memory_bytes: int = 0, is_offline: bool = False
) -> Callable[[], None] | None:
    """A `preexec_fn` for `Popen`: the child gets this signal when the thread that starts it ends, by `kill -9` too.

    With `memory_bytes` it may not use more than that, or than three quarters of the machine; with `is_offline` it has
    no network, where the system can deny it.
    """
    if _libc is None:
        return None
    most = _within_machine(memory_bytes) if memory_bytes else 0

    def prepare() -> None:
        _tie_to_parent(number)
        if most:
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        if is_offline:
            no_network.deny()

    return prepare


def limit_memory(memory_bytes: int) -> None:
    """From now on this process may not use more than that, or than three quarters of the machine. Linux only."""
    if sys.platform == "linux":
        most = _within_machine(memory_bytes)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _within_machine(memory_bytes: int) -> int:
    return min(memory_bytes, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4)


def die_with(parent_pid: int) -> None:
    """From now on, this process is killed when its parent dies; at once if it is dead already."""
    _tie_to_parent(signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def tie_forks() -> None:
    """Let every process that Python forks from this one, and theirs, die with its parent."""

    def remember() -> None:
        global _forking_pid  # noqa: PLW0603  (handed from the fork's `before` to its child)
        _forking_pid = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: die_with(_forking_pid))


def signal_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to all processes of the group that this one leads; nothing if none is left."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _tie_to_parent(number: int) -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, number)
