"""Locks that hold on all hosts of a library: PostgreSQL's own; with SQLite, which one host has, a locked file."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection

from files import conf
from files.storage import disk


@contextmanager
def tried(name: str) -> Iterator[bool]:
    """Hold the lock of this name, unless somebody does already; says whether it is held.

    It falls with the process. The name may be that of a file.
    """
    if connection.vendor != "postgresql":
        handle = disk.try_lock(disk.make_dir(conf.folders().locks) / f"{name}.lock")
        if handle is None:
            yield False
        else:
            with handle:
                yield True
        return
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_held = bool(cursor.fetchone()[0])
    try:
        yield is_held
    finally:
        if is_held:
            with suppress(Error), connection.cursor() as cursor:  # where the session is gone, the lock is too
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
