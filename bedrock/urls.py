"""API routes of `bedrock`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from bedrock import api

app_name = "bedrock"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nova/models", api.ModelList.as_view(), name="models"),
    path("nova/models/<slug:key>", api.ModelDetail.as_view(), name="model"),
    path("nova/models/<slug:key>/accept-estimate", api.AcceptEstimate.as_view(), name="accept-estimate"),
    path("nova/refresh-models", api.RefreshModels.as_view(), name="refresh-models"),
    path("spend", api.Spend.as_view(), name="spend"),
]
