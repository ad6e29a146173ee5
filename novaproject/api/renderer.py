"""What a browser gets from an address of the API: its answer as one of our pages, to read."""

from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer


class PageRenderer(BrowsableAPIRenderer):
    """The answer alone. The framework's own page has forms too: they are slow to make, its looks are not ours, and the
    page of the API's description (`docs`) sends every request better."""

    template = "rest_framework/api.html"

    def show_form_for_method(self, view: Any, method: str, request: Any, obj: Any) -> bool:
        return False

    def get_filter_form(self, data: Any, view: Any, request: Any) -> None:
        return None
