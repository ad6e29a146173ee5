"""Which of several hosts does what must be done once: the one whose supervisor holds a lock in PostgreSQL.

The lock is a session's: it falls with the process, or with its connection, and another host's supervisor takes it.
"""

from contextlib import suppress

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper

#: The lock's number, of our choice.
KEY = 5_700_001
_session: BaseDatabaseWrapper | None = None


def is_elected() -> bool:
    """Whether this host does it now. With SQLite there is no other."""
    global _session  # noqa: PLW0603  (one session a process: the lock is held by its life)
    if connection.vendor != "postgresql":
        return True
    session = _session or connection.copy()
    try:
        with session.cursor() as cursor:
            if _session is not None:
                cursor.execute("SELECT 1")  # while the session lives, it has the lock
                return True
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [KEY])
            if cursor.fetchone()[0]:
                _session = session
                return True
    except Error:
        _session = None
    with suppress(Error):
        session.close()
    return False


def resign() -> None:
    """Let another host do it."""
    global _session  # noqa: PLW0603
    if _session is not None:
        with suppress(Error):
            _session.close()
        _session = None
