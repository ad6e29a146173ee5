"""The settings of `nova`, read here and nowhere else in this app."""

from pathlib import Path

from django.conf import settings


def analyses_by_itself() -> bool:
    """Whether an import goes on to the free local analysis."""
    return "analyze" in settings.IMPORT_STEPS


def concurrent_calls() -> int:
    """How many calls of one model may run at once."""
    return max(1, int(settings.NOVA_CONCURRENT_CALLS))


def lock_folder() -> Path:
    return Path(settings.DATA_DIR) / "locks"


def poll_s() -> float:
    """Seconds between two looks at Bedrock's batch jobs."""
    return float(settings.NOVA_POLL_SECONDS)
