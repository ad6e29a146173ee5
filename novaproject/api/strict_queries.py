"""Parameters of an API address that it does not know: refused by name. A misspelt filter would match everything."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.views import APIView

#: What every address may be asked for: a representation, a page, an order.
ALWAYS = frozenset({"format", "page", "page_size", "ordering"})
#: Views of the description of the API have parameters of their own.
NOT_OURS = ("drf_spectacular.", "novaproject.views_api")


class StrictQueryMiddleware:
    """Refuses a request to the API with a parameter that its view does not name.

    A view knows the fields of its `filterset_class`, and those that its `query_parameters` name; a view whose
    `query_parameters` is None checks them itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
        if not request.GET or not isinstance(view_class, type) or not issubclass(view_class, APIView):
            return None
        if view_class.__module__.startswith(NOT_OURS):
            return None
        known = known_parameters(view_class)
        unknown = [] if known is None else sorted(set(request.GET) - known)
        if not unknown:
            return None
        words = f"There is no such parameter. Known are: {', '.join(sorted(known or ()))}."
        return JsonResponse({name: [words] for name in unknown}, status=400)


def known_parameters(view_class: type[APIView]) -> frozenset[str] | None:
    """The parameters that this view takes; None where it checks them itself."""
    named: Any = getattr(view_class, "query_parameters", ())
    if named is None:
        return None
    filters: Any = getattr(view_class(), "filterset_class", None)
    fields = filters.base_filters if filters is not None else ()
    return ALWAYS | frozenset(named) | frozenset(fields)
