"""Who holds a lease: a process, known by host, id and start time, because ids are used again.

A host is known by its machine's id, and by the space of process ids that it sees: two containers may have one name and
lie on one machine, and yet what is a living process to one is nothing to the other.

On Linux its start is told from the machine's, and the machine's by an id: a clock that is put right moves neither.
"""

import hashlib
import os
import socket
import sys
from functools import cache
from pathlib import Path

import psutil

#: Start times come from the boot time and clock ticks; two readings of one process may differ a little.
START_TOLERANCE_S = 2.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Made once, when a system is set up; the second where the first is not.
MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
PROCESS_IDS = Path("/proc/self/ns/pid")


@cache
def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


@cache
def host_id() -> str:
    """What tells this host from all others: its name, for people, and a short digest of what it is."""
    machine = next((path.read_text().strip() for path in MACHINE_IDS if path.is_file()), "")
    process_ids = PROCESS_IDS.readlink() if PROCESS_IDS.is_symlink() else ""
    told = f"{host()}|{machine}|{process_ids}"
    return f"{host()}-{hashlib.blake2b(told.encode(), digest_size=4).hexdigest()}"


@cache
def _boot() -> str:
    """The same until the machine starts anew; empty where it does not say."""
    try:
        return BOOT_ID.read_text().strip()[:8]
    except OSError:
        return ""


def _start_s(process: psutil.Process) -> float:
    """When it started, on a clock that nobody sets."""
    started = process.create_time()
    return started - psutil.boot_time() if sys.platform == "linux" else started


def name_of(pid: int) -> str:
    """`host:pid:start time@boot` of a running process. Raises psutil.NoSuchProcess."""
    return f"{host_id()}:{pid}:{_start_s(psutil.Process(pid)):.2f}@{_boot()}"


@cache
def _name_of_process(pid: int) -> str:
    return name_of(pid)


def me() -> str:
    """The name of this process; a forked child gets its own."""
    return _name_of_process(os.getpid())


def pid_here(owner: str) -> int | None:
    """The process id in a name, if it is of this machine."""
    named, _, rest = owner.rpartition(":")[0].rpartition(":")
    return int(rest) if named == host_id() and rest.isdigit() else None


def is_dead_here(owner: str) -> bool:
    """Whether this owner was a process of this machine and is gone. Owners elsewhere are never called dead."""
    pid = pid_here(owner)
    if pid is None:
        return False
    started, _, boot = owner.rpartition(":")[2].partition("@")
    try:
        process = psutil.Process(pid)
        if boot != _boot() or abs(_start_s(process) - float(started)) > START_TOLERANCE_S:
            return True
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
