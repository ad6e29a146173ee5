"""API routes of `embeddings`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver

app_name = "embeddings"
urlpatterns: list[URLPattern | URLResolver] = []
