"""The main navigation, the same on our pages and in the admin."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.auth import get_user_model
from django.template import Context
from django.urls import NoReverseMatch, reverse

from jobs.models import Job
from jobs.web.undo import take_offer

register = template.Library()

SHOWN_ADMINISTRATORS = 3

#: Address, name, and what somebody must be allowed to open it; staff open the admin.
_ITEMS = (
    ("home", "Home", "files.view_file"),
    ("library", "Library", "files.view_file"),
    ("search", "Search", "embeddings.view_chunk"),
    ("folders", "Folders", "files.view_root"),
    ("collections", "Collections", "curation.view_collection"),
    ("jobs", "Jobs", "jobs.view_job"),
    ("nova", "Nova", "nova.view_novajob"),
    ("spend", "Spend", "bedrock.view_entry"),
    ("admin:index", "Admin", ""),
)
#: Pages below an item that have an address of their own.
_SUBPAGES = {"library": ("/files/",), "jobs": ("/batches/",), "folders": ("/problems/", "/trash/", "/import/")}


@dataclass(frozen=True, kw_only=True)
class NavItem:
    label: str
    url: str
    is_current: bool
    count: int = 0


@register.simple_tag(takes_context=True)
def undo_offer(context: Context) -> dict[str, Any] | None:
    """The Undo that belongs to the message on this page, if there is one."""
    request = context.get("request")
    return take_offer(request) if request is not None else None


@register.simple_tag
def administrators() -> list[str]:
    """Whom somebody without a right can ask for it."""
    people = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk")
    return [person.get_username() for person in people[:SHOWN_ADMINISTRATORS]]


@register.simple_tag(takes_context=True)
def main_nav(context: Context) -> list[NavItem]:
    """The pages that this person may open; a page that is not installed is left out."""
    request = context.get("request")
    path = request.path if request is not None else ""
    items = []
    user = context.get("user")
    for name, label, permission in _ITEMS:
        if user is None or not (user.has_perm(permission) if permission else user.is_staff):
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        count = Job.objects.running().count() if name == "jobs" else 0
        is_current = path == url if name == "home" else path.startswith((url, *_SUBPAGES.get(name, ())))
        items.append(NavItem(label=label, url=url, is_current=is_current, count=count))
    return items
