"""News of what is seen, for the floors above. Sent after commit."""

from django.dispatch import Signal

#: kwargs: file, reason (str: why there are no frames; empty where they are chosen)
frames_settled = Signal()
