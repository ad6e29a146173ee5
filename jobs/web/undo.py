"""An Undo in the message that follows what somebody did: one form, on the next page that is shown to this person."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

_KEY = "undo"


def tell_with_undo(request: HttpRequest, text: str, *, url: str, fields: Mapping[str, str] | None = None) -> None:
    """Say what was done, and offer to POST these fields to `url`, which takes it back."""
    messages.success(request, text, extra_tags=_KEY)
    request.session[_KEY] = {"url": url, "fields": dict(fields or {})}


def take_offer(request: HttpRequest) -> dict[str, Any] | None:
    """The Undo that waits to be shown, once."""
    session = getattr(request, "session", None)
    offer: dict[str, Any] | None = session.pop(_KEY, None) if session is not None and _KEY in session else None
    return offer
