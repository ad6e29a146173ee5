"""Times inside prose become links that seek the player."""

import re

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from novaproject.player import parse_start, seconds

register = template.Library()

_TIME = re.compile(r"(?<![\d:.])((?:\d{1,2}:)?[0-5]?\d:[0-5]\d)(?![\d:])")


@register.filter
def time_links(text: str, page_url: str) -> SafeString:
    """`the seam at 3:42` → the same, escaped, with `3:42` as a link to that second of the file's page."""
    pieces = []
    for index, piece in enumerate(_TIME.split(text or "")):
        if index % 2:
            t = seconds(parse_start(piece))
            pieces.append(format_html('<a href="{}?t={}" data-seek="{}">{}</a>', page_url, t, t, piece))
        else:
            pieces.append(escape(piece))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece is escaped above
