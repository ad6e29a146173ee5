"""API routes of `bedrock`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from bedrock import api

app_name = "bedrock"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nova/models", api.ModelList.as_view(), name="models"),
    path("spend", api.Spend.as_view(), name="spend"),
]
