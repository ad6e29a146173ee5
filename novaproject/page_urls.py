"""Addresses of the pages that are composed at the top: home, library, files, import, setup."""

from django.urls import path

from novaproject import (
    views,
    views_file,
    views_folders,
    views_import,
    views_library,
    views_nova,
    views_setup,
    views_upload,
)

urlpatterns = [
    path("", views.home, name="home"),
    path("running/", views.home_running, name="home-running"),
    path("setup/", views_setup.setup, name="setup"),
    path("setup/picture-model/", views_setup.download_picture_model, name="setup-picture-model"),
    path("setup/weights/", views_setup.download_weights, name="setup-weights"),
    path("library/", views_library.library, name="library"),
    path("library/do/<slug:name>/", views_library.action, name="action"),
    path("library/do/<slug:name>/plan/", views_library.action_plan, name="action-plan"),
    path("import/", views_import.import_folder, name="import"),
    path("nova/", views_nova.analyses, name="nova"),
    path("nova/look/", views_nova.look, name="nova-look"),
    path("nova/waiting/<slug:model>/", views_nova.waiting, name="nova-waiting"),
    path("nova/batches/<int:pk>/cancel/", views_nova.cancel, name="nova-cancel"),
    path("upload/", views_upload.upload, name="upload"),
    path("files/<int:pk>/", views_file.file_detail, name="file-page"),
    path("files/<int:pk>/listen-again/", views_file.listen_again, name="listen-again"),
    path("files/<int:pk>/remove/", views_file.remove, name="file-remove"),
    path("folders/", views_folders.folders, name="folders"),
    path("folders/browse/", views_folders.browse, name="folder-browse"),
    path("folders/add/", views_folders.add, name="folder-add"),
    path("folders/<int:pk>/", views_folders.folder, name="folder"),
    path("folders/<int:pk>/scan/", views_folders.scan, name="folder-scan"),
    path("folders/<int:pk>/rules/", views_folders.rules, name="folder-rules"),
    path("folders/<int:pk>/relocate/", views_folders.relocate, name="folder-relocate"),
    path("folders/<int:pk>/remove/", views_folders.remove, name="folder-remove"),
    path("folders/<int:pk>/restore/", views_folders.restore, name="folder-restore"),
    path("problems/", views_folders.problems, name="problems"),
    path("trash/", views_folders.trash_page, name="trash"),
    path("trash/change/", views_folders.trash_change, name="trash-change"),
    path("files/<int:pk>/restore/", views_file.restore, name="file-restore"),
    path("segments/<int:pk>/", views_file.correct, name="segment-correct"),
    path("files/<int:pk>/player/", views_file.file_player, name="file-player"),
]
