"""Telling the floors above."""

from files.models import File
from nova.models import NovaJob
from nova.signals import analysis_ready


def announce(file: File, nova_job: NovaJob | None, reason: str = "") -> None:
    """The step is settled, with an analysis or without one."""
    analysis_ready.send(sender=NovaJob, file=file, nova_job=nova_job, reason=reason)
