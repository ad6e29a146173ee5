"""API routes of `nova`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from nova import api

app_name = "nova"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nova/analyze", api.Analyze.as_view(), name="analyze"),
    path("nova/estimate", api.Estimate.as_view(), name="estimate"),
    path("nova/export/<int:pk>", api.Export.as_view(), name="export"),
    path("nova/jobs", api.NovaJobList.as_view(), name="jobs"),
    path("nova/status/<int:pk>", api.NovaJobStatus.as_view(), name="status"),
    path("nova/results/<int:pk>", api.Results.as_view(), name="results"),
]
