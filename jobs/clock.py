"""What time it is by the one clock that all hosts of a library share: the database's.

A host whose own clock is a minute fast would take a living worker's lease for over. The database is asked once a
minute; in between a clock counts on that nobody sets. With SQLite there is one host, and its clock is the one.
"""

import time
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

ASK_EVERY_S = 60.0
#: The two clocks of this host have come apart by so much: it slept, or somebody put its clock right. Then it is asked.
APART_S = 0.5


class _Reading(NamedTuple):
    """What the database's clock said, and this host's two when it did."""

    shared: datetime
    steady_s: float
    wall_s: float


_readings: dict[str, _Reading] = {}


def now() -> datetime:
    """The moment, aware, in UTC. All leases, pauses and signs of life go by it."""
    if connection.vendor != "postgresql":
        return timezone.now()
    database = str(connection.settings_dict["NAME"])
    reading, steady_s, wall_s = _readings.get(database), time.monotonic(), time.time()
    if reading is not None:
        passed_s = steady_s - reading.steady_s
        if passed_s < ASK_EVERY_S and abs(wall_s - reading.wall_s - passed_s) < APART_S:
            return reading.shared + timedelta(seconds=passed_s)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        shared: datetime = cursor.fetchone()[0]
    # The answer took its time: of two readings, the one that says less is never ahead of the database.
    _readings[database] = _Reading(shared, time.monotonic(), time.time())
    return shared
