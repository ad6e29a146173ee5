"""Who holds a lease: a process, known by host, id and start time, because ids are used again."""

import os
import socket
from functools import cache

import psutil

#: Start times come from the boot time and clock ticks; two readings of one process may differ a little.
START_TOLERANCE_S = 2.0


@cache
def _host() -> str:
    return socket.gethostname()


def name_of(pid: int) -> str:
    """`host:pid:start time` of a running process. Raises psutil.NoSuchProcess."""
    return f"{_host()}:{pid}:{psutil.Process(pid).create_time():.2f}"


@cache
def _name_of_process(pid: int) -> str:
    return name_of(pid)


def me() -> str:
    """The name of this process; a forked child gets its own."""
    return _name_of_process(os.getpid())


def pid_here(owner: str) -> int | None:
    """The process id in a name, if it is of this machine."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    return int(rest) if host == _host() and rest.isdigit() else None


def is_dead_here(owner: str) -> bool:
    """Whether this owner was a process of this machine and is gone. Owners elsewhere are never called dead."""
    pid = pid_here(owner)
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        started = float(owner.rpartition(":")[2])
        if abs(process.create_time() - started) > START_TOLERANCE_S:
            return True
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
