"""News of a transcript, for the floors above. Sent after commit."""

from django.dispatch import Signal

#: kwargs: file, transcript (or None), reason (str: why there is none, or what was done)
transcript_settled = Signal()
