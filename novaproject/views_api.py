"""The page that describes the API."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated


class DocsView(SpectacularSwaggerSplitView):
    """It is for people: who is not logged in goes to the login first."""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, NotAuthenticated):
            answer: HttpResponse = redirect_to_login(self.request.get_full_path())
            return answer
        return super().handle_exception(exc)
