"""The main navigation, the same on our pages and in the admin."""

from dataclasses import dataclass

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse

from jobs.models import Job

register = template.Library()

_ITEMS = (
    ("home", "Home"),
    ("library", "Library"),
    ("search", "Search"),
    ("jobs", "Jobs"),
    ("nova", "Nova"),
    ("spend", "Spend"),
    ("admin:index", "Admin"),
)


@dataclass(frozen=True, kw_only=True)
class NavItem:
    label: str
    url: str
    is_current: bool
    count: int = 0


@register.simple_tag(takes_context=True)
def main_nav(context: Context) -> list[NavItem]:
    """The pages that this person may open; a page that is not installed is left out."""
    request = context.get("request")
    path = request.path if request is not None else ""
    items = []
    for name, label in _ITEMS:
        if name == "admin:index" and not getattr(context.get("user"), "is_staff", False):
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        count = Job.objects.running().count() if name == "jobs" else 0
        items.append(NavItem(label=label, url=url, is_current=_is_current(name, url, path), count=count))
    return items


def _is_current(name: str, url: str, path: str) -> bool:
    if name == "home":
        return path == url
    if name == "library" and path.startswith("/files/"):
        return True
    if name == "jobs" and path.startswith("/batches/"):
        return True
    return path.startswith(url)
