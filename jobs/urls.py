"""API routes of `jobs`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from jobs.api import BatchViewSet, JobViewSet, QueueViewSet

app_name = "jobs"
urlpatterns: list[URLPattern | URLResolver] = [
    path("jobs", JobViewSet.as_view({"get": "list"}), name="list"),
    path("jobs/<int:pk>", JobViewSet.as_view({"get": "retrieve"}), name="detail"),
    path("jobs/<int:pk>/cancel", JobViewSet.as_view({"post": "cancel"}), name="cancel"),
    path("jobs/<int:pk>/retry", JobViewSet.as_view({"post": "retry"}, is_costly=True), name="retry"),
    path("batch/<int:pk>", BatchViewSet.as_view({"get": "retrieve"}), name="batch"),
    path("batch/<int:pk>/cancel", BatchViewSet.as_view({"post": "cancel"}), name="batch-cancel"),
    path(
        "batch/<int:pk>/retry-failed",
        BatchViewSet.as_view({"post": "retry_failed"}, is_costly=True),
        name="batch-retry-failed",
    ),
    path("queues", QueueViewSet.as_view({"get": "list"}), name="queues"),
    path("queues/<str:name>/pause", QueueViewSet.as_view({"post": "pause"}), name="queue-pause"),
    path("queues/<str:name>/resume", QueueViewSet.as_view({"post": "resume"}), name="queue-resume"),
]
