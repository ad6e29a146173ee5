"""API routes of `curation`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from curation import api, api_collections, api_speakers, api_suggestions

app_name = "curation"
urlpatterns: list[URLPattern | URLResolver] = [
    path("tags", api.TagList.as_view(), name="tags"),
    path("tags/<int:pk>", api.TagDetail.as_view(), name="tag"),
    path("tags/<int:pk>/merge", api.TagMerge.as_view(), name="tag-merge"),
    path("tags/<int:pk>/suggestions", api_suggestions.TagSuggestions.as_view(), name="tag-suggestions"),
    path("tags/<int:pk>/suggestions/<int:n>/accept", api_suggestions.SuggestionAccept.as_view(), name="tag-accept"),
    path("tags/<int:pk>/suggestions/<int:n>/refuse", api_suggestions.SuggestionRefuse.as_view(), name="tag-refuse"),
    path(
        "tags/<int:pk>/suggestions/<int:n>/take-back",
        api_suggestions.SuggestionTakeBack.as_view(),
        name="tag-take-back",
    ),
    path("moments", api.MomentList.as_view(), name="moments"),
    path("moments/<int:pk>", api.MomentDetail.as_view(), name="moment"),
    path("collections", api_collections.CollectionList.as_view(), name="collections"),
    path("collections/<int:pk>", api_collections.CollectionDetail.as_view(), name="collection"),
    path("collections/<int:pk>/items", api_collections.ItemList.as_view(), name="items"),
    path("collections/<int:pk>/items/<int:n>", api_collections.ItemDetail.as_view(), name="item"),
    path("collections/<int:pk>/export", api_collections.CollectionExport.as_view(), name="collection-export"),
    path("files/<int:pk>/speakers", api_speakers.Speakers.as_view(), name="speakers"),
    path("files/export", api_collections.FilesExport.as_view(), name="files-export"),
]
