"""API routes of `files`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from files import api, api_actions, api_media

app_name = "files"
urlpatterns: list[URLPattern | URLResolver] = [
    path("files/<int:pk>/stream", api_media.FileStream.as_view(), name="stream"),
    path("files/<int:pk>/range", api_media.RangeDownload.as_view(), name="range"),
    path("files/<int:pk>/thumbnail", api_media.Thumbnail.as_view(), name="thumbnail"),
    path("files/<int:pk>/sprite.jpg", api_media.SpriteSheet.as_view(), name="sprite"),
    path("files/<int:pk>/sprite.vtt", api_media.SpriteIndex.as_view(), name="sprite-index"),
    path("proxies/<int:pk>/stream", api_media.ProxyStream.as_view(), name="proxy-stream"),
    path("files", api.FileList.as_view(), name="list"),
    path("files/upload", api.FileUpload.as_view(), name="upload"),
    path("files/<int:pk>", api.FileDetail.as_view(), name="detail"),
    path("files/import-directory", api_actions.ImportDirectoryView.as_view(), name="import-directory"),
    path("roots/<int:pk>/scan", api_actions.RootScanView.as_view(), name="root-scan"),
    path("reconcile", api_actions.ReconcileView.as_view(), name="reconcile"),
    path("batch/<int:pk>/undo", api_actions.UndoView.as_view(), name="batch-undo"),
    path("estimate", api_actions.EstimateView.as_view(), name="estimate"),
    *(path(f"batch/{name}", api_actions.StartActionView.as_view(), {"action": name}) for name in api_actions.ACTIONS),
    path("roots/<int:pk>", api.RootDetail.as_view(), name="root"),
    path("roots/<int:pk>/relocate", api_actions.RootRelocateView.as_view(), name="root-relocate"),
    path("roots", api.RootList.as_view(), name="roots"),
    path("proxies", api.ProxyList.as_view(), name="proxies"),
    path("trash", api.TrashList.as_view(), name="trash"),
    path("trash/empty", api.TrashEmpty.as_view(), name="trash-empty"),
    path("trash/<int:pk>/restore", api.TrashRestore.as_view(), name="trash-restore"),
    path("problems", api.ProblemList.as_view(), name="problems"),
]
