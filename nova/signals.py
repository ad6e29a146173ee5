"""News of an analysis, for the floors above. Sent after commit."""

from django.dispatch import Signal

#: kwargs: file, nova_job (or None where the step settled without one), reason (str)
analysis_ready = Signal()
