"""The settings of `nova`, read here and nowhere else in this app."""

from django.conf import settings

POLL_PAUSE_S = 10.0


def analyses_by_itself() -> bool:
    """Whether an import goes on to the free local analysis."""
    return "analyze" in settings.IMPORT_STEPS


def concurrent_calls() -> int:
    """How many calls of one model may run at once."""
    return max(1, int(settings.NOVA_CONCURRENT_CALLS))


def keep_raw_days() -> float:
    """How long replies of complete analyses are kept; 0 is for good."""
    return float(settings.NOVA_KEEP_RAW_DAYS)


def poll_s() -> float:
    """Seconds between two looks at Bedrock's batch jobs."""
    return float(settings.NOVA_POLL_SECONDS)


def poll_pause_s() -> float:
    """Seconds before the same batch job is asked about again, unless somebody insists."""
    return min(POLL_PAUSE_S, poll_s())
