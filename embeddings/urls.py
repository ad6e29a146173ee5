"""API routes of `embeddings`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from embeddings import api

app_name = "embeddings"
urlpatterns: list[URLPattern | URLResolver] = [
    path("search", api.SearchView.as_view(), name="search"),
    path("search/picture", api.PictureSearchView.as_view(), name="search-picture"),
    path("searches", api.SavedSearchList.as_view(), name="searches"),
    path("searches/<int:pk>", api.SavedSearchDetail.as_view(), name="saved-search"),
    path("searches/<int:pk>/new", api.SavedSearchNew.as_view(), name="saved-search-new"),
    path("searches/<int:pk>/opened", api.SavedSearchOpened.as_view(), name="saved-search-opened"),
    path("nova/embeddings/generate", api.GenerateView.as_view(), name="generate"),
]
