"""The settings of `jobs`, read here and nowhere else in this app."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from jobs.registry import FAST, LONG

#: The tag of the checks that look at settings alone: the web server runs these at its start, too.
SETTINGS = "settings"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long things may take, in seconds."""

    #: A worker that has not renewed its lease for so long is taken for dead.
    lease_s: float
    #: Between two looks of the supervisor.
    tick_s: float
    #: A cluster that claims nothing for so long while rows are due is replaced.
    wedge_s: float
    #: A cluster is replaced after so long, for memory's sake.
    recycle_s: float
    #: The workers of a queue end after so long without work, and start with the next; 0 = they stay.
    idle_s: float
    #: A worker that ignores a cancel for so long is killed.
    cancel_grace_s: float
    #: The first pause before a retryable error is tried again; it doubles each time, up to `back_off_max_s`.
    back_off_s: float
    back_off_max_s: float

    @property
    def heartbeat_s(self) -> float:
        return self.lease_s / 4


def timing() -> Timing:
    return Timing(
        lease_s=settings.JOB_LEASE_SECONDS,
        tick_s=settings.JOB_TICK_SECONDS,
        wedge_s=settings.JOB_WEDGE_SECONDS,
        recycle_s=settings.JOB_RECYCLE_SECONDS,
        idle_s=settings.JOB_IDLE_SECONDS,
        cancel_grace_s=settings.JOB_CANCEL_GRACE_SECONDS,
        back_off_s=settings.JOB_BACK_OFF_SECONDS,
        back_off_max_s=3600,
    )


def workers(queue: str) -> int:
    return int({FAST: settings.FAST_WORKERS, LONG: settings.LONG_WORKERS}[queue])


def min_free_bytes() -> int:
    return int(settings.JOB_MIN_FREE_BYTES)


def keep_days() -> float:
    """How long jobs that are over are kept; 0 is for ever."""
    return float(settings.JOB_KEEP_DAYS)


def written_folders() -> Sequence[Path]:
    """Where work writes much: these must have free space."""
    return (Path(settings.DATA_DIR), Path(settings.PROXY_DIR))


def manage_py() -> Path:
    return Path(settings.BASE_DIR) / "manage.py"


def costly_rate() -> str:
    """How many costly API calls a user may make, such as `120/min`; empty = any number."""
    return str(settings.API_COSTLY_RATE)


def idempotency_key_hours() -> int:
    """How long the answer of a costly call is kept under its key."""
    return int(settings.IDEMPOTENCY_KEY_HOURS)
