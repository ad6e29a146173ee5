"""A process that reads strangers' bytes needs no network: it and its children are kept from it, where Linux can.

A seccomp filter refuses every socket but those of this machine alone (graphics drivers use them). It needs no rights,
cannot be taken back, and lasts over `exec`. https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
#: Of each machine: its name in the kernel's audits, and its number of the call `socket`.
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
#: It could open sockets without the call `socket`; its number is the same on both.
IO_URING_SETUP = 425
#: From here on x86 counts its calls a second time, for 32-bit pointers.
X32 = 0x40000000
AF_UNIX, AF_NETLINK = 1, 16
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
PROJECT = Path(__file__).resolve().parents[1]
_TRIAL = "import socket; from jobs import no_network; no_network.deny(); socket.socket(socket.AF_INET)"


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _instructions(machine: int, socket_call: int) -> bytes:
    """The filter: each line is operation, steps on if true, steps on if false, operand."""
    lines = (
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 0, 7, machine),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_EQUAL, 5, 0, IO_URING_SETUP),
        (_IF_AT_LEAST, 4, 0, X32),
        (_IF_EQUAL, 0, 4, socket_call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 2, 0, AF_UNIX),
        (_IF_EQUAL, 1, 0, AF_NETLINK),
        (_RETURN, 0, 0, REFUSE),
        (_RETURN, 0, 0, ALLOW),
    )
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _program() -> _Program | None:
    if sys.platform != "linux" or os.uname().machine not in MACHINES:
        return None
    instructions = _instructions(*MACHINES[os.uname().machine])
    return _Program(len(instructions) // 8, instructions)


#: Made before any fork: between fork and exec a child must not take locks of the loader or of memory.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_prepared = _program()
_reference = ctypes.byref(_prepared) if _prepared is not None else None


def deny() -> bool:
    """From now on this process and its children open no connection; False where the system cannot do that."""
    if _libc is None or _reference is None:
        return False
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return int(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, _reference, 0, 0)) == 0


@cache
def is_deniable() -> bool:
    """Whether that works on this machine, found out by a child that tries to open a connection."""
    tried = subprocess.run(
        [sys.executable, "-c", _TRIAL], cwd=PROJECT, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    return b"PermissionError" in tried.stderr
