"""API routes of `nova`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from nova import api, api_batches, api_types

app_name = "nova"
urlpatterns: list[URLPattern | URLResolver] = [
    path("nova/analyze", api.AnalyzeView.as_view(), name="analyze"),
    path("nova/estimate", api.NovaEstimateView.as_view(), name="estimate"),
    path("nova/export/<int:pk>", api.ExportView.as_view(), name="export"),
    path("nova/jobs", api.NovaJobList.as_view(), name="jobs"),
    path("nova/status/<int:pk>", api.NovaJobStatus.as_view(), name="status"),
    path("nova/batches", api_batches.BatchesView.as_view(), name="batches"),
    path("nova/batches/look", api_batches.LookAtBatchView.as_view(), name="look"),
    path("nova/batches/<int:pk>/cancel", api_batches.CancelBatchView.as_view(), name="cancel-batch"),
    path("nova/waiting", api_batches.WaitingView.as_view(), name="waiting"),
    path("nova/waiting/<slug:model>/send", api_batches.SendNowView.as_view(), name="send-now"),
    path("nova/waiting/<slug:model>/run", api_batches.RunNowView.as_view(), name="run-now"),
    path("nova/waiting/<slug:model>/cancel", api_batches.CancelWaitingView.as_view(), name="cancel-waiting"),
    path("nova/analysis-types", api_types.AnalysisTypeList.as_view(), name="analysis-types"),
    path("nova/analysis-types/<int:pk>", api_types.AnalysisTypeDetail.as_view(), name="analysis-type"),
    path("nova/reparse", api_types.ReparseView.as_view(), name="reparse"),
    path("nova/results/<int:pk>", api.ResultsView.as_view(), name="results"),
]
