"""The settings of `nova`, read here and nowhere else in this app."""

from django.conf import settings


def analyses_by_itself() -> bool:
    """Whether an import goes on to the free local analysis."""
    return "analyze" in settings.IMPORT_STEPS
