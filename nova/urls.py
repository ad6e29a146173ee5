"""API routes of `nova`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver

app_name = "nova"
urlpatterns: list[URLPattern | URLResolver] = []
