"""Pages as their readers get them."""

import re
from typing import Protocol


class Page(Protocol):
    """What the test client answers, whichever class it is of."""

    @property
    def content(self) -> bytes: ...


def as_read(page: Page | str) -> str:
    """The HTML with white space as a browser shows it: one blank, and none at the edges of an element.

    Where a template breaks its lines is nothing that a test of a page should know.
    """
    html = page if isinstance(page, str) else page.content.decode()
    html = re.sub(r"\s+", " ", html)
    html = re.sub(r"(<[^/!][^>]*>) (?! )", r"\1", html)
    return re.sub(r" (</)", r"\1", html).strip()
