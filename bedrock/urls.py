"""API routes of `bedrock`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver

app_name = "bedrock"
urlpatterns: list[URLPattern | URLResolver] = []
