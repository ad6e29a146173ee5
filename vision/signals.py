"""News of what is seen, for the floors above. Sent after commit."""

from django.dispatch import Signal

#: kwargs: file, reason (str: why there are no frames; empty where they are chosen)
frames_settled = Signal()
#: kwargs: file, reason (str: why its text on screen was not read; empty where it was)
screen_text_settled = Signal()
