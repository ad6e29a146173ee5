"""Addresses of the pages of `curation`."""

from django.urls import path

from curation import views, views_suggestions

urlpatterns = [
    path("files/<int:pk>/annotate/", views.annotate, name="file-annotate"),
    path("files/<int:pk>/speakers/", views.speakers, name="file-speakers"),
    path("files/<int:pk>/mark/", views.mark, name="moment-mark"),
    path("files/<int:pk>/collect/", views.collect, name="file-collect"),
    path("moments/<int:pk>/", views.moment_change, name="moment-change"),
    path("moments/<int:pk>/remove/", views.moment_remove, name="moment-remove"),
    path("collections/", views.collections, name="collections"),
    path("collections/add/", views.collection_add, name="collection-add"),
    path("collections/<int:pk>/", views.collection, name="collection"),
    path("collections/<int:pk>/change/", views.collection_change, name="collection-change"),
    path("collections/<int:pk>/delete/", views.collection_delete, name="collection-delete"),
    path("collections/<int:pk>/export/<slug:name>/", views.collection_export, name="collection-export"),
    path("tags/<int:pk>/", views.tag_change, name="tag-change"),
    path("tags/<int:pk>/suggestions/", views_suggestions.suggestions, name="tag-suggestions"),
    path(
        "tags/<int:pk>/suggestions/<int:n>/<slug:answer>/",
        views_suggestions.suggestion_answer,
        name="tag-suggestion",
    ),
]
