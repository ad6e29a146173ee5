"""API routes of `transcription`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from transcription import api

app_name = "transcription"
urlpatterns: list[URLPattern | URLResolver] = [
    path("transcription/providers", api.ProviderList.as_view(), name="providers"),
    path("transcription/transcribe", api.TranscribeView.as_view(), name="transcribe"),
    path("transcription/download", api.DownloadView.as_view(), name="download-model"),
    path("transcripts", api.TranscriptList.as_view(), name="transcripts"),
    path("transcripts/<int:pk>", api.TranscriptDetail.as_view(), name="transcript"),
    path("transcripts/<int:pk>/use", api.TranscriptUse.as_view(), name="use"),
    path("segments/<int:pk>", api.SegmentDetail.as_view(), name="segment"),
    path("segments/<int:pk>/undo", api.SegmentUndo.as_view(), name="segment-undo"),
    path("transcripts/<int:pk>/download", api.TranscriptDownload.as_view(), name="download"),
    path("transcripts/<int:pk>/captions.vtt", api.Captions.as_view(), name="captions"),
]
