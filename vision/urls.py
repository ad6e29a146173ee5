"""API routes of `vision`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from vision import api

app_name = "vision"
urlpatterns: list[URLPattern | URLResolver] = [
    path("files/<int:pk>/frames", api.FrameList.as_view(), name="frames"),
    path("files/<int:pk>/frames/<int:n>", api.FrameStill.as_view(), name="frame"),
    path("files/<int:pk>/duplicates", api.FileDuplicates.as_view(), name="file-duplicates"),
    path("duplicates", api.DuplicateList.as_view(), name="duplicates"),
    path("duplicates/find", api.FindDuplicates.as_view(), name="find-duplicates"),
]
