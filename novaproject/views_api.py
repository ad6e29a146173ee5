"""The root of the API, and the page that describes it."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.urls import URLPattern, get_resolver
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

PREFIX = "api/"


class ApiRoot(APIView):
    """Everything that can be read without naming one thing, by name: to click through."""

    name = "API"

    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="root", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response({name: request.build_absolute_uri(f"/{PREFIX}{name}") for name in readable_addresses()})


def readable_addresses() -> list[str]:
    """The addresses below `/api/` that answer GET and have no id in them, in alphabetical order."""
    mounted = next(one for one in get_resolver().url_patterns if str(one.pattern) == PREFIX)
    found: set[str] = set()
    waiting: list[Any] = [("", mounted)]
    while waiting:
        prefix, one = waiting.pop()
        for inner in one.url_patterns:
            address = f"{prefix}{inner.pattern}"
            if not isinstance(inner, URLPattern):
                waiting.append((address, inner))
            elif address and "<" not in address and _answers_get(inner.callback):
                found.add(address)
    return sorted(found)


def _answers_get(view: Any) -> bool:
    """Of a view, whether its class has `get`; of a viewset, whether an action stands for it."""
    return "get" in getattr(view, "actions", ()) or hasattr(getattr(view, "view_class", None), "get")


class DocsView(SpectacularSwaggerSplitView):
    """It is for people: who is not logged in goes to the login first."""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotAuthenticated):
            answer: HttpResponse = redirect_to_login(self.request.get_full_path())
            return answer
        return super().handle_exception(exc)
