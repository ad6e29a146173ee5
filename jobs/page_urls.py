"""Addresses of the jobs page and of a batch's page."""

from django.urls import path, re_path

from jobs import views

urlpatterns = [
    path("jobs/", views.jobs_page, name="jobs"),
    path("jobs/retry-failed", views.retry_failed, name="jobs-retry-failed"),
    re_path(r"^jobs/(?P<pk>\d+)/(?P<action>cancel|retry)$", views.job_action, name="job-action"),
    re_path(r"^queues/(?P<name>\w+)/(?P<action>pause|resume)$", views.queue_action, name="queue-action"),
    path("batches/<int:pk>/", views.batch_page, name="batch-page"),
    re_path(r"^batches/(?P<pk>\d+)/(?P<action>cancel|retry-failed)$", views.batch_action, name="batch-action"),
]
