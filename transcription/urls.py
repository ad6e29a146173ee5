"""API routes of `transcription`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver

app_name = "transcription"
urlpatterns: list[URLPattern | URLResolver] = []
